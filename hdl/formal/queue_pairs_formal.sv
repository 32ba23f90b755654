// queue_pairs, for one pair (they are alike): the places of its completion ring are either
// free to be claimed, claimed and not written yet, or written and not given back by the
// host; together they are the whole ring, always. So no completion is written over one that
// the host has not taken, whatever way of the two a claim takes: what a push is judged by may
// be some clocks old. Nor are more submissions accepted than their ring holds, whatever the
// host rings. What is under way is told.
module queue_pairs_formal
  import queue_pkg::*;
#(
    parameter int unsigned PART = 0,  // see below
    parameter pair_t PAIR = 4'd5
) (
    input logic          clk_i,
    input logic          rst_ni,
    input logic          access_i,
    input logic          write_i,
    input pair_t         access_pair_i,
    input logic   [ 3:0] word_i,
    input logic   [31:0] wdata_i,
    input logic          doorbell_i,
    input logic          doorbell_head_i,
    input pair_t         doorbell_pair_i,
    input index_t        doorbell_index_i,
    input pair_t         fetch_pair_i,
    input logic          fetch_load_i,
    input logic          fetch_asks_i,
    input logic          fetch_alone_i,
    input logic          fetch_may_claim_i,
    input logic          fetch_claim_i,
    input logic   [ 5:0] fetch_count_i,
    input logic          fetch_more_i,
    input logic          read_error_i,
    input pair_t         read_error_pair_i,
    input logic          push_waits_i,
    input logic          push_i,
    input pair_t         push_pair_i,
    input logic          push_next_i,
    input pair_t         push_next_pair_i,
    input logic   [ 1:0] push_count_i,
    input logic          push_torn_i,
    input pair_t         look_pair_i,
    input logic          written_i,
    input pair_t         write_pair_i,
    input logic          write_next_i,
    input logic   [ 1:0] write_count_i,
    input logic          done_i,
    input pair_t         done_pair_i,
    input logic   [ 3:0] done_count_i,
    input logic          done_error_i
);

  logic push_turn, push_taken, fetch_turn, fetch_enabled, fetch_disturbed;
  logic [31:0] rdata;
  logic error, write_failed, active, restart;
  logic [PAIRS-1:0] work, read_failed, started, stopped;
  index_t fetch_head, fetch_tail, fetch_claimed, fetch_given_back, look_tail;
  logic [3:0] fetch_log, fetch_room_log, look_log;
  logic [63:0] fetch_base, look_base;

  // The pair's words.
  wire index_t claims = dut.i_claimed.written_q[PAIR] ? dut.i_claimed.mem[PAIR] : '0;
  wire index_t next_written = dut.i_completion_tail.written_q[PAIR] ? dut.i_completion_tail.mem[PAIR] : '0;
  wire index_t given_back = dut.i_completion_head.written_q[PAIR] ? dut.i_completion_head.mem[PAIR] : '0;
  wire index_t answered = dut.i_answered.written_q[PAIR] ? dut.i_answered.mem[PAIR] : '0;
  wire index_t head = dut.i_submission_head.written_q[PAIR] ? dut.i_submission_head.mem[PAIR] : '0;
  wire index_t tail = dut.i_submission_tail.written_q[PAIR] ? dut.i_submission_tail.mem[PAIR] : '0;
  wire [3:0] completions_log = dut.i_completions_log.written_q[PAIR] ? dut.i_completions_log.mem[PAIR] : '0;
  wire [3:0] submissions_log = dut.i_submissions_log.written_q[PAIR] ? dut.i_submissions_log.mem[PAIR] : '0;
  wire enabled = dut.enabled_q[PAIR];
  wire busy = dut.busy_q[PAIR];
  wire index_t ring = index_t'(1) << completions_log;

  queue_pairs dut (
      .clk_i,
      .rst_ni,
      .access_i,
      .write_i,
      .access_pair_i,
      .word_i,
      .wdata_i,
      .rdata_o           (rdata),
      .error_o           (error),
      .doorbell_i,
      .doorbell_head_i,
      .doorbell_pair_i,
      .doorbell_index_i,
      .work_o            (work),
      .fetch_pair_i,
      .fetch_load_i,
      .fetch_head_o      (fetch_head),
      .fetch_tail_o      (fetch_tail),
      .fetch_claimed_o   (fetch_claimed),
      .fetch_given_back_o(fetch_given_back),
      .fetch_log_o       (fetch_log),
      .fetch_room_log_o  (fetch_room_log),
      .fetch_base_o      (fetch_base),
      .fetch_enabled_o   (fetch_enabled),
      .fetch_disturbed_o (fetch_disturbed),
      .fetch_asks_i,
      .fetch_alone_i,
      .fetch_turn_o      (fetch_turn),
      .fetch_may_claim_i,
      .fetch_claim_i,
      .fetch_count_i,
      // The fetch claims what it has read the pair's head for, in one plan.
      .fetch_next_head_i (fetch_head + index_t'(fetch_count_i)),
      .fetch_more_i,
      .restart_o         (restart),
      .read_error_i,
      .read_error_pair_i,
      .read_failed_o     (read_failed),
      .push_waits_i,
      .push_turn_o       (push_turn),
      .push_i,
      .push_pair_i,
      .push_next_i,
      .push_next_pair_i,
      .push_count_i,
      .push_torn_i,
      .push_taken_o      (push_taken),
      .look_pair_i,
      .look_tail_o       (look_tail),
      .look_log_o        (look_log),
      .look_base_o       (look_base),
      .written_i,
      .write_pair_i,
      .write_next_i,
      // Only this pair's matter.
      .write_next_tail_i (next_written + index_t'(write_count_i)),
      .write_failed_o    (write_failed),
      .done_i,
      .done_pair_i,
      .done_count_i,
      .done_error_i,
      .started_o         (started),
      .stopped_o         (stopped),
      .active_o          (active)
  );

  // A host gives back what it sees, before its response has come: a ring, and 64 lines of eight.
  localparam index_t MOST_UNDER_WAY = 16'h8200;

  logic running_q = 1'b0;
  logic [1:0] quiet_q;  // clocks until the register bus may speak again

  // A plan of the fetch: what it has read of its pair, and whether that is true.
  logic planning_q, turn_q, false_q, fetch_enabled_q;
  pair_t plan_pair_q;
  index_t plan_room_q, plan_waiting_q;
  logic [2:0] since_claim_q;  // clocks since the fetch claimed, up to 4

  logic enabled_before_q;  // a plan may claim for a pair that was stopped just now

  // Claims of the pair that were accepted one to five clocks ago.
  logic [4:0][5:0] lately_q;
  wire fetch_claims = fetch_claim_i && fetch_pair_i == PAIR;
  wire push_claims = push_i && push_taken && push_pair_i == PAIR;
  wire [5:0] claimed = (fetch_claims ? fetch_count_i : '0) + (push_claims ? 6'(push_count_i) : '0);
  // What the steps of answers are about.
  index_t settled_index_q;
  logic [3:0] answered_count_q;
  // The pair of pushes, and of writes, and what was true of it in the clock before.
  logic [PAIRS-1:0] were_enabled_q, were_plenty_q, were_failed_q;
  pair_t next_push_pair_q, next_write_pair_q;
  wire push_enabled = dut.i_claims.push_enabled_q;
  wire push_plenty = dut.i_claims.push_plenty_q;
  // A push that was not taken, of an enabled pair, a clock or two ago.
  logic refused_q, refused_before_q;
  // A push that waits.
  logic waited_q, waited_torn_q;
  pair_t waited_pair_q;
  logic [1:0] waited_count_q;

  wire index_t all_claims = claims + index_t'(lately_q[0]);
  wire index_t used = all_claims - given_back;
  wire index_t used_before = claims - given_back;
  wire index_t room = ring - used;
  wire index_t untaken = next_written - given_back;
  wire index_t unwritten = claims - next_written;  // and not claimed just now
  wire index_t done_soon = dut.done_q && dut.done_pair_q == PAIR ? index_t'(dut.done_count_q) : '0;
  wire index_t all_answered = answered + done_soon;
  wire answered_here = dut.answered_q && dut.answered_pair_q == PAIR;
  wire index_t under_way = all_claims - all_answered;
  wire index_t waiting = tail - head;
  wire index_t submissions = index_t'(1) << submissions_log;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    if (access_i || doorbell_i) quiet_q <= 2'd3;
    else if (quiet_q != 2'd0) quiet_q <= quiet_q - 2'd1;

    turn_q <= fetch_asks_i && fetch_turn && !fetch_claim_i;
    enabled_before_q <= enabled;
    fetch_enabled_q <= fetch_enabled;
    if (since_claim_q != 3'd4) since_claim_q <= since_claim_q + 3'd1;
    if (planning_q && fetch_disturbed) false_q <= 1'b1;
    if (fetch_load_i) begin
      planning_q <= 1'b1;
      plan_pair_q <= fetch_pair_i;
      plan_room_q <= (index_t'(1) << fetch_room_log) - (fetch_claimed - fetch_given_back);
      plan_waiting_q <= fetch_tail - fetch_head;
      false_q <= fetch_disturbed;
    end
    if (fetch_claim_i) begin
      planning_q <= 1'b0;
      since_claim_q <= '0;
    end
    if (restart) planning_q <= 1'b0;

    lately_q <= {lately_q[3:0], claimed};
    settled_index_q <= dut.answered_index_q;
    answered_count_q <= dut.done_count_q;
    refused_q <= push_i && push_pair_i == PAIR && push_enabled && !push_taken;
    refused_before_q <= refused_q;
    were_enabled_q <= dut.enabled_q;
    were_plenty_q <= dut.i_claims.plenty_q;
    were_failed_q <= dut.write_failed_q;
    next_push_pair_q <= push_next_i ? push_next_pair_i : push_pair_i;
    next_write_pair_q <= write_next_i ? look_pair_i : write_pair_i;
    waited_q <= push_waits_i && !push_i;
    waited_torn_q <= push_torn_i;
    waited_pair_q <= push_pair_i;
    waited_count_q <= push_count_i;
    if (!rst_ni) begin
      quiet_q <= 2'd0;
      planning_q <= 1'b0;
      turn_q <= 1'b0;
      enabled_before_q <= 1'b0;
      fetch_enabled_q <= 1'b0;
      since_claim_q <= 3'd4;
      lately_q <= '0;
      refused_q <= 1'b0;
      refused_before_q <= 1'b0;
      were_enabled_q <= '0;
      waited_q <= 1'b0;
    end
  end

  wire plan = planning_q && plan_pair_q == PAIR && !false_q && !fetch_disturbed && !restart;

  wire alive = enabled || enabled_before_q;

  // Steps of the claims that are of this pair.
  wire step_1 = dut.i_claims.step_1_q && dut.i_claims.pair_1_q == PAIR;
  wire step_2 = dut.i_claims.step_2_q && dut.i_claims.pair_2_q == PAIR;
  wire step_3 = dut.i_claims.step_3_q && dut.i_claims.pair_3_q == PAIR;
  wire step_4 = dut.i_claims.step_4_q && dut.i_claims.pair_4_q == PAIR;
  wire index_t used_2 = dut.i_claims.claimed_q - given_back;
  wire [3:0] probes = {
    dut.i_claims.probe_4_q, dut.i_claims.probe_3_q, dut.i_claims.probe_2_q, dut.i_claims.probe_1_q
  };
  wire probing = dut.i_claims.probing_q;
  wire judged = dut.i_claims.judged_q;

  // In the second clock of an access.
  wire configures = dut.starts || dut.asks_stop_q || dut.writes_sizes || dut.writes_base;

  // A doorbell of this pair, on its way.
  wire bell_here = dut.bell_pair_q == PAIR && enabled;
  wire index_t bell_passed = (dut.bell_head_q ? given_back : head) - dut.bell_from_q;

  always_comb begin
    if (!running_q) assume (!rst_ni);
    // The register bus: an access in four clocks, and the two never at once.
    assume (!(access_i && doorbell_i));
    if (quiet_q != 2'd0) assume (!access_i && !doorbell_i);
    // The push window: what waits stays, and what is taken off had its turn.
    if (waited_q) begin
      assume (push_waits_i && push_pair_i == waited_pair_q && push_torn_i == waited_torn_q);
      assume (push_count_i == waited_count_q);
    end
    if (push_waits_i && !push_i) assume (!push_next_i);
    if (running_q) assume (push_pair_i == next_push_pair_q && write_pair_i == next_write_pair_q);
    if (push_i) assume (push_waits_i && push_turn);
    assume (push_count_i <= 2'd2 && write_count_i <= 2'd2);
    // The fetch: loads, has its turn, and claims no more than it found; five clocks a plan.
    if (planning_q) assume (fetch_pair_i == plan_pair_q);
    if (fetch_asks_i) assume (planning_q);
    if (fetch_may_claim_i) assume (planning_q && turn_q && fetch_enabled_q);
    if (fetch_claim_i) begin
      assume (fetch_may_claim_i && !false_q && !fetch_disturbed);
      assume (!restart && since_claim_q == 3'd4 && !fetch_load_i && fetch_asks_i);
      assume (index_t'(fetch_count_i) <= plan_room_q && index_t'(fetch_count_i) <= plan_waiting_q);
      assume (fetch_count_i <= 6'd32 && fetch_count_i != '0);
    end
    if (turn_q) assume (!fetch_load_i);
    // The completion writer and the memory: nothing is written or done that was not claimed, nor as soon as that.
    if (written_i && write_pair_i == PAIR) assume (index_t'(write_count_i) <= unwritten);
    if (done_i && done_pair_i == PAIR)
      assume (index_t'(done_count_i) <= under_way && done_count_i != '0);

    if (claimed != '0) assume (under_way + index_t'(claimed) <= MOST_UNDER_WAY);

  end

  // What is proved, in groups. Each task proves one and takes the groups before it for granted; `ring` takes for granted
  // of `judgements` only that it was true a clock ago, so no group stands on itself.
  logic steps, answers, ring_holds, values, judgements, submissions_hold;
  logic judgements_q = 1'b1;
  always_ff @(posedge clk_i) judgements_q <= judgements || !running_q || !rst_ni;

  always_comb begin
    steps = 1'b1;
    if (enabled || dut.good_sizes_q[PAIR])
      steps &= completions_log >= 4'd3 && submissions_log != '0;
    if (dut.large_q[PAIR]) steps &= completions_log >= 4'd6;
    // A doorbell is done with before the bus speaks again; so is an access.
    if (dut.bell_1_q) steps &= quiet_q == 2'd3;
    if (dut.bell_2_q) steps &= quiet_q == 2'd2;
    if (dut.bell_3_q) steps &= quiet_q == 2'd1;
    if (dut.bell_4_q) steps &= quiet_q == 2'd0;
    if (configures) steps &= quiet_q == 2'd3;
    steps &= $onehot0(
        {dut.bell_1_q, dut.starts, dut.asks_stop_q, dut.writes_sizes, dut.writes_base}
    );
    // Who configures or starts a pair has found it idle, and it is idle still.
    if (configures && !dut.asks_stop_q && dut.access_pair_q == PAIR)
      steps &= !alive && !busy && lately_q[0] == '0 && !step_1;
    steps &= push_enabled == were_enabled_q[push_pair_i];
    steps &= push_plenty == were_plenty_q[push_pair_i];
    steps &= write_failed == were_failed_q[write_pair_i];
    steps &= enabled_before_q == were_enabled_q[PAIR];
    steps &= refused_q == (dut.i_claims.failed_q && dut.i_claims.failed_pair_q == PAIR);
    // A push that is not taken stops its pair, and none comes in between.
    if (refused_q) steps &= !push_turn;
    if (refused_before_q) steps &= !enabled;
    if (planning_q && plan_pair_q == PAIR) steps &= fetch_enabled_q == enabled_before_q;
    if (lately_q[1] != '0 || lately_q[2] != '0) steps &= busy;
    // Claims, step by step.
    steps &= lately_q[0] == (step_1 ? dut.i_claims.count_q : 6'd0);
    steps &= !dut.i_claims.claim_q || dut.i_claims.step_1_q;
    steps &= !dut.i_claims.claim_2_q || dut.i_claims.step_2_q;
    if (dut.i_claims.step_1_q) steps &= dut.i_claims.claim_q == (dut.i_claims.count_q != '0);
    steps &= (lately_q[1] != '0) == (dut.i_claims.claim_2_q && dut.i_claims.pair_2_q == PAIR);
    steps &= lately_q[1] == '0 || step_2;
    steps &= lately_q[2] == '0 || step_3;
    steps &= lately_q[3] == '0 || step_4;
    // Of five claims in a row, one is of the fetch at most.
    for (int unsigned i = 0; i < 5; i++) begin
      steps &= lately_q[i] <= (since_claim_q == 3'(i) ? 6'd32 : 6'd2);
    end
    // A probe: nothing is claimed behind it.
    steps &= $onehot0({judged, probes}) && probing == (probes != '0 || judged);
    if (probing) steps &= waited_q && !turn_q;
    if (probes[0]) steps &= dut.i_claims.step_1_q && dut.i_claims.pair_1_q == waited_pair_q;
    if (probes[1]) steps &= dut.i_claims.step_2_q && dut.i_claims.pair_2_q == waited_pair_q;
    if (probes[2]) steps &= dut.i_claims.step_3_q && dut.i_claims.pair_3_q == waited_pair_q;
    if (probes[3]) steps &= dut.i_claims.step_4_q && dut.i_claims.pair_4_q == waited_pair_q;
    if (probing) steps &= lately_q[0] == '0;
    if (probing && !probes[0]) steps &= lately_q[1] == '0;
    if (probing && probes[1:0] == '0) steps &= lately_q[2] == '0;
    if (plan && alive) steps &= lately_q[0] == '0;
  end

  always_comb begin
    answers = under_way <= MOST_UNDER_WAY;
    // Under way is told, so that nothing is configured meanwhile.
    if (under_way != '0) answers &= busy || lately_q[0] != '0;
    if (dut.done_q && dut.done_pair_q == PAIR) answers &= busy && dut.done_count_q != '0;
    if (answered_here)
      answers &= busy && dut.answered_index_q == answered && answered_count_q != '0;
    if (dut.settled_q && dut.settled_pair_q == PAIR) begin
      answers &= busy && claims == settled_index_q + index_t'(lately_q[1]);
      answers &= answered == settled_index_q + (answered_here ? index_t'(answered_count_q) : '0);
    end
  end

  always_comb begin
    ring_holds = 1'b1;
    if (alive || busy || step_1 || step_2) begin
      ring_holds &= used <= ring && used_before <= used && untaken <= used_before;
    end
    // A doorbell's measures stay true until they are used.
    if (bell_here && dut.bell_head_q) begin
      if (dut.bell_2_q || dut.bell_3_q || dut.bell_4_q) ring_holds &= bell_passed == '0;
      if (dut.bell_2_q) ring_holds &= dut.bell_to_q - dut.bell_from_q <= untaken;
      if (dut.bell_3_q || dut.bell_4_q) begin
        ring_holds &= dut.bell_index_q == given_back + dut.bell_step_q;
        ring_holds &= dut.bell_most_q <= untaken && dut.bell_least_q == '0;
      end
      if (dut.bell_4_q && !dut.bell_bad_q) ring_holds &= dut.bell_step_q <= dut.bell_most_q;
    end
  end

  // Steps of a pair that was stopped meanwhile may be of another size than it is given.
  wire steady = alive || busy || lately_q[0] != '0;
  always_comb begin
    values = 1'b1;
    if (step_2) values &= dut.i_claims.claimed_q == claims;
    if (step_3 && (steady || quiet_q != 2'd2)) begin
      values &= dut.i_claims.used_q <= ring && dut.i_claims.size_q == ring;
      values &= dut.i_claims.used_q + index_t'(lately_q[0]) + index_t'(lately_q[1]) >= used;
    end
    if (step_4 && (steady || quiet_q == 2'd0 || quiet_q == 2'd3)) begin
      values &= dut.i_claims.room_q <= ring;
      values &= dut.i_claims.room_q <=
          room + index_t'(lately_q[0]) + index_t'(lately_q[1]) + index_t'(lately_q[2]);
    end
  end

  always_comb begin
    judgements = 1'b1;
    if (enabled && dut.i_claims.plenty_q[PAIR]) begin
      judgements &= room + index_t'(lately_q[0]) + index_t'(lately_q[1]) +
          index_t'(lately_q[2]) + index_t'(lately_q[3]) >= 16'd64;
    end
    if (push_enabled && push_plenty && push_pair_i == PAIR) begin
      judgements &= room + index_t'(lately_q[0]) + index_t'(lately_q[1]) + index_t'(lately_q[2]) +
          index_t'(lately_q[3]) + index_t'(lately_q[4]) >= 16'd64;
    end
    if (judged && waited_pair_q == PAIR && alive && dut.i_claims.fits_q)
      judgements &= room >= index_t'(waited_count_q);
    if (plan && alive) judgements &= room >= plan_room_q;
  end

  always_comb begin
    submissions_hold = 1'b1;
    if (plan && alive) submissions_hold &= waiting >= plan_waiting_q;
    if (alive) submissions_hold &= waiting <= submissions;
    if (bell_here && !dut.bell_head_q) begin
      if (dut.bell_2_q) begin
        submissions_hold &= dut.bell_to_q == tail && dut.bell_size_q == submissions;
        submissions_hold &= bell_passed <= tail - dut.bell_from_q && tail - dut.bell_from_q <= submissions;
      end
      if (dut.bell_3_q || dut.bell_4_q) begin
        submissions_hold &= bell_passed <= dut.bell_least_q && dut.bell_least_q - bell_passed == waiting;
        submissions_hold &= dut.bell_step_q == dut.bell_index_q - dut.bell_from_q;
        submissions_hold &= dut.bell_most_q == submissions && dut.bell_least_q <= submissions;
      end
      if (dut.bell_4_q && !dut.bell_bad_q)
        submissions_hold &= dut.bell_step_q <= dut.bell_most_q && dut.bell_step_q >= dut.bell_least_q;
    end
  end

  localparam int unsigned STEPS = 0, ANSWERS = 1, RING = 2, VALUES = 3, JUDGEMENTS = 4, SUBMISSIONS = 5;
  always_comb begin
    if (running_q && rst_ni) begin
      if (PART == STEPS)
        assert (steps);
        else assume (steps);
      if (PART == ANSWERS) assert (answers);
      if (PART == RING) assert (ring_holds);
      if (PART == RING) assume (judgements_q);
      if (PART == VALUES || PART == JUDGEMENTS) assume (ring_holds);
      if (PART == VALUES) assert (values);
      if (PART == JUDGEMENTS) assume (values);
      if (PART == JUDGEMENTS) assert (judgements);
      if (PART == SUBMISSIONS) assert (submissions_hold);
    end
  end

endmodule
