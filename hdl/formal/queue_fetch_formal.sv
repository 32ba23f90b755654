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

  // Bursts of all pairs, counted: claimed, asked for, and taken.
  logic [NUMBER-1:0] tag, claimed_q, asked_q, taken_bursts_q;
  pair_t tag_pair_q;
  logic tag_odd_q;
  logic [5:0] tag_count_q;
  logic [4:0] tag_beat_q;
  wire here = taken_bursts_q == tag;
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
  // A pair has work, and neither memory nor its turn is waited for.
  wire still = work_i != '0 && !(arvalid && !arready_i) && !full && !load && !claim && !restart_i &&
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
    was_asks_q <= asks;

    if (claim) claimed_q <= claimed_q + 1'b1;
    if (claim && claimed_q == tag) begin
      tag_pair_q  <= pair;
      tag_odd_q   <= head_q[0];
      tag_count_q <= count;
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
      was_enabled_q <= 1'b0;
      claimed_q <= '0;
      asked_q <= '0;
      taken_bursts_q <= '0;
      tag_beat_q <= '0;
      ar_held_q <= 1'b0;
      r_held_q <= 1'b0;
      was_error_q <= 1'b0;
      still_q <= '0;
    end
  end

  // The burst of a claim.
  wire [15:0] first_beat = (claim_head_q & ((index_t'(1) << claim_log_q) - index_t'(1))) >> 1;
  wire [ 7:0] beats = 8'((7'(claim_head_q[0]) + 7'(claim_count_q) + 7'd1) >> 1);
  wire [15:0] end_beat = first_beat + 16'(beats);

  always_comb begin
    if (!running_q) assume (!rst_ni);
    assume (claimed_q[NUMBER-1:NUMBER-2] != '1);
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
      assert (dut.burst_level <= 6'd32);
    end
  end

endmodule
