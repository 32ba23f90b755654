// Every cause, decision, risk-independent mark of a verdict, in each lane; bound to event_counters, which sees every
// result of both kernels.
module events_cover
  import tcp_pkg::*;
#(
    parameter int unsigned LANES = 1
) (
    input logic                clk_i,
    input logic                rst_ni,
    input logic    [LANES-1:0] mask_i,
    input result_t [LANES-1:0] results_i
);
  for (genvar l = 0; l < LANES; l++) begin : g_lane
    wire counts = rst_ni && mask_i[l];
    wire valid = counts && results_i[l].verdict[0];
    for (genvar c = 0; c < 6; c++) begin : g_cause
      cause :
      cover property (@(posedge clk_i) counts && results_i[l].cause == cause_e'(3'(c)));
    end
    for (genvar d = 0; d < 4; d++) begin : g_decision
      decision :
      cover property (@(posedge clk_i) valid && results_i[l].verdict[2:1] == 2'(d));
    end
    for (genvar r = 0; r < 5; r++) begin : g_risk
      risk :
      cover property (@(posedge clk_i) valid && results_i[l].verdict[5:3] == 3'(r));
    end
    over_a_maximum :
    cover property (@(posedge clk_i) valid && results_i[l].verdict[6]);
    flag_hit :
    cover property (@(posedge clk_i) valid && results_i[l].verdict[7]);
  end
  together :
  cover property (@(posedge clk_i) rst_ni && mask_i == '1);
endmodule

bind event_counters events_cover #(.LANES(LANES)) i_cover (.*);
