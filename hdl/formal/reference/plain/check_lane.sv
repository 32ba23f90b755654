// Stands for check_lane in a proof of the whole kernel: the result is bytes of the descriptor, so that
// what is written tells whose result it is. What the real one says is proved by a job of its own.
module check_lane
  import tcp_pkg::*;
(
    input logic                            clk_i,
    input logic      [DESCRIPTOR_BITS-1:0] descriptor_i,
    input policy_t                         policy_i,
    input checksum_e                       checksum_i,
    input logic                            wide_i,

    output result_t result_o
);

  result_t result_1_q, result_2_q, result_3_q;
  always_ff @(posedge clk_i) begin
    result_1_q.verdict <= descriptor_i[7:0];
    result_1_q.cause <= cause_e'(descriptor_i[18:16]);
    result_1_q.flags <= descriptor_i[191:176];
    result_2_q <= result_1_q;
    result_3_q <= result_2_q;
    result_o <= result_3_q;
  end

endmodule
