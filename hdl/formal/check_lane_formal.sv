// check_lane gives, four clocks later, what the second description of the verdict says: for
// any descriptor, policy and options, whatever is in the lane before and behind it, and for
// any checksum (reference/free/descriptor_checksum.sv).
module check_lane_formal
  import tcp_pkg::*;
(
    input logic                            clk_i,
    input logic      [DESCRIPTOR_BITS-1:0] descriptor_i,
    input policy_t                         policy_i,
    input checksum_e                       checksum_i,
    input logic                            wide_i
);

  result_t result;
  check_lane dut (
      .clk_i,
      .descriptor_i,
      .policy_i,
      .checksum_i,
      .wide_i,
      .result_o(result)
  );

  logic [DESCRIPTOR_BITS-1:0] descriptor_1_q, descriptor_2_q;
  policy_t policy_1_q, policy_2_q;
  logic wide_1_q, wide_2_q;
  descriptor_reference::outcome_t outcome_3_q, outcome_4_q;
  logic [2:0] clocks_q = 3'd0;

  always_ff @(posedge clk_i) begin
    descriptor_1_q <= descriptor_i;
    descriptor_2_q <= descriptor_1_q;
    policy_1_q <= policy_i;
    policy_2_q <= policy_1_q;
    wide_1_q <= wide_i;
    wide_2_q <= wide_1_q;
    // The lane's checksum comes in its second clock.
    outcome_3_q <= descriptor_reference::outcome(
        descriptor_2_q, dut.checksum, wide_2_q, policy_2_q
    );
    outcome_4_q <= outcome_3_q;
    if (clocks_q != 3'd4) clocks_q <= clocks_q + 3'd1;
  end

  always_comb begin
    if (clocks_q == 3'd4) begin
      assert (result.verdict == outcome_4_q.verdict);
      assert (result.cause == outcome_4_q.cause);
      assert (result.flags == outcome_4_q.flags);
    end
  end

endmodule
