// queue_fetch: it claims no more of a pair's submissions than there are, than there is room for, and
// than lie in one block of 1 KiB, and no fewer; it asks for just those, by one burst that stays
// inside the block and the ring. Every beat is passed on once and in order, with its pair, and with
// the halves that were claimed. No claim is made for a pair that was stopped before, nor with room
// that a push has been given since. Pairs take turns; what can be claimed is, if turns come.
//
// `tag` is any burst, so what holds for it holds for all.
module queue_fetch_formal
  import queue_pkg::*;
(
    input logic                    clk_i,
    input logic                    rst_ni,
    input logic   [     PAIRS-1:0] work_i,
    input index_t                  head_i,
    input index_t                  tail_i,
    input index_t                  claimed_i,
    input index_t                  given_back_i,
    input logic   [           3:0] log_i,
    input logic   [           3:0] room_log_i,
    input logic   [          63:0] base_i,
    input logic                    enabled_i,
    input logic                    disturbed_i,
    input logic                    turn_i,
    input logic                    restart_i,
    input logic   [     PAIRS-1:0] read_failed_i,
    input logic                    arready_i,
    input logic   [DATA_WIDTH-1:0] rdata_i,
    input logic   [           1:0] rresp_i,
    input logic                    rlast_i,
    input logic                    rvalid_i,
    input logic                    beat_ready_i
);

  localparam int unsigned NUMBER = 6;

  pair_t pair, read_error_pair, beat_pair;
  logic
      load, asks, alone, may_claim, claim, more, read_error, arvalid, rready, beat_valid, beat_void;
  logic [5:0] count;
  index_t next_head;
  logic [63:0] araddr;
  logic [7:0] arlen;
  logic [LANES-1:0] beat_mask;
  logic [DATA_WIDTH-1:0] beat_data;

  queue_fetch dut (
      .clk_i,
      .rst_ni,
      .work_i,
      .pair_o           (pair),
      .load_o           (load),
      .head_i,
      .tail_i,
      .claimed_i,
      .given_back_i,
      .log_i,
      .room_log_i,
      .base_i,
      .enabled_i,
      .disturbed_i,
      .asks_o           (asks),
      .alone_o          (alone),
      .turn_i,
      .may_claim_o      (may_claim),
      .claim_o          (claim),
      .count_o          (count),
      .next_head_o      (next_head),
      .more_o           (more),
      .restart_i,
      .read_error_o     (read_error),
      .read_error_pair_o(read_error_pair),
      .read_failed_i,
      .araddr_o         (araddr),
      .arlen_o          (arlen),
      .arvalid_o        (arvalid),
      .arready_i,
      .rdata_i,
      .rresp_i,
      .rlast_i,
      .rvalid_i,
      .rready_o         (rready),
      .beat_valid_o     (beat_valid),
      .beat_ready_i,
      .beat_pair_o      (beat_pair),
      .beat_mask_o      (beat_mask),
      .beat_void_o      (beat_void),
      .beat_data_o      (beat_data)
  );

  // The pair that comes after another, of those with work.
  function automatic pair_t next_pair(input logic [PAIRS-1:0] work, input pair_t last);
    next_pair = '0;
    for (int unsigned k = PAIRS; k > 0; k--) begin
      if (work[pair_t'(32'(last)+k)]) next_pair = pair_t'(32'(last) + k);
    end
  endfunction

  // What was read of the pair at the load, and what is to be made of it.
  index_t head_q, available_q, room_q;
  logic [3:0] log_q;
  logic [63:0] base_q;
  logic again_q;
  logic fresh_q, taken_q;  // nothing disturbed it since; its turn came in the clock before
  index_t ring, block, block_left, most;
  always_comb begin
    ring = index_t'(1) << log_q;
    block = log_q >= 4'd5 ? index_t'(32) : ring;
    block_left = block - (head_q & (block - index_t'(1)));
    most = available_q < block_left ? available_q : block_left;
    if (room_q < most) most = room_q;
  end

  // Bursts of all pairs, counted modulo more than there can be at once: claimed, asked for, and taken.
  logic [NUMBER-1:0] tag, claimed_q, asked_q, taken_bursts_q;
  pair_t tag_pair_q;
  logic tag_odd_q;
  logic [5:0] tag_count_q;
  logic [4:0] tag_beat_q;
  wire here = taken_bursts_q == tag;
  wire [NUMBER-1:0] under_way = claimed_q - taken_bursts_q;
  wire [NUMBER-1:0] tag_waits = tag - taken_bursts_q;  // as many before it
  wire [6:0] entries_before = {1'b0, tag_beat_q, 1'b0};
  wire [6:0] tag_end = 7'(tag_odd_q) + 7'(tag_count_q);

  logic running_q = 1'b0;
  logic was_claim_q, was_enabled_q, was_asks_q, ar_held_q, r_held_q, was_error_q;
  index_t claim_head_q;
  logic [5:0] claim_count_q;
  logic claim_left_q;
  logic [63:0] claim_base_q;
  logic [3:0] claim_log_q;
  logic [63:0] araddr_q;
  logic [7:0] arlen_q;
  logic [DATA_WIDTH-1:0] rdata_q;
  logic [1:0] rresp_q;
  logic rlast_q;
  pair_t candidate_q, picked_q, was_pair_q, was_beat_pair_q;
  logic [2:0] still_q;
  wire full = dut.burst_level[5];
  // A pair has had work for a clock, and neither memory nor its turn is waited for.
  logic was_work_q;
  wire still = work_i != '0 && was_work_q && !(arvalid && !arready_i) && !full && !load && !claim && !restart_i &&
      !(asks && !turn_i);

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    tag <= tag;
    if (load) begin
      head_q <= head_i;
      available_q <= tail_i - head_i;
      room_q <= (index_t'(1) << room_log_i) - (claimed_i - given_back_i);
      log_q <= log_i;
      base_q <= base_i;
    end
    fresh_q <= (load || fresh_q) && !disturbed_i && !restart_i;
    taken_q <= asks && turn_i && !taken_q && !restart_i;
    // Its plan was made with room that is gone.
    again_q <= taken_q && (!fresh_q || disturbed_i) && !restart_i;

    was_claim_q <= claim;
    claim_left_q <= available_q != most;
    claim_head_q <= head_q;
    claim_count_q <= count;
    claim_base_q <= base_q;
    claim_log_q <= log_q;
    was_enabled_q <= enabled_i;
    // By what had work a clock before it is picked.
    candidate_q <= next_pair(work_i, was_pair_q);
    picked_q <= candidate_q;
    was_pair_q <= pair;
    was_work_q <= work_i != '0;
    was_asks_q <= asks;

    if (claim) claimed_q <= claimed_q + 1'b1;
    if (claim && claimed_q == tag) begin
      tag_pair_q  <= pair;
      tag_odd_q   <= head_q[0];
      tag_count_q <= count;
      tag_beat_q  <= '0;
    end
    if (arvalid && arready_i) asked_q <= asked_q + 1'b1;
    if (rvalid_i && rready) begin
      if (here) tag_beat_q <= tag_beat_q + 5'd1;
      if (rlast_i) taken_bursts_q <= taken_bursts_q + 1'b1;
    end
    was_error_q <= rvalid_i && rready && rresp_i != 2'b00;
    was_beat_pair_q <= beat_pair;

    ar_held_q <= arvalid && !arready_i;
    r_held_q <= rvalid_i && !rready;
    araddr_q <= araddr;
    arlen_q <= arlen;
    rdata_q <= rdata_i;
    rresp_q <= rresp_i;
    rlast_q <= rlast_i;
    still_q <= still ? still_q + 3'd1 : (load || claim || restart_i ? 3'd0 : still_q);
    if (!rst_ni) begin
      fresh_q <= 1'b0;
      taken_q <= 1'b0;
      again_q <= 1'b0;
      was_claim_q <= 1'b0;
      claimed_q <= '0;
      asked_q <= '0;
      taken_bursts_q <= '0;
      tag_beat_q <= '0;
      ar_held_q <= 1'b0;
      r_held_q <= 1'b0;
      was_error_q <= 1'b0;
      still_q <= '0;
      was_work_q <= 1'b0;
    end
  end

  // The burst of a claim.
  wire [15:0] first_beat = (claim_head_q & ((index_t'(1) << claim_log_q) - index_t'(1))) >> 1;
  wire [7:0] beats = 8'((7'(claim_head_q[0]) + 7'(claim_count_q) + 7'd1) >> 1);
  wire [15:0] end_beat = first_beat + 16'(beats);

  // Where the tagged burst is: at the FIFO's output, or in its memory.
  wire [5:0] level = dut.i_bursts.level_q;
  wire burst_valid = dut.i_bursts.valid_q;
  wire [NUMBER-1:0] place = tag_waits - NUMBER'(burst_valid);
  wire [5:0] tag_burst = burst_valid && here ? dut.i_bursts.data_q : dut.i_bursts.mem[dut.i_bursts.read_q+place[4:0]];
  // What has become of the plan: dut.state_e.
  localparam logic [2:0] PICK = 3'd0, PLAN = 3'd2, ROOM = 3'd3, CLAMP = 3'd4, CLAIM = 3'd5;
  wire planned = dut.state_q == PLAN;
  wire measured = dut.state_q == ROOM;
  wire clamps = dut.state_q == CLAMP;
  wire claims = dut.state_q == CLAIM;
  wire picks = dut.state_q == PICK;
  wire index_t first_of_plan = (head_q & (ring - index_t'(1))) >> 1;

  always_comb begin
    if (!running_q) assume (!rst_ni);
    // queue_pairs.
    if (load) begin
      assume (log_i != '0 && base_i[11:0] == '0);
      assume (17'(tail_i - head_i) <= 17'd1 << log_i);
      assume (17'(claimed_i - given_back_i) <= 17'd1 << room_log_i);
    end
    if (!asks) assume (!turn_i);
    // Memory.
    if (running_q && rvalid_i) begin
      assume (taken_bursts_q != asked_q);
      if (here) assume (rlast_i == (entries_before + 7'd2 >= tag_end));
    end
    if (r_held_q)
      assume (rvalid_i && rdata_i == rdata_q && rresp_i == rresp_q && rlast_i == rlast_q);

    if (running_q && rst_ni) begin
      // Plans.
      if (load) assert (pair == (was_asks_q ? was_pair_q : picked_q));
      if (again_q) assert (load && alone && pair == was_pair_q);
      if (claim) begin
        assert (index_t'(count) == most && count != '0);
        assert (fresh_q && !disturbed_i && !restart_i && taken_q && was_enabled_q);
        assert (next_head == head_q + index_t'(count));
      end
      if (was_claim_q) begin
        if (claim_left_q)
          assert (more);
          else assert (!more || restart_i);
      end

      // Addresses.
      if (ar_held_q) assert (arvalid && araddr == araddr_q && arlen == arlen_q);
      if (arvalid && !ar_held_q) assert (was_claim_q);
      if (was_claim_q) begin
        assert (arvalid && !ar_held_q);
        assert (araddr == claim_base_q + {42'h0, first_beat, 6'h0});
        assert (arlen + 8'd1 == beats);
        // Within the block and the ring.
        assert (17'(araddr[9:6]) + 17'(beats) <= 17'd16);
        assert ({1'b0, end_beat} <= (17'd1 << claim_log_q) >> 1);
      end

      // Beats.
      if (rvalid_i && rready) assert (beat_valid && beat_data == rdata_i);
      if (beat_valid) begin
        assert (rvalid_i && rready && beat_ready_i);
        assert (beat_void == (rresp_i != 2'b00 || read_failed_i[beat_pair] ||
                              (was_error_q && was_beat_pair_q == beat_pair)));
      end
      if (rvalid_i && beat_ready_i) assert (rready);
      if (beat_valid && here) begin
        assert (beat_pair == tag_pair_q);
        assert (beat_mask[0] == (entries_before >= 7'(tag_odd_q)));
        assert (beat_mask[1] == (entries_before + 7'd1 < tag_end));
      end
      assert (read_error == was_error_q);
      if (read_error) assert (read_error_pair == was_beat_pair_q);
      assert (still_q <= 3'd5);

      // What the induction stands on. The plan, clock by clock.
      assert (picks || load || planned || measured || clamps || claims);
      assert (asks == (clamps || claims) && taken_q == claims && may_claim == (claims && was_enabled_q));
      assert (dut.enabled_q == was_enabled_q);
      if (again_q) assert (load);
      if (was_asks_q && load) assert (again_q);
      if (!picks) assert (!arvalid && level <= 6'd31);
      if (was_claim_q) assert (picks);
      assert (dut.more_q == (was_claim_q && claim_left_q));
      assert (dut.after_q == 16'hFFFE << was_pair_q);
      assert ((dut.any_q != '0) == was_work_q);
      if (dut.any_q != '0) assert (dut.picked == candidate_q);
      if (planned || measured || clamps || claims) begin
        assert (fresh_q == !dut.disturbed_q);
        assert (dut.head_q == head_q && dut.log_q == log_q && log_q != '0);
        assert (base_q[11:0] == '0 && available_q <= ring);
      end
      if (planned) begin
        assert (dut.base_q == base_q && dut.tail_q - dut.head_q == available_q);
        assert ((index_t'(1) << dut.room_log_q) - (dut.claimed_q - dut.given_back_q) == room_q);
      end
      if (measured || clamps || claims) assert (dut.available_q == available_q);
      if (measured) begin
        assert (dut.base_q == base_q && dut.ring_q - dut.used_q == room_q);
        assert (index_t'(dut.block_left_q) == block_left && index_t'(dut.beat_q) == first_of_plan);
      end
      if (clamps) begin
        assert (index_t'(dut.wanted_q) == (available_q < block_left ? available_q : block_left));
        assert (index_t'(dut.room_q) == (room_q < index_t'(32) ? room_q : index_t'(32)));
      end
      if (clamps || claims) begin
        assert ({dut.address_q[63:32] + 32'(dut.carry_q), dut.address_q[31:0]} ==
                base_q + {42'h0, first_of_plan, 6'h0});
      end
      if (claims) assert (index_t'(count) == most);
      if (picks) assert (still_q <= 3'd4);
      if (planned) assert (still_q == 3'd0);
      if (measured) assert (still_q <= 3'd1);
      if (clamps) assert (still_q <= 3'd2);
      if (claims) assert (still_q <= 3'd3);
      // The bursts on their way.
      assert (level <= 6'd32 && dut.i_bursts.write_q == dut.i_bursts.read_q + level[4:0]);
      assert (claimed_q == asked_q + NUMBER'(arvalid) && under_way == NUMBER'(level) + NUMBER'(burst_valid));
      if (!burst_valid && level != '0) assert (was_claim_q && level == 6'd1);
      if (under_way == '0) assert (dut.begins_q && !arvalid);
      if (tag_waits < under_way) begin
        assert (tag_burst == {tag_pair_q, tag_odd_q, tag_odd_q ^ tag_count_q[0]});
        assert (tag_count_q != '0 && tag_count_q <= 6'd32 && entries_before < tag_end);
        if (here)
          assert (dut.begins_q == (tag_beat_q == '0));
          else assert (tag_beat_q == '0);
      end
    end
  end

endmodule
