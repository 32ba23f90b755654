// The checking lanes side by side, and the stream's own signals delayed to match.
// Nothing inside stalls: whoever fills it keeps room for what comes out.
module check_pipeline
  import tcp_pkg::*;
#(
    parameter int unsigned LANES = 3
) (
    input logic clk_i,
    input logic rst_ni,
    input logic clear_i, // forget what is inside

    input policy_t   policy_i,
    input checksum_e checksum_i,
    input logic      wide_i,

    input logic                                  valid_i,
    input logic [LANES-1:0]                      mask_i,
    input logic [LANES-1:0][DESCRIPTOR_BITS-1:0] descriptors_i,
    input logic [      1:0]                      phase_i,
    input logic                                  last_i,

    output logic                valid_o,
    output logic    [LANES-1:0] mask_o,
    output result_t [LANES-1:0] results_o,
    output logic    [      1:0] phase_o,
    output logic                last_o
);

  localparam int unsigned LATENCY = 4;  // of check_lane

  typedef struct packed {
    logic             valid;
    logic [LANES-1:0] mask;
    logic [1:0]       phase;
    logic             last;
  } aside_t;

  aside_t [LATENCY-1:0] aside_q;

  always_ff @(posedge clk_i) begin
    aside_q[0] <= '{valid: valid_i, mask: mask_i, phase: phase_i, last: last_i};
    for (int unsigned s = 1; s < LATENCY; s++) aside_q[s] <= aside_q[s-1];
    if (!rst_ni || clear_i) begin
      for (int unsigned s = 0; s < LATENCY; s++) aside_q[s].valid <= 1'b0;
    end
  end

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    check_lane i_lane (
        .clk_i,
        .descriptor_i(descriptors_i[l]),
        .policy_i,
        .checksum_i,
        .wide_i,
        .result_o    (results_o[l])
    );
  end

  assign valid_o = aside_q[LATENCY-1].valid;
  assign mask_o  = aside_q[LATENCY-1].mask;
  assign phase_o = aside_q[LATENCY-1].phase;
  assign last_o  = aside_q[LATENCY-1].last;

endmodule
