// check_pipeline: each word comes out once, four clocks later, unchanged and in order, and its
// results are those of the second description for its own descriptors. For any checksum, as in
// check_lane_formal.
module check_pipeline_formal
  import tcp_pkg::*;
#(
    parameter int unsigned LANES = 3
) (
    input logic                         clk_i,
    input logic                         rst_ni,
    input logic                         clear_i,
    input policy_t                      policy_i,
    input checksum_e                    checksum_i,
    input logic                         wide_i,
    input logic                         valid_i,
    input logic      [LANES-1:0]        mask_i,
    input logic      [LANES-1:0][191:0] descriptors_i,
    input logic      [      1:0]        phase_i,
    input logic                         last_i
);

  localparam int unsigned LATENCY = 4;

  logic valid, last;
  logic [LANES-1:0] mask;
  result_t [LANES-1:0] results;
  logic [1:0] phase;

  check_pipeline #(
      .LANES(LANES)
  ) dut (
      .clk_i,
      .rst_ni,
      .clear_i,
      .policy_i,
      .checksum_i,
      .wide_i,
      .valid_i,
      .mask_i,
      .descriptors_i,
      .phase_i,
      .last_i,
      .valid_o  (valid),
      .mask_o   (mask),
      .results_o(results),
      .phase_o  (phase),
      .last_o   (last)
  );

  // What went in, by the clocks since.
  logic [LATENCY:1] valid_q;
  logic [LATENCY:1][LANES-1:0] mask_q;
  logic [LATENCY:1][1:0] phase_q;
  logic [LATENCY:1] last_q;
  logic [2:1][LANES-1:0][191:0] descriptors_q;
  policy_t [2:1] policy_q;
  logic [2:1] wide_q;
  descriptor_reference::outcome_t [LATENCY:3][LANES-1:0] outcome_q;
  logic [2:0] clocks_q = 3'd0;
  logic [LANES-1:0][15:0] checksums;

  for (genvar l = 0; l < LANES; l++) begin : g_checksum
    assign checksums[l] = dut.g_lane[l].i_lane.checksum;
  end

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[LATENCY-1:1], valid_i};
    if (!rst_ni || clear_i) valid_q <= '0;
    mask_q <= {mask_q[LATENCY-1:1], mask_i};
    phase_q <= {phase_q[LATENCY-1:1], phase_i};
    last_q <= {last_q[LATENCY-1:1], last_i};
    descriptors_q <= {descriptors_q[1], descriptors_i};
    policy_q <= {policy_q[1], policy_i};
    wide_q <= {wide_q[1], wide_i};
    for (int unsigned l = 0; l < LANES; l++) begin
      outcome_q[3][l] <=
          descriptor_reference::outcome(descriptors_q[2][l], checksums[l], wide_q[2], policy_q[2]);
    end
    outcome_q[4] <= outcome_q[3];
    if (clocks_q != 3'd4) clocks_q <= clocks_q + 3'd1;
  end

  always_comb begin
    if (clocks_q == 3'd4) begin
      assert (valid == valid_q[LATENCY]);
      assert (mask == mask_q[LATENCY] && phase == phase_q[LATENCY] && last == last_q[LATENCY]);
      for (int unsigned l = 0; l < LANES; l++) begin
        assert (results[l].verdict == outcome_q[4][l].verdict);
        assert (results[l].cause == outcome_q[4][l].cause);
        assert (results[l].flags == outcome_q[4][l].flags);
      end
    end
  end

endmodule
