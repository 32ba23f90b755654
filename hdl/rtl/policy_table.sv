// The policy slots. A slot's words live in small memories, which no reset
// reaches; a flag per word tells "written since reset", and a word without it
// reads as its reset value. So a reset is one clock and the memories stay memories.
//
// The host's access takes two clocks: the word is read in the first, and answered,
// merged and written in the second. No other access comes in between.
module policy_table
  import tcp_pkg::*;
#(
    parameter int unsigned SLOTS = POLICY_SLOTS
) (
    input logic clk_i,
    input logic rst_ni,

    // Host access: a word of a slot.
    input  logic                     access_i,
    input  logic                     write_i,
    input  logic [$clog2(SLOTS)-1:0] slot_i,
    input  logic [              2:0] word_i,
    input  logic [             31:0] wdata_i,
    input  logic [              3:0] wstrb_i,
    output logic [             31:0] rdata_o,   // in the next clock; 0 without access

    // The whole slot that is asked for, from the next clock on.
    input  logic                        load_i,
    input  logic    [$clog2(SLOTS)-1:0] load_slot_i,
    output policy_t                     policy_o
);

  logic [POLICY_WORDS-1:0][31:0] host_words;
  logic [POLICY_WORDS-1:0] host_written;
  logic [31:0] old, merged;

  // The access, in its second clock.
  logic write_q;
  logic [$clog2(SLOTS)-1:0] slot_q;
  logic [2:0] word_q;
  logic [31:0] old_q, wdata_q;
  logic [3:0] wstrb_q;

  for (genvar w = 0; w < POLICY_WORDS; w++) begin : g_word
    logic [31:0] mem[SLOTS];
    logic [SLOTS-1:0] written_q;
    // Whether it was written is known late, and holds for all its bits: it is applied after both were read.
    logic [31:0] policy_q;
    logic policy_written_q;
    wire written = write_q && word_q == 3'(w);

    always_ff @(posedge clk_i) begin
      if (written) mem[slot_q] <= merged;
    end

    always_ff @(posedge clk_i) begin
      if (written) written_q[slot_q] <= 1'b1;
      if (load_i) begin
        policy_q <= mem[load_slot_i];
        policy_written_q <= written_q[load_slot_i];
      end
      if (!rst_ni) written_q <= '0;
    end

    assign host_words[w]   = mem[slot_i];
    assign host_written[w] = written_q[slot_i];
    assign policy_o[w]     = policy_written_q ? policy_q : POLICY_RESET[w];
  end

  always_comb begin
    // The word is chosen before it is known whether it was written: that takes as long.
    old = host_written[word_i] ? host_words[word_i] : POLICY_RESET[word_i];
    if (!access_i) old = '0;
    for (int unsigned i = 0; i < 4; i++) begin
      merged[8*i+:8] = wstrb_q[i] ? wdata_q[8*i+:8] : old_q[8*i+:8];
    end
  end

  always_ff @(posedge clk_i) begin
    write_q <= access_i && write_i && rst_ni;
    old_q   <= old;
    slot_q  <= slot_i;
    word_q  <= word_i;
    wdata_q <= wdata_i;
    wstrb_q <= wstrb_i;
  end
  assign rdata_o = old_q;

endmodule
