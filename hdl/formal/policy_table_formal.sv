// policy_table: a word reads as it was written, byte by byte, or its reset value; a slot is loaded
// as all writes before it left it, and then stays until the next load.
//
// `slot`, `word` and `lane` name any byte of the table, so what holds for it holds for all.
module policy_table_formal
  import tcp_pkg::*;
  import policy_reference::*;
#(
    parameter int unsigned SLOTS = POLICY_SLOTS
) (
    input logic                     clk_i,
    input logic                     rst_ni,
    input logic                     access_i,
    input logic                     write_i,
    input logic [$clog2(SLOTS)-1:0] slot_i,
    input logic [              2:0] word_i,
    input logic [             31:0] wdata_i,
    input logic [              3:0] wstrb_i,
    input logic                     load_i,
    input logic [$clog2(SLOTS)-1:0] load_slot_i
);

  logic [31:0] rdata;
  policy_t policy;

  policy_table #(
      .SLOTS(SLOTS)
  ) dut (
      .clk_i,
      .rst_ni,
      .access_i,
      .write_i,
      .slot_i,
      .word_i,
      .wdata_i,
      .wstrb_i,
      .rdata_o (rdata),
      .load_i,
      .load_slot_i,
      .policy_o(policy)
  );

  logic [$clog2(SLOTS)-1:0] slot;
  logic [2:0] word;
  logic [1:0] lane;
  wire here = access_i && slot_i == slot && word_i == word;

  logic running_q = 1'b0, was_access_q = 1'b0, was_here_q = 1'b0;
  logic written_q = 1'b0;  // in the clock before, not seen yet
  logic [7:0] byte_q, late_byte_q, held_q;
  logic loaded_q = 1'b0;  // the slot that was loaded last is this one
  logic [7:0] loaded_byte_q;
  logic kept_q = 1'b0;
  policy_t policy_q;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    slot <= slot;
    word <= word;
    lane <= lane;
    was_access_q <= access_i;
    was_here_q <= here && running_q;
    held_q <= byte_q;
    // A write counts from the second clock after its access on.
    written_q <= here && write_i && wstrb_i[lane] && rst_ni;
    late_byte_q <= wdata_i[8*lane+:8];
    if (written_q) byte_q <= late_byte_q;
    if (load_i) begin
      loaded_q <= load_slot_i == slot && running_q;
      loaded_byte_q <= byte_q;
    end
    kept_q   <= !load_i;
    policy_q <= policy;
    if (!rst_ni) byte_q <= reset_word(word) [8*lane+:8];
  end

  // Where the byte lies.
  logic [POLICY_WORDS-1:0][7:0] lies;
  for (genvar w = 0; w < POLICY_WORDS; w++) begin : g_word
    wire [31:0] stored = dut.g_word[w].mem[slot];
    assign lies[w] = dut.g_word[w].written_q[slot] ? stored[8*lane+:8] : POLICY_RESET[w][8*lane+:8];
  end

  always_comb begin
    if (!running_q) assume (!rst_ni);
    if (was_access_q) assume (!access_i);  // axil_slave's accesses are four clocks apart

    if (running_q) begin
      if (was_here_q) assert (rdata[8*lane+:8] == held_q);
      if (!was_access_q) assert (rdata == '0);
      if (loaded_q) assert (policy[word][8*lane+:8] == loaded_byte_q);
      if (kept_q) assert (policy == policy_q);

      // What the induction stands on.
      assert (lies[word] == byte_q);
      if (dut.write_q || written_q) assert (was_access_q);
      assert (written_q == (dut.write_q && was_here_q && dut.wstrb_q[lane]));
      if (written_q) assert (dut.wdata_q[8*lane+:8] == late_byte_q);
      if (dut.write_q && was_here_q) assert (held_q == byte_q);
      if (dut.write_q) assert (was_here_q == (dut.slot_q == slot && dut.word_q == word));
    end
  end

endmodule
