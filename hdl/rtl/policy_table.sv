// The sixteen policy slots. A slot's words live in small memories, which no reset
// reaches; a flag per word tells "written since reset", and a word without it
// reads as its reset value. So a reset is one clock and the memories stay memories.
module policy_table
  import tcp_pkg::*;
(
    input logic clk_i,
    input logic rst_ni,

    // Host access: a word of a slot. Read data come in the same clock.
    input  logic        write_i,
    input  logic [ 3:0] slot_i,
    input  logic [ 2:0] word_i,
    input  logic [31:0] wdata_i,
    input  logic [ 3:0] wstrb_i,
    output logic [31:0] rdata_o,

    // The run's whole slot, in the same clock.
    input  logic    [3:0] run_slot_i,
    output policy_t       run_policy_o
);

  logic [POLICY_WORDS-1:0][POLICY_SLOTS-1:0] written_q;
  logic [POLICY_WORDS-1:0][31:0] host_words;
  logic [31:0] merged;

  always_comb begin
    for (int unsigned i = 0; i < 4; i++) begin
      merged[8*i+:8] = wstrb_i[i] ? wdata_i[8*i+:8] : rdata_o[8*i+:8];
    end
  end

  for (genvar w = 0; w < POLICY_WORDS; w++) begin : g_word
    logic [31:0] mem[POLICY_SLOTS];
    wire write = write_i && word_i == 3'(w);

    always_ff @(posedge clk_i) begin
      if (write) mem[slot_i] <= merged;
    end

    always_ff @(posedge clk_i) begin
      if (write) written_q[w][slot_i] <= 1'b1;
      if (!rst_ni) written_q[w] <= '0;
    end

    assign host_words[w]   = written_q[w][slot_i] ? mem[slot_i] : POLICY_RESET[w];
    assign run_policy_o[w] = written_q[w][run_slot_i] ? mem[run_slot_i] : POLICY_RESET[w];
  end

  assign rdata_o = host_words[word_i];

endmodule
