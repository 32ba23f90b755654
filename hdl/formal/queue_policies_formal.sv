// queue_policies: the side in force of a slot changes by a swap alone, and wholly in its clock; both
// lanes see it with its version. The host writes and reads the other side.
//
// `slot`, `word` and `lane` name any byte, `checker` any checking lane, so what holds for them holds
// for all.
module queue_policies_formal
  import tcp_pkg::*;
  import queue_pkg::*;
  import policy_reference::*;
(
    input logic                  clk_i,
    input logic                  rst_ni,
    input logic                  access_i,
    input logic                  write_i,
    input logic [      3:0]      slot_i,
    input logic [      2:0]      word_i,
    input logic [     31:0]      wdata_i,
    input logic [      3:0]      version_slot_i,
    input logic                  swap_i,
    input logic [LANES-1:0][3:0] slots_i
);

  logic [31:0] rdata;
  logic [7:0] version;
  policy_t [LANES-1:0] policies;
  logic [LANES-1:0][7:0] versions;

  queue_policies dut (
      .clk_i,
      .rst_ni,
      .access_i,
      .write_i,
      .slot_i,
      .word_i,
      .wdata_i,
      .rdata_o   (rdata),
      .version_slot_i,
      .swap_i,
      .version_o (version),
      .slots_i,
      .policies_o(policies),
      .versions_o(versions)
  );

  logic [3:0] slot;
  logic [2:0] word;
  logic [1:0] lane;
  logic checker_lane;
  wire here = access_i && slot_i == slot && word_i == word;
  wire swap = swap_i && version_slot_i == slot;

  // The byte on both sides, and what it is to be in two clocks.
  logic [7:0] force_q, shadow_q, version_q;
  logic [7:0] data_1_q, data_2_q;
  logic write_1_q, write_2_q;

  logic running_q = 1'b0, was_running_q = 1'b0;
  logic [4:0] busy_q;  // accesses and swaps of the last clocks, the newest in bit 0
  logic was_here_1_q = 1'b0, was_here_2_q = 1'b0, was_access_1_q = 1'b0, was_access_2_q = 1'b0;
  logic [7:0] held_1_q, held_2_q;
  logic looked_1_q = 1'b0, looked_2_q = 1'b0;
  logic [7:0] looked_force_1_q, looked_force_2_q, looked_version_1_q, looked_version_2_q;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    was_running_q <= running_q;
    slot <= slot;
    word <= word;
    lane <= lane;
    checker_lane <= checker_lane;
    busy_q <= {busy_q[3:0], access_i || swap_i};

    was_access_1_q <= access_i && rst_ni;
    was_access_2_q <= was_access_1_q;
    was_here_1_q <= here && rst_ni;
    was_here_2_q <= was_here_1_q && rst_ni;
    held_1_q <= shadow_q;
    held_2_q <= held_1_q;
    write_1_q <= here && write_i && rst_ni;
    write_2_q <= write_1_q && rst_ni;
    data_1_q <= wdata_i[8*lane+:8];
    data_2_q <= data_1_q;
    if (write_2_q) shadow_q <= data_2_q;
    if (swap) begin
      force_q   <= shadow_q;
      shadow_q  <= force_q;
      version_q <= version_q + 8'd1;
    end
    looked_1_q <= slots_i[checker_lane] == slot && running_q && rst_ni;
    looked_force_1_q <= force_q;
    looked_version_1_q <= version_q;
    looked_2_q <= looked_1_q && rst_ni;
    looked_force_2_q <= looked_force_1_q;
    looked_version_2_q <= looked_version_1_q;
    if (!rst_ni) begin
      busy_q <= '0;
      version_q <= '0;
      force_q <= reset_word(word) [8*lane+:8];
      shadow_q <= reset_word(word) [8*lane+:8];
    end
  end

  wire side = version_q[0];
  // Where the byte lies: by lane and side.
  logic [LANES-1:0][1:0][POLICY_WORDS-1:0][7:0] lies;
  logic [LANES-1:0][3:0] asked;
  logic [LANES-1:0][7:0] versions_asked;
  for (genvar l = 0; l < LANES; l++) begin : g_lane
    assign asked[l] = dut.g_lane[l].asked_q;
    assign versions_asked[l] = dut.g_lane[l].version_asked_q;
    // The access in the table: what the induction stands on.
    always_comb begin
      if (running_q) begin
        if (dut.g_lane[l].i_table.write_q) assert (was_access_2_q);
        assert (write_2_q == (dut.g_lane[l].i_table.write_q && was_here_2_q));
        if (dut.g_lane[l].i_table.write_q) begin
          assert (was_here_2_q == (dut.g_lane[l].i_table.slot_q == {!side, slot} &&
                                   dut.g_lane[l].i_table.word_q == word));
          assert (dut.g_lane[l].i_table.slot_q != {side, slot});
        end
        if (write_2_q) assert (dut.g_lane[l].i_table.wdata_q[8*lane+:8] == data_2_q);
      end
    end
    for (genvar s = 0; s < 2; s++) begin : g_side
      for (genvar w = 0; w < POLICY_WORDS; w++) begin : g_word
        wire [ 4:0] entry = {1'(s), slot};
        wire [31:0] stored = dut.g_lane[l].i_table.g_word[w].mem[entry];
        assign lies[l][s][w] = dut.g_lane[l].i_table.g_word[w].written_q[entry] ?
            stored[8*lane+:8] : POLICY_RESET[w][8*lane+:8];
      end
    end
  end
  always_comb begin
    if (!running_q) assume (!rst_ni);
    // axil_slave's accesses are five clocks apart.
    if (running_q && busy_q[3:0] != '0) assume (!access_i && !swap_i);
    assume (!(access_i && swap_i));
    if (write_i) assume (access_i);

    if (running_q) begin
      if (looked_2_q) begin
        assert (policies[checker_lane][word][8*lane+:8] == looked_force_2_q);
        assert (versions[checker_lane] == looked_version_2_q);
      end
      if (version_slot_i == slot) assert (version == version_q);
      if (was_here_2_q && rst_ni) assert (rdata[8*lane+:8] == held_2_q);
      if (!was_access_2_q && was_running_q) assert (rdata == '0);

      // What the induction stands on.
      assert (dut.version_q[slot] == version_q);
      if (looked_1_q) begin
        assert (asked[checker_lane] == slot && versions_asked[checker_lane] == looked_version_1_q);
        assert (lies[checker_lane][looked_version_1_q[0]][word] == looked_force_1_q);
      end
      assert (lies[checker_lane][side][word] == force_q);
      assert (lies[checker_lane][!side][word] == shadow_q);
      assert (lies[0][side][word] == force_q && lies[0][!side][word] == shadow_q);
      if (was_access_1_q) assert (busy_q[0]);
      if (write_2_q) assert (busy_q[1]);
      assert (dut.access_q == was_access_1_q);
      if (was_access_1_q) begin
        assert (was_here_1_q == (dut.slot_q == slot && dut.word_q == word));
        if (dut.slot_q == slot) assert (dut.side_q == !side);
      end
      assert (write_1_q == (was_here_1_q && dut.write_q));
      if (was_here_1_q) assert (was_access_1_q);
      if (write_1_q) assert (dut.wdata_q[8*lane+:8] == data_1_q);
    end
  end

endmodule
