// Beats of two submissions in, answers out: merges rings and pushes, looks up each
// submission's policy, and checks. Nothing inside stalls: whoever takes the answers
// keeps room for them and says so through `room_i`, which also holds for what is
// already inside.
//
// A source is let in for a clock at a time by a register, so that no ready depends on a
// valid: pushes while the rings bring nothing, else by turns.
module queue_check
  import tcp_pkg::*;
  import queue_pkg::*;
(
    input logic clk_i,
    input logic rst_ni,

    input logic room_i,

    // From the rings.
    output logic                   ring_ready_o,
    input  logic                   ring_waiting_i,  // a beat is there, taken or not
    input  logic                   ring_valid_i,
    input  pair_t                  ring_pair_i,
    input  logic  [     LANES-1:0] ring_mask_i,
    input  logic                   ring_void_i,
    input  logic  [DATA_WIDTH-1:0] ring_data_i,

    // From the push window.
    output logic                   push_ready_o,
    input  logic                   push_waiting_i,
    input  logic                   push_valid_i,
    input  pair_t                  push_pair_i,
    input  logic  [     LANES-1:0] push_mask_i,
    input  logic  [DATA_WIDTH-1:0] push_data_i,

    // Policies: asked for by slot, answered in the clock after the next.
    output logic    [LANES-1:0][3:0] slots_o,
    input  policy_t [LANES-1:0]      policies_i,
    input  logic    [LANES-1:0][7:0] versions_i,

    output logic                valid_o,
    output pair_t               pair_o,
    output logic                void_o,
    output logic    [LANES-1:0] mask_o,
    output answer_t [LANES-1:0] answers_o,

    // What was checked, for the counters.
    output logic    [LANES-1:0] checked_o,
    output logic    [LANES-1:0] refused_o,  // BAD_OPTIONS
    output result_t [LANES-1:0] results_o
);

  localparam int unsigned LATENCY = 4;  // of check_lane

  logic push_turn_q;
  assign ring_ready_o = room_i && !push_turn_q;
  assign push_ready_o = room_i && push_turn_q;

  always_ff @(posedge clk_i) begin
    push_turn_q <= !ring_waiting_i || (push_waiting_i && !push_turn_q);
    if (!rst_ni) push_turn_q <= 1'b1;
  end

  // What goes beside the descriptors.
  typedef struct packed {
    pair_t            pair;
    logic             void_beat;
    logic             pushed;
    logic [LANES-1:0] mask;
  } beat_t;
  typedef struct packed {
    logic valid;
    beat_t beat;
    logic [LANES-1:0] bad_options;
    logic [LANES-1:0][31:0] tags;
    logic [LANES-1:0][7:0] versions;
  } aside_t;

  // In: a beat of either source.
  logic entry_valid_q;
  beat_t entry_q;
  submission_t [LANES-1:0] entry_data_q;

  always_ff @(posedge clk_i) begin
    // Whether a beat is taken is known late: it decides of the valid bit alone.
    entry_valid_q <= ring_valid_i || push_valid_i;
    if (push_turn_q) begin
      entry_q <= '{pair: push_pair_i, void_beat: 1'b0, pushed: 1'b1, mask: push_mask_i};
      if (push_waiting_i) entry_data_q <= push_data_i;
    end else begin
      entry_q <= '{pair: ring_pair_i, void_beat: ring_void_i, pushed: 1'b0, mask: ring_mask_i};
      if (ring_waiting_i) entry_data_q <= ring_data_i;
    end
    if (!rst_ni) entry_valid_q <= 1'b0;
  end

  // The policy is asked for; two clocks later the beat is with it.
  logic asked_valid_q, policy_valid_q;
  beat_t asked_beat_q, policy_beat_q;
  logic [LANES-1:0] bad_options_q;
  submission_t [LANES-1:0] asked_data_q, policy_data_q;

  for (genvar l = 0; l < LANES; l++) begin : g_slot
    assign slots_o[l] = entry_data_q[l].options[7:4];
  end

  always_ff @(posedge clk_i) begin
    asked_valid_q <= entry_valid_q && rst_ni;
    asked_beat_q  <= entry_q;
    if (entry_valid_q) asked_data_q <= entry_data_q;
    policy_valid_q <= asked_valid_q && rst_ni;
    policy_beat_q  <= asked_beat_q;
    if (asked_valid_q) policy_data_q <= asked_data_q;
    for (int unsigned l = 0; l < LANES; l++) begin
      bad_options_q[l] <= asked_data_q[l].options[31:8] != '0 ||
          asked_data_q[l].options[3] || asked_data_q[l].options[1:0] == CHECKSUM_NONE;
    end
  end

  // Through the lanes.
  aside_t [LATENCY-1:0] aside_q;
  always_ff @(posedge clk_i) begin
    aside_q[0].valid <= policy_valid_q;
    aside_q[0].beat <= policy_beat_q;
    aside_q[0].bad_options <= bad_options_q;
    aside_q[0].versions <= versions_i;
    for (int unsigned l = 0; l < LANES; l++) aside_q[0].tags[l] <= policy_data_q[l].tag;
    for (int unsigned s = 1; s < LATENCY; s++) aside_q[s] <= aside_q[s-1];
    if (!rst_ni) begin
      for (int unsigned s = 0; s < LATENCY; s++) aside_q[s].valid <= 1'b0;
    end
  end

  result_t [LANES-1:0] results;
  for (genvar l = 0; l < LANES; l++) begin : g_lane
    check_lane i_lane (
        .clk_i,
        .descriptor_i(policy_data_q[l].descriptor),
        .policy_i    (policies_i[l]),
        .checksum_i  (checksum_e'(policy_data_q[l].options[1:0])),
        .wide_i      (policy_data_q[l].options[2]),
        .result_o    (results[l])
    );
  end

  // Out.
  aside_t last;
  assign last = aside_q[LATENCY-1];
  assign valid_o = last.valid;
  assign pair_o = last.beat.pair;
  assign void_o = last.beat.void_beat;
  assign mask_o = last.beat.mask;
  assign results_o = results;

  always_comb begin
    for (int unsigned l = 0; l < LANES; l++) begin
      answers_o[l].version = last.versions[l];
      answers_o[l].pushed = last.beat.pushed;
      answers_o[l].cause = last.bad_options[l] ? BAD_OPTIONS : results[l].cause;
      answers_o[l].verdict = last.bad_options[l] ? 8'h00 : results[l].verdict;
      answers_o[l].tag = last.tags[l];
      checked_o[l] = valid_o && mask_o[l] && !void_o && !last.bad_options[l];
      refused_o[l] = valid_o && mask_o[l] && !void_o && last.bad_options[l];
    end
  end

endmodule
