// Who may claim places in the completion rings, and how many are left. Every claim, of a
// burst of the ring or of a push, is counted here, in steps of a clock:
//
//   1  the pair's claims are counted up
//   2  how many of them the host has not given back
//   3  the room left in the ring
//   4  whether the pair has plenty of room
//
// So a claim does not wait for its arithmetic. A push is taken at once while its pair has
// plenty: more room than all that can be on its way through the steps. Else it waits for
// the steps to be empty of claims, then goes through them as a probe that claims nothing,
// and is judged by the room that this finds.
module pair_claims
  import queue_pkg::*;
(
    input logic clk_i,
    input logic rst_ni,

    input logic  [PAIRS-1:0] enabled_i,
    input logic              start_i,        // a pair starts: all its places are free
    input pair_t             start_pair_i,
    input logic              start_plenty_i, // its ring is that large

    // Claims of the fetch. One that asks gets its turn, except while a push is judged; in
    // the clock after that it claims, still asking. What it has read of its pair is true
    // until then if no claim of that pair came through step 1 meanwhile.
    input  logic        fetch_asks_i,
    input  logic        fetch_alone_i,     // no pushes meanwhile
    output logic        fetch_turn_o,
    input  logic        fetch_claim_i,
    input  pair_t       fetch_pair_i,
    input  logic  [5:0] fetch_count_i,
    output logic        fetch_disturbed_o, // a claim of the pair is in step 1

    // Pushes. One that waits is taken off when `push_turn_o` is high, whether it is taken
    // or refused. What stops its pair is told in the clock after, in which none has its turn.
    input  logic        push_waits_i,
    output logic        push_turn_o,
    input  logic        push_i,
    input  pair_t       push_pair_i,
    input  logic        push_next_i,         // another pair's turn from the next clock on
    input  pair_t       push_next_pair_i,
    output logic        push_enabled_o,      // the pair, in the clock before
    input  logic  [1:0] push_count_i,
    input  logic        push_torn_i,
    output logic        push_taken_o,
    output logic        push_failed_o,
    output pair_t       push_failed_pair_o,
    output logic        push_failed_torn_o,  // else an overrun

    // Places of a pair were given back: `given_back_i` is true of it from the next clock on.
    input logic  freed_i,
    input pair_t freed_pair_i,

    // Indices in steps 1 and 2.
    output logic         count_o,
    output pair_t        count_pair_o,
    input  index_t       claimed_i,
    output index_t       claimed_o,
    output pair_t        room_pair_o,
    input  index_t       given_back_i,
    input  logic   [3:0] log_i,

    // A claim of some pair is in step 1 or 2.
    output logic  [1:0] counted_o,
    output pair_t [1:0] counted_pair_o,
    output logic  [5:0] counted_count_o  // in step 1; 0 without
);

  // At most this can be on its way when a push is judged by what step 4 has said: one
  // burst, and a push of two in each of six clocks.
  localparam int unsigned PLENTY_LOG = 6;

  // A push that is judged by a probe.
  logic probing_q, judged_q, fits_q;
  // A push that stops its pair.
  logic failed_q, failed_torn_q;
  pair_t failed_pair_q;

  logic [PAIRS-1:0] plenty_q;
  // Looked up in the clock before: a pair that was stopped in it may still have a push taken.
  logic push_enabled_q, push_plenty_q;
  always_ff @(posedge clk_i) begin
    push_enabled_q <= push_next_i ? enabled_i[push_next_pair_i] : enabled_i[push_pair_i];
    push_plenty_q  <= push_next_i ? plenty_q[push_next_pair_i] : plenty_q[push_pair_i];
    if (!rst_ni) push_enabled_q <= 1'b0;
  end
  assign push_enabled_o = push_enabled_q;
  // Not by its strobes, which are known late: a torn one is taken off like any other.
  wire push_decided = !push_enabled_q || push_plenty_q || judged_q;
  wire fetch_goes_first = (fetch_asks_i && !probing_q) || fetch_alone_i;

  assign push_turn_o = push_decided && !failed_q && (judged_q || !fetch_goes_first);
  assign push_taken_o = push_enabled_q && !push_torn_i && (push_plenty_q || fits_q);
  assign push_failed_o = failed_q;
  assign push_failed_pair_o = failed_pair_q;
  assign push_failed_torn_o = failed_torn_q;
  assign fetch_turn_o = !probing_q;

  // What needs step 1, at most; whether it claims is known later.
  wire push_steps = push_i && push_enabled_q && (push_plenty_q || fits_q);
  wire push_claims = push_steps && !push_torn_i && push_count_i != '0;
  wire probe = push_waits_i && !push_decided && !probing_q && !fetch_goes_first && !freed_i;

  // Step 1.
  logic claim_q, probe_1_q, step_1_q;
  pair_t pair_1_q;
  logic [5:0] count_q;
  // Step 2.
  logic claim_2_q, probe_2_q, step_2_q;
  pair_t  pair_2_q;
  index_t claimed_q;
  // Steps 3 and 4.
  logic probe_3_q, step_3_q, probe_4_q, step_4_q;
  pair_t pair_3_q, pair_4_q;
  index_t used_q, size_q, room_q;

  assign count_o = claim_q;
  assign count_pair_o = pair_1_q;
  assign claimed_o = claimed_i + index_t'(count_q);
  assign room_pair_o = pair_2_q;
  assign fetch_disturbed_o = claim_q && pair_1_q == fetch_pair_i;
  assign counted_o = {claim_2_q, claim_q};
  assign counted_pair_o = {pair_2_q, pair_1_q};
  assign counted_count_o = count_q;

  always_ff @(posedge clk_i) begin
    claim_q <= fetch_claim_i || push_claims;
    probe_1_q <= probe;
    step_1_q <= fetch_claim_i || push_claims || probe || (freed_i && !push_steps);
    // Places given back are looked at if no claim needs the step: else the pair's next push
    // has its room looked at.
    pair_1_q <= fetch_claim_i ? fetch_pair_i : freed_i && !push_steps ? freed_pair_i : push_pair_i;
    count_q <= fetch_claim_i ? fetch_count_i : push_claims ? 6'(push_count_i) : '0;

    claim_2_q <= claim_q;
    probe_2_q <= probe_1_q;
    step_2_q <= step_1_q;
    pair_2_q <= pair_1_q;
    claimed_q <= claimed_o;

    probe_3_q <= probe_2_q;
    step_3_q <= step_2_q;
    pair_3_q <= pair_2_q;
    used_q <= claimed_q - given_back_i;
    size_q <= index_t'(1) << log_i;

    probe_4_q <= probe_3_q;
    step_4_q <= step_3_q;
    pair_4_q <= pair_3_q;
    room_q <= size_q - used_q;

    if (step_4_q) plenty_q[pair_4_q] <= |room_q[15:PLENTY_LOG];
    if (start_i) plenty_q[start_pair_i] <= start_plenty_i;

    failed_q <= push_i && push_enabled_q && !push_taken_o;
    failed_torn_q <= push_torn_i;
    failed_pair_q <= push_pair_i;

    if (probe) probing_q <= 1'b1;
    if (probe_4_q) begin
      judged_q <= 1'b1;
      fits_q   <= room_q >= index_t'(push_count_i);
    end
    // Taken off; it may be because its pair was stopped.
    if (push_i) begin
      probing_q <= 1'b0;
      judged_q  <= 1'b0;
      probe_1_q <= 1'b0;
      probe_2_q <= 1'b0;
      probe_3_q <= 1'b0;
      probe_4_q <= 1'b0;
    end

    if (!rst_ni) begin
      claim_q   <= 1'b0;
      claim_2_q <= 1'b0;
      probe_1_q <= 1'b0;
      probe_2_q <= 1'b0;
      probe_3_q <= 1'b0;
      probe_4_q <= 1'b0;
      step_1_q  <= 1'b0;
      step_2_q  <= 1'b0;
      step_3_q  <= 1'b0;
      step_4_q  <= 1'b0;
      plenty_q  <= '0;
      probing_q <= 1'b0;
      judged_q  <= 1'b0;
      failed_q  <= 1'b0;
    end
  end

endmodule
