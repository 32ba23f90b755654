// What a handshake can meet: taken at once, waited for, and pauses of the side that offers while the other would take.
module channel_cover (
    input logic clk_i,
    input logic rst_ni,
    input logic valid_i,
    input logic ready_i
);
  logic waited_q;
  always_ff @(posedge clk_i) waited_q <= rst_ni && valid_i && !ready_i;

  at_once :
  cover property (@(posedge clk_i) rst_ni && valid_i && ready_i && !waited_q);
  stalled :
  cover property (@(posedge clk_i) rst_ni && valid_i && !ready_i && waited_q);
  after_a_stall :
  cover property (@(posedge clk_i) rst_ni && valid_i && ready_i && waited_q);
  idle :
  cover property (@(posedge clk_i) rst_ni && !valid_i && ready_i);
endmodule

// A channel where nobody is ready before something is offered.
module request_cover (
    input logic clk_i,
    input logic rst_ni,
    input logic valid_i,
    input logic ready_i
);
  stalled :
  cover property (@(posedge clk_i) rst_ni && valid_i && !ready_i);
  taken :
  cover property (@(posedge clk_i) rst_ni && valid_i && ready_i);
endmodule
