// Stands for stream_fifo in proofs of what is done with a stream: any words come out, at any time,
// and stay until they are taken. That the real one gives what it was given, in order, is proved by
// jobs of its own.
module stream_fifo #(
    parameter int unsigned WIDTH = 32,
    parameter int unsigned DEPTH = 16
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic                   clear_i,
    input  logic                   push_i,
    input  logic [      WIDTH-1:0] data_i,
    output logic                   valid_o,
    input  logic                   ready_i,
    output logic [      WIDTH-1:0] data_o,
    output logic [$clog2(DEPTH):0] level_o
);

  // Not driven: the solver's choice.
  logic any_valid;
  logic [WIDTH-1:0] any_data;
  logic [$clog2(DEPTH):0] any_level;

  logic waits_q;
  logic [WIDTH-1:0] data_q;
  always_ff @(posedge clk_i) begin
    waits_q <= valid_o && !ready_i && rst_ni;
    data_q  <= data_o;
  end
  assign valid_o = waits_q || any_valid;
  assign data_o  = waits_q ? data_q : any_data;
  assign level_o = any_level;

endmodule
