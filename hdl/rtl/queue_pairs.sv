// The state of every queue pair: configuration, the four indices, room in the
// completion ring, what is under way, and why it stopped. Everybody else asks here, so
// that each rule of docs/queue.md is kept in one place.
//
// A place in the completion ring is claimed before a submission is taken, from a ring
// or from a push; one claim a clock.
module queue_pairs
  import queue_pkg::*;
(
    input logic clk_i,
    input logic rst_ni,

    // Registers of a pair, answered in the same clock.
    input  logic         access_i,
    input  logic         write_i,
    input  pair_t        access_pair_i,
    input  logic  [ 3:0] word_i,
    input  logic  [31:0] wdata_i,
    output logic  [31:0] rdata_o,
    output logic         error_o,

    // Doorbells, at most one in three clocks.
    input logic   doorbell_i,
    input logic   doorbell_head_i,  // of the completions; else tail of the submissions
    input pair_t  doorbell_pair_i,
    input index_t doorbell_index_i,

    // Fetching: which pairs have work, the state of one, and its claim.
    output logic   [PAIRS-1:0] work_o,
    input  pair_t              fetch_pair_i,
    output index_t             fetch_head_o,
    output index_t             fetch_tail_o,
    output index_t             fetch_room_o,
    output logic   [      3:0] fetch_log_o,
    output logic   [     63:0] fetch_base_o,
    input  logic               fetch_claim_i,
    input  logic   [      5:0] fetch_count_i,
    output logic               fetch_granted_o,
    input  logic               read_error_i,
    input  pair_t              read_error_pair_i,
    output logic   [PAIRS-1:0] read_failed_o,

    // A push; never in the clock of a fetch's claim.
    input  logic        push_i,
    input  pair_t       push_pair_i,
    input  logic  [1:0] push_count_i,
    input  logic        push_torn_i,
    output logic        push_taken_o,

    // Completions: where the next goes, and how many went there.
    input  pair_t         write_pair_i,
    output index_t        write_tail_o,
    output logic   [ 3:0] write_log_o,
    output logic   [63:0] write_base_o,
    output logic          write_failed_o,
    input  logic          written_i,
    input  logic   [ 1:0] write_count_i,

    // Completions answered, or dropped.
    input logic        done_i,
    input pair_t       done_pair_i,
    input logic  [3:0] done_count_i,
    input logic        done_error_i,

    output logic [PAIRS-1:0] started_o,  // just enabled
    output logic [PAIRS-1:0] stopped_o,  // just stopped by an error
    output logic             active_o    // something is under way
);

  localparam logic [3:0] WORD_CONTROL = 4'd0;
  localparam logic [3:0] WORD_SIZES = 4'd1;
  localparam logic [3:0] WORD_SUBMISSIONS = 4'd2;
  localparam logic [3:0] WORD_COMPLETIONS = 4'd4;
  localparam logic [3:0] WORD_SUBMISSION_INDICES = 4'd6;
  localparam logic [3:0] WORD_COMPLETION_INDICES = 4'd7;

  logic [PAIRS-1:0] enabled_q, read_failed_q, write_failed_q, busy_q;
  stop_e [PAIRS-1:0] stop_q;
  logic [PAIRS-1:0][3:0] submissions_log_q, completions_log_q;
  logic [PAIRS-1:0][3:0][31:0] base_q;  // submissions low, high, completions low, high
  index_t [PAIRS-1:0] submission_tail_q, submission_head_q;
  index_t [PAIRS-1:0] completion_tail_q, completion_head_q;
  index_t [PAIRS-1:0] room_q;  // completions not claimed
  index_t [PAIRS-1:0] under_way_q;  // claimed, not answered yet

  // Register access.
  wire enabled = enabled_q[access_pair_i];
  wire idle = !enabled && !busy_q[access_pair_i];
  wire [3:0] submissions_log = submissions_log_q[access_pair_i];
  wire [3:0] completions_log = completions_log_q[access_pair_i];
  wire bad_size = submissions_log < SUBMISSIONS_LOG_MIN || completions_log < COMPLETIONS_LOG_MIN;
  wire bad_base = base_q[access_pair_i][0][11:0] != '0 || base_q[access_pair_i][2][11:0] != '0;
  wire write_control = access_i && write_i && word_i == WORD_CONTROL;
  wire start = write_control && wdata_i[0] && idle;
  wire [1:0] base_word = 2'(word_i - WORD_SUBMISSIONS);
  wire configures = word_i >= WORD_SIZES && word_i < WORD_SUBMISSION_INDICES;

  always_comb begin
    case (word_i)
      WORD_CONTROL: rdata_o = {24'h0, stop_q[access_pair_i], 2'h0, busy_q[access_pair_i], enabled};
      WORD_SIZES: rdata_o = {20'h0, completions_log, 4'h0, submissions_log};
      WORD_SUBMISSIONS, WORD_SUBMISSIONS + 4'd1, WORD_COMPLETIONS, WORD_COMPLETIONS + 4'd1:
      rdata_o = base_q[access_pair_i][base_word];
      WORD_SUBMISSION_INDICES:
      rdata_o = {submission_tail_q[access_pair_i], submission_head_q[access_pair_i]};
      WORD_COMPLETION_INDICES:
      rdata_o = {completion_head_q[access_pair_i], completion_tail_q[access_pair_i]};
      default: rdata_o = '0;
    endcase
    error_o = write_i && !idle && (configures || (word_i == WORD_CONTROL && wdata_i[0]));
  end

  // Doorbells: differences in the first clock, the verdict on them in the second.
  logic bell_1_q, bell_2_q, bell_head_q;
  pair_t bell_pair_q;
  index_t bell_index_q, bell_step_q, bell_least_q, bell_most_q;
  wire bell_bad = bell_step_q > bell_most_q || bell_step_q < bell_least_q;
  wire bell_live = bell_2_q && enabled_q[bell_pair_q];

  always_ff @(posedge clk_i) begin
    bell_1_q <= doorbell_i && rst_ni;
    bell_2_q <= bell_1_q && rst_ni;
    if (doorbell_i) begin
      bell_head_q  <= doorbell_head_i;
      bell_pair_q  <= doorbell_pair_i;
      bell_index_q <= doorbell_index_i;
    end
    if (bell_1_q) begin
      if (bell_head_q) begin
        bell_step_q  <= bell_index_q - completion_head_q[bell_pair_q];
        bell_least_q <= '0;
        bell_most_q  <= completion_tail_q[bell_pair_q] - completion_head_q[bell_pair_q];
      end else begin
        bell_step_q  <= bell_index_q - submission_head_q[bell_pair_q];
        bell_least_q <= submission_tail_q[bell_pair_q] - submission_head_q[bell_pair_q];
        bell_most_q  <= index_t'(1) << submissions_log_q[bell_pair_q];
      end
    end
  end

  // Claims.
  wire index_t fetch_room = room_q[fetch_pair_i];
  assign fetch_granted_o = enabled_q[fetch_pair_i] && fetch_room >= index_t'(fetch_count_i);
  wire index_t push_room = room_q[push_pair_i];
  wire push_fits = push_room >= index_t'(push_count_i);
  wire push_enabled = enabled_q[push_pair_i];
  assign push_taken_o = push_enabled && push_fits && !push_torn_i;

  wire fetch_claims = fetch_claim_i && fetch_granted_o;
  wire push_claims = push_i && push_taken_o;
  wire claims = fetch_claims || push_claims;
  wire pair_t claim_pair = fetch_claim_i ? fetch_pair_i : push_pair_i;
  wire [5:0] claim_count = fetch_claim_i ? fetch_count_i : 6'(push_count_i);

  assign fetch_head_o = submission_head_q[fetch_pair_i];
  assign fetch_tail_o = submission_tail_q[fetch_pair_i];
  assign fetch_room_o = fetch_room;
  assign fetch_log_o = submissions_log_q[fetch_pair_i];
  assign fetch_base_o = {base_q[fetch_pair_i][1], base_q[fetch_pair_i][0]};
  assign write_tail_o = completion_tail_q[write_pair_i];
  assign write_log_o = completions_log_q[write_pair_i];
  assign write_base_o = {base_q[write_pair_i][3], base_q[write_pair_i][2]};
  assign write_failed_o = write_failed_q[write_pair_i];
  assign read_failed_o = read_failed_q;
  assign active_o = |busy_q;

  for (genvar p = 0; p < PAIRS; p++) begin : g_pair
    wire   here = access_i && access_pair_i == pair_t'(p);
    wire   starts = here && start;
    wire   belled = bell_live && bell_pair_q == pair_t'(p);
    wire   claimed = claims && claim_pair == pair_t'(p);
    wire   fetched = fetch_claims && fetch_pair_i == pair_t'(p);
    wire   pushed = push_i && push_enabled && push_pair_i == pair_t'(p);
    wire   written = written_i && write_pair_i == pair_t'(p);
    wire   done = done_i && done_pair_i == pair_t'(p);
    wire   freed = belled && bell_head_q && !bell_bad;

    // Why this pair stops in this clock, if it does.
    stop_e stop;
    always_comb begin
      stop = STOP_NONE;
      if (done && done_error_i) stop = WRITE_ERROR;
      else if (read_error_i && read_error_pair_i == pair_t'(p)) stop = READ_ERROR;
      else if (belled && bell_bad) stop = bell_head_q ? BAD_HEAD : BAD_TAIL;
      else if (pushed && push_torn_i) stop = PUSH_TORN;
      else if (pushed && !push_fits) stop = PUSH_OVERRUN;
    end

    always_ff @(posedge clk_i) begin
      work_o[p] <= enabled_q[p] && submission_tail_q[p] != submission_head_q[p] && room_q[p] != '0;
      busy_q[p] <= claimed || under_way_q[p] != '0;
      started_o[p] <= 1'b0;
      stopped_o[p] <= 1'b0;

      under_way_q[p] <= under_way_q[p] + (claimed ? index_t'(claim_count) : '0) -
          (done ? index_t'(done_count_i) : '0);
      room_q[p] <= room_q[p] + (freed ? bell_step_q : '0) - (claimed ? index_t'(claim_count) : '0);
      if (fetched) submission_head_q[p] <= submission_head_q[p] + index_t'(fetch_count_i);
      if (written) completion_tail_q[p] <= completion_tail_q[p] + index_t'(write_count_i);
      if (freed) completion_head_q[p] <= bell_index_q;
      if (belled && !bell_head_q && !bell_bad) submission_tail_q[p] <= bell_index_q;

      if (here && write_i && idle) begin
        if (word_i == WORD_SIZES) begin
          submissions_log_q[p] <= wdata_i[3:0];
          completions_log_q[p] <= wdata_i[11:8];
        end
        if (word_i >= WORD_SUBMISSIONS && word_i < WORD_SUBMISSION_INDICES) begin
          base_q[p][base_word] <= wdata_i;
        end
      end

      if (starts) begin
        enabled_q[p] <= !bad_size && !bad_base;
        started_o[p] <= !bad_size && !bad_base;
        stop_q[p] <= bad_size ? BAD_SIZE : bad_base ? BAD_BASE : STOP_NONE;
        read_failed_q[p] <= 1'b0;
        write_failed_q[p] <= 1'b0;
        submission_tail_q[p] <= '0;
        submission_head_q[p] <= '0;
        completion_tail_q[p] <= '0;
        completion_head_q[p] <= '0;
        room_q[p] <= index_t'(1) << completions_log;
      end
      if (here && write_control && !wdata_i[0]) enabled_q[p] <= 1'b0;
      if (stop != STOP_NONE) begin
        enabled_q[p] <= 1'b0;
        stopped_o[p] <= 1'b1;
        if (stop_q[p] == STOP_NONE) stop_q[p] <= stop;
        if (stop == WRITE_ERROR) write_failed_q[p] <= 1'b1;
      end
      // Also when a write fails in the same clock.
      if (read_error_i && read_error_pair_i == pair_t'(p)) read_failed_q[p] <= 1'b1;

      if (!rst_ni) begin
        enabled_q[p] <= 1'b0;
        busy_q[p] <= 1'b0;
        work_o[p] <= 1'b0;
        started_o[p] <= 1'b0;
        stopped_o[p] <= 1'b0;
        stop_q[p] <= STOP_NONE;
        read_failed_q[p] <= 1'b0;
        write_failed_q[p] <= 1'b0;
        submissions_log_q[p] <= '0;
        completions_log_q[p] <= '0;
        base_q[p] <= '0;
        submission_tail_q[p] <= '0;
        submission_head_q[p] <= '0;
        completion_tail_q[p] <= '0;
        completion_head_q[p] <= '0;
        room_q[p] <= '0;
        under_way_q[p] <= '0;
      end
    end
  end

endmodule
