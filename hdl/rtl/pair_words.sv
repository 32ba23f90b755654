// One word for each queue pair, with one writer and several readers. It lies in memories
// of LUTs, sixteen deep, one for each reader: registers would cost a choice among sixteen
// for every bit of every reader. Memories have no reset, so a flag for each pair tells
// whether its word was written since; what was not written reads 0.
module pair_words
  import queue_pkg::*;
#(
    parameter int unsigned WIDTH   = 16,
    parameter int unsigned READERS = 1
) (
    input logic clk_i,
    input logic rst_ni,

    input logic  clear_i,      // this pair's word is 0 from the next clock on
    input pair_t clear_pair_i,

    input logic              write_i,
    input pair_t             pair_i,
    input logic  [WIDTH-1:0] data_i,

    // Answered in the same clock, with what was written before it.
    input  pair_t [READERS-1:0]            pairs_i,
    output logic  [READERS-1:0][WIDTH-1:0] data_o
);

  logic [PAIRS-1:0] written_q;

  always_ff @(posedge clk_i) begin
    if (write_i) written_q[pair_i] <= 1'b1;
    if (clear_i) written_q[clear_pair_i] <= 1'b0;
    if (!rst_ni) written_q <= '0;
  end

  logic [WIDTH-1:0] mem[PAIRS];
  always_ff @(posedge clk_i) begin
    if (write_i) mem[pair_i] <= data_i;
  end
  for (genvar r = 0; r < READERS; r++) begin : g_reader
    assign data_o[r] = written_q[pairs_i[r]] ? mem[pairs_i[r]] : '0;
  end

endmodule
