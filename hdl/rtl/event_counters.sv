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

    input  logic        access_i,
    input  logic [ 4:0] word_i,    // low word of counter n is 2n, high word 2n+1
    output logic [31:0] rdata_o    // in the next clock; 0 without access
);

  localparam int unsigned COUNTERS = 16;
  localparam int unsigned DECISION_COUNTERS = 2;
  localparam int unsigned CAUSE_COUNTERS = 6;
  localparam int unsigned OVER_MAXIMUM = 11;
  localparam int unsigned FLAG_HIT = 12;
  localparam int unsigned ACTIVE = 13;
  localparam int unsigned READ_WAIT = 14;

  // How often each event happened in a clock.
  logic [1:0] increment_q[COUNTERS];
  logic [31:0] low_q[COUNTERS];
  logic [31:0] high_q[COUNTERS];
  logic carry_q[COUNTERS];

  // A lane's part in counter `n`, which is constant: what is left is a compare.
  function automatic logic counts(
      input int unsigned n, input cause_e cause,
      /* verilator lint_off UNUSEDSIGNAL */  // the risk level is not counted
      input logic [7:0] verdict
      /* verilator lint_on UNUSEDSIGNAL */
);
    counts = 1'b0;
    if (n == 0) counts = 1'b1;
    else if (n == 1) counts = verdict[0];
    else if (n < CAUSE_COUNTERS) counts = verdict[2:0] == {2'(n - DECISION_COUNTERS), 1'b1};
    else if (n < OVER_MAXIMUM) counts = cause == cause_e'(3'(n - CAUSE_COUNTERS + 1));
    else if (n == OVER_MAXIMUM) counts = verdict[6];
    else if (n == FLAG_HIT) counts = verdict[7];
  endfunction

  for (genvar n = 0; n < COUNTERS; n++) begin : g_counter
    if (n < ACTIVE) begin : g_event
      always_ff @(posedge clk_i) begin
        increment_q[n] <= 2'd0;
        if (mask_i != '0) begin
          logic [1:0] sum;
          sum = 2'd0;
          for (int unsigned l = 0; l < LANES; l++) begin
            sum = sum + 2'(mask_i[l] && counts(n, results_i[l].cause, results_i[l].verdict));
          end
          increment_q[n] <= sum;
        end
        if (!rst_ni) increment_q[n] <= 2'd0;
      end
    end else begin : g_clock
      wire event_now = n == ACTIVE ? active_i : n == READ_WAIT ? read_wait_i : write_wait_i;
      always_ff @(posedge clk_i) increment_q[n] <= rst_ni ? 2'(event_now) : 2'd0;
    end

    always_ff @(posedge clk_i) begin
      if (increment_q[n] != '0 || carry_q[n]) begin
        {carry_q[n], low_q[n]} <= {1'b0, low_q[n]} + 33'(increment_q[n]);
        high_q[n] <= high_q[n] + 32'(carry_q[n]);
      end
      if (!rst_ni) begin
        low_q[n]   <= '0;
        high_q[n]  <= '0;
        carry_q[n] <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    rdata_o <= '0;
    if (access_i) rdata_o <= word_i[0] ? high_q[word_i[4:1]] : low_q[word_i[4:1]];
  end

endmodule
