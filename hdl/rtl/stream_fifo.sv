// A FIFO on a synchronous-read memory (block RAM where it is deep) whose output is
// ready before it is asked for: what is pushed shows two clocks later. The caller
// never pushes into a full one; `level_o` tells it how full the FIFO is.
module stream_fifo #(
    parameter int unsigned WIDTH = 32,
    parameter int unsigned DEPTH = 16   // a power of two
) (
    input logic clk_i,
    input logic rst_ni,
    input logic clear_i,

    input logic             push_i,
    input logic [WIDTH-1:0] data_i,

    output logic             valid_o,
    input  logic             ready_i,
    output logic [WIDTH-1:0] data_o,

    output logic [$clog2(DEPTH):0] level_o  // in the memory; the output holds one more
);

  localparam int unsigned POINTER = $clog2(DEPTH);

  logic [WIDTH-1:0] mem[DEPTH];
  logic [POINTER-1:0] write_q, read_q;
  logic [POINTER:0] level_q;
  logic valid_q;
  logic [WIDTH-1:0] data_q;

  wire load = level_q != '0 && (!valid_q || ready_i);

  always_ff @(posedge clk_i) begin
    if (push_i) mem[write_q] <= data_i;
  end
  always_ff @(posedge clk_i) begin
    if (load) data_q <= mem[read_q];
  end

  always_ff @(posedge clk_i) begin
    if (push_i) write_q <= write_q + 1'b1;
    if (load) read_q <= read_q + 1'b1;
    if (push_i && !load) level_q <= level_q + 1'b1;
    if (!push_i && load) level_q <= level_q - 1'b1;
    if (load) valid_q <= 1'b1;
    else if (ready_i) valid_q <= 1'b0;
    if (!rst_ni || clear_i) begin
      write_q <= '0;
      read_q  <= '0;
      level_q <= '0;
      valid_q <= 1'b0;
    end
  end

  assign valid_o = valid_q;
  assign data_o  = data_q;
  assign level_o = level_q;

endmodule
