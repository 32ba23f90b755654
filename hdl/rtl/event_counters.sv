// The sixteen 64-bit counters of the register map. Each counter is two 32-bit
// halves with a registered carry between them, which halves the adder's length;
// the high half follows the low one by a clock.
//
// Order (register 0x100 on): descriptors, valid, APPROVE, CAUTION,
// REQUIRE_APPROVAL, REJECT, BAD_MAGIC, BAD_VERSION, BAD_CHECKSUM, BAD_RISK,
// RESERVED_FLAGS, over a maximum, flag hit, active cycles, cycles waiting for
// read data, cycles waiting for write acceptance.
module event_counters
  import tcp_pkg::*;
#(
    parameter int unsigned LANES = 3
) (
    input logic clk_i,
    input logic rst_ni,

    input logic    [LANES-1:0] mask_i,       // results that count in this clock
    input result_t [LANES-1:0] results_i,
    input logic                active_i,
    input logic                read_wait_i,
    input logic                write_wait_i,

    input  logic [ 4:0] word_i,  // low word of counter n is 2n, high word 2n+1
    output logic [31:0] rdata_o  // in the same clock
);

  localparam int unsigned COUNTERS = 16;
  localparam int unsigned DECISION_COUNTERS = 2;
  localparam int unsigned CAUSE_COUNTERS = 6;

  // Events of one descriptor, then how many of each in this clock.
  logic [LANES-1:0][COUNTERS-1:0] events;
  logic [COUNTERS-1:0][1:0] increment_d, increment_q;
  logic [COUNTERS-1:0][31:0] low_q, high_q;
  logic [COUNTERS-1:0] carry_q;

  always_comb begin
    events = '0;
    for (int unsigned l = 0; l < LANES; l++) begin
      if (mask_i[l]) begin
        events[l][0] = 1'b1;
        events[l][1] = results_i[l].verdict[0];
        for (int unsigned d = 0; d < 4; d++) begin
          events[l][DECISION_COUNTERS+d] =
              results_i[l].verdict[0] && results_i[l].verdict[2:1] == 2'(d);
        end
        for (int unsigned c = 0; c < 5; c++) begin
          events[l][CAUSE_COUNTERS+c] = results_i[l].cause == cause_e'(3'(c + 1));
        end
        events[l][11] = results_i[l].verdict[6];
        events[l][12] = results_i[l].verdict[7];
      end
    end
    for (int unsigned n = 0; n < COUNTERS; n++) begin
      increment_d[n] = 2'd0;
      for (int unsigned l = 0; l < LANES; l++) begin
        increment_d[n] = increment_d[n] + 2'(events[l][n]);
      end
    end
    increment_d[13] = 2'(active_i);
    increment_d[14] = 2'(read_wait_i);
    increment_d[15] = 2'(write_wait_i);
  end

  always_ff @(posedge clk_i) begin
    increment_q <= increment_d;
    for (int unsigned n = 0; n < COUNTERS; n++) begin
      {carry_q[n], low_q[n]} <= {1'b0, low_q[n]} + 33'(increment_q[n]);
      if (carry_q[n]) high_q[n] <= high_q[n] + 32'd1;
    end
    if (!rst_ni) begin
      increment_q <= '0;
      low_q <= '0;
      high_q <= '0;
      carry_q <= '0;
    end
  end

  assign rdata_o = word_i[0] ? high_q[word_i[4:1]] : low_q[word_i[4:1]];

endmodule
