// queue_check: each beat of a ring or of the push window comes out once, six clocks later and in
// order, with its pair, its tags, and the answers that the second description of the verdict gives by
// the policies that its slots named, or BAD_OPTIONS; whatever is in the pipeline before and behind
// it, and for any checksum (reference/free/descriptor_checksum.sv). Neither source waits for more
// than a turn of the other.
module queue_check_formal
  import tcp_pkg::*;
  import queue_pkg::*;
(
    input logic                          clk_i,
    input logic                          rst_ni,
    input logic                          room_i,
    input logic                          ring_waiting_i,
    input logic                          ring_valid_i,
    input pair_t                         ring_pair_i,
    input logic    [     LANES-1:0]      ring_mask_i,
    input logic                          ring_void_i,
    input logic    [DATA_WIDTH-1:0]      ring_data_i,
    input logic                          push_waiting_i,
    input logic                          push_valid_i,
    input pair_t                         push_pair_i,
    input logic    [     LANES-1:0]      push_mask_i,
    input logic    [DATA_WIDTH-1:0]      push_data_i,
    input policy_t [     LANES-1:0]      policies_i,
    input logic    [     LANES-1:0][7:0] versions_i
);

  localparam int unsigned LATENCY = 7;

  logic ring_ready, push_ready, valid, is_void;
  logic [LANES-1:0][3:0] slots;
  pair_t pair;
  logic [LANES-1:0] mask, checked, refused;
  answer_t [LANES-1:0] answers;
  result_t [LANES-1:0] results;

  queue_check dut (
      .clk_i,
      .rst_ni,
      .room_i,
      .ring_ready_o(ring_ready),
      .ring_waiting_i,
      .ring_valid_i,
      .ring_pair_i,
      .ring_mask_i,
      .ring_void_i,
      .ring_data_i,
      .push_ready_o(push_ready),
      .push_waiting_i,
      .push_valid_i,
      .push_pair_i,
      .push_mask_i,
      .push_data_i,
      .slots_o     (slots),
      .policies_i,
      .versions_i,
      .valid_o     (valid),
      .pair_o      (pair),
      .void_o      (is_void),
      .mask_o      (mask),
      .answers_o   (answers),
      .checked_o   (checked),
      .refused_o   (refused),
      .results_o   (results)
  );

  // A submission as docs/queue.md has it, and what goes with it, by the clocks since it came.
  typedef struct packed {
    logic [31:0]  options;
    logic [31:0]  tag;
    logic [191:0] descriptor;
  } entry_t;
  typedef struct packed {
    pair_t              pair;
    logic               is_void;
    logic               pushed;
    logic [LANES-1:0]   mask;
    entry_t [LANES-1:0] entries;
  } beat_t;
  beat_t [LATENCY:1] beat_q;
  logic  [LATENCY:1] valid_q;
  policy_t [LANES-1:0] policies_4_q, policies_5_q;
  logic [LATENCY:4][LANES-1:0][7:0] versions_q;
  descriptor_reference::outcome_t [LATENCY:6][LANES-1:0] outcome_q;
  logic [LANES-1:0][15:0] checksums;
  logic [LANES-1:0][1:0] algorithms;
  for (genvar l = 0; l < LANES; l++) begin : g_checksum
    assign checksums[l]  = dut.g_lane[l].i_lane.checksum;
    assign algorithms[l] = dut.g_lane[l].i_lane.checksum_i;
  end

  logic [2:0] clocks_q = 3'd0;
  logic was_ring_q, was_push_q, was_ring_turn_q;  // waited; and whose turn it was
  logic  was_reset_q;
  beat_t coming;
  assign coming = push_valid_i ?
      '{
          pair: push_pair_i,
          is_void: 1'b0,
          pushed: 1'b1,
          mask: push_mask_i,
          entries: push_data_i
      } :
      '{
          pair: ring_pair_i,
          is_void: ring_void_i,
          pushed: 1'b0,
          mask: ring_mask_i,
          entries: ring_data_i
      };

  always_ff @(posedge clk_i) begin
    if (clocks_q != 3'd7) clocks_q <= clocks_q + 3'd1;
    beat_q <= {beat_q[LATENCY-1:1], coming};
    valid_q <= rst_ni ? {valid_q[LATENCY-1:1], ring_valid_i || push_valid_i} : '0;
    policies_4_q <= policies_i;
    policies_5_q <= policies_4_q;
    versions_q <= {versions_q[LATENCY-1:4], versions_i};
    for (int unsigned l = 0; l < LANES; l++) begin
      outcome_q[6][l] <= descriptor_reference::outcome(
          beat_q[5].entries[l].descriptor,
          checksums[l],
          beat_q[5].entries[l].options[2],
          policies_5_q[l]
      );
    end
    outcome_q[7] <= outcome_q[6];
    was_ring_q <= ring_waiting_i;
    was_push_q <= push_waiting_i;
    was_ring_turn_q <= !dut.push_turn_q;
    was_reset_q <= !rst_ni;
  end

  always_comb begin
    // A beat is taken in a clock that is its source's.
    if (ring_valid_i) assume (ring_waiting_i && ring_ready);
    if (push_valid_i) assume (push_waiting_i && push_ready);

    assert (!(ring_ready && push_ready));
    assert ((ring_ready || push_ready) == room_i);
    if (clocks_q != 3'd0 && !was_reset_q && room_i) begin
      if (was_ring_q && !was_ring_turn_q) assert (ring_ready);
      if (was_push_q && was_ring_turn_q) assert (push_ready);
    end

    if (clocks_q == 3'd7) begin
      for (int unsigned l = 0; l < LANES; l++) begin
        // The policies of the clock after the next are those of these slots.
        if (valid_q[1]) assert (slots[l] == beat_q[1].entries[l].options[7:4]);
        if (valid_q[3]) assert (algorithms[l] == beat_q[3].entries[l].options[1:0]);
      end
      assert (valid == valid_q[7]);
      if (valid) begin
        assert (pair == beat_q[7].pair && is_void == beat_q[7].is_void && mask == beat_q[7].mask);
        for (int unsigned l = 0; l < LANES; l++) begin
          assert (answers[l].tag == beat_q[7].entries[l].tag);
          assert (answers[l].pushed == beat_q[7].pushed && answers[l].version == versions_q[7][l]);
          // Bits 1:0 checksum, 2 layout, 7:4 slot, all others 0.
          if (beat_q[7].entries[l].options[31:8] != '0 || beat_q[7].entries[l].options[3] ||
              beat_q[7].entries[l].options[1:0] == 2'd3) begin
            assert (answers[l].cause == 3'd6 && answers[l].verdict == 8'h00);
            assert (refused[l] == (mask[l] && !is_void) && !checked[l]);
          end else begin
            assert (answers[l].cause == outcome_q[7][l].cause);
            assert (answers[l].verdict == outcome_q[7][l].verdict);
            assert (checked[l] == (mask[l] && !is_void) && !refused[l]);
            assert (results[l] == {outcome_q[7][l].flags, outcome_q[7][l].cause,
                                   outcome_q[7][l].verdict});
          end
        end
      end else assert (checked == '0 && refused == '0);
    end
  end

endmodule
