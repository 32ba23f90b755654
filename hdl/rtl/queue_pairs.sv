// The state of every queue pair: configuration, the indices, what is under way, and why
// it stopped. Everybody else asks here, so that each rule of docs/queue.md is kept in
// one place.
//
// Each index has one writer: the host's doorbells, the fetch, the claims, the completion
// writer, the responses. So none of them waits for another.
//
// A register access takes two clocks: in the first it is read and judged, in the second
// it is answered, and what it writes is written.
module queue_pairs
  import queue_pkg::*;
(
    input logic clk_i,
    input logic rst_ni,

    // Registers of a pair, answered in the next clock; 0 without an access.
    input  logic         access_i,
    input  logic         write_i,
    input  pair_t        access_pair_i,
    input  logic  [ 3:0] word_i,
    input  logic  [31:0] wdata_i,
    output logic  [31:0] rdata_o,
    output logic         error_o,

    // Doorbells, at most one in four clocks.
    input logic   doorbell_i,
    input logic   doorbell_head_i,  // of the completions; else tail of the submissions
    input pair_t  doorbell_pair_i,
    input index_t doorbell_index_i,

    // Fetching: which pairs may have work, the state of one, and its claim. See pair_claims.
    output logic   [PAIRS-1:0] work_o,
    input  pair_t              fetch_pair_i,
    input  logic               fetch_load_i,        // its work is looked at
    output index_t             fetch_head_o,
    output index_t             fetch_tail_o,
    output index_t             fetch_claimed_o,
    output index_t             fetch_given_back_o,
    output logic   [      3:0] fetch_log_o,
    output logic   [      3:0] fetch_room_log_o,    // of the completion ring
    output logic   [     63:0] fetch_base_o,
    output logic               fetch_enabled_o,
    output logic               fetch_disturbed_o,
    input  logic               fetch_asks_i,
    input  logic               fetch_alone_i,
    output logic               fetch_turn_o,
    input  logic               fetch_may_claim_i,
    input  logic               fetch_claim_i,
    input  logic   [      5:0] fetch_count_i,
    input  index_t             fetch_next_head_i,
    input  logic               fetch_more_i,        // its work has to be looked at again
    output logic               restart_o,           // a pair is enabled, or is refused it
    input  logic               read_error_i,
    input  pair_t              read_error_pair_i,
    output logic   [PAIRS-1:0] read_failed_o,

    // Pushes. One that waits is taken off when it has its turn.
    input  logic        push_waits_i,
    output logic        push_turn_o,
    input  logic        push_i,
    input  pair_t       push_pair_i,
    input  logic        push_next_i,       // another pair's turn from the next clock on
    input  pair_t       push_next_pair_i,
    input  logic  [1:0] push_count_i,
    input  logic        push_torn_i,
    output logic        push_taken_o,

    // Completions: where the next of a pair goes, and what is written there.
    input  pair_t         look_pair_i,
    output index_t        look_tail_o,
    output logic   [ 3:0] look_log_o,
    output logic   [63:0] look_base_o,
    input  logic          written_i,
    input  pair_t         write_pair_i,
    input  logic          write_next_i,       // the pair looked at writes from the next clock on
    input  index_t        write_next_tail_i,
    output logic          write_failed_o,     // of the pair that writes, in the clock before

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
  localparam logic [3:0] WORD_SUBMISSIONS = 4'd2;  // four words: of both rings
  localparam logic [3:0] WORD_SUBMISSION_INDICES = 4'd6;
  localparam logic [3:0] WORD_COMPLETION_INDICES = 4'd7;

  // Rings with at least that many places have plenty of room when they are empty.
  localparam logic [3:0] PLENTY_LOG = 4'd6;

  logic [PAIRS-1:0] enabled_q, busy_q, work_q, read_failed_q, write_failed_q;
  stop_e [PAIRS-1:0] stop_q;
  // Stored with what was written: so enabling has no long way to judge it.
  logic [PAIRS-1:0] good_sizes_q, large_q;
  logic [PAIRS-1:0][1:0] bad_base_q;  // of the submissions, the completions

  // Second clock of an access. A pair that was idle in the first is idle still: it takes
  // an access to change that.
  logic idle_q, asks_start_q, asks_stop_q, asks_sizes_q, asks_base_q;
  wire starts = asks_start_q && idle_q;
  wire writes_sizes = asks_sizes_q && idle_q;
  wire writes_base = asks_base_q && idle_q;
  pair_t access_pair_q;
  logic [1:0] base_word_q;
  logic [31:0] wdata_q;

  // Fourth clock of a doorbell.
  logic bell_4_q, bell_head_q, bell_bad_q;
  pair_t  bell_pair_q;
  index_t bell_index_q;
  wire    bell_good = bell_4_q && enabled_q[bell_pair_q] && !bell_bad_q;
  wire    rung = bell_good && !bell_head_q;
  wire    freed = bell_good && bell_head_q;

  // The words of the pairs.
  logic claim, done_q, done_error_q;
  pair_t claim_pair, room_pair, done_pair_q, answered_pair_q;
  logic [3:0] done_count_q, access_log, bell_log, access_room_log, room_log;
  index_t claimed, next_claimed, answered_claimed, answered, given_back;
  index_t access_head, access_tail, access_written, access_given_back;
  index_t bell_submission_head, bell_submission_tail, bell_given_back, bell_written;
  logic [3:0][31:0] access_bases;  // submissions low, high, completions low, high
  logic [3:0][31:0] engine_bases;

  pair_words #(
      .READERS(3)
  ) i_submission_tail (
      .clk_i,
      .rst_ni,
      .clear_i     (starts),
      .clear_pair_i(access_pair_q),
      .write_i     (rung),
      .pair_i      (bell_pair_q),
      .data_i      (bell_index_q),
      .pairs_i     ({fetch_pair_i, bell_pair_q, access_pair_i}),
      .data_o      ({fetch_tail_o, bell_submission_tail, access_tail})
  );

  pair_words #(
      .READERS(3)
  ) i_submission_head (
      .clk_i,
      .rst_ni,
      .clear_i     (starts),
      .clear_pair_i(access_pair_q),
      .write_i     (fetch_claim_i),
      .pair_i      (fetch_pair_i),
      .data_i      (fetch_next_head_i),
      .pairs_i     ({fetch_pair_i, bell_pair_q, access_pair_i}),
      .data_o      ({fetch_head_o, bell_submission_head, access_head})
  );

  // Places of the completion ring that were claimed, written, answered and given back.
  pair_words #(
      .READERS(3)
  ) i_claimed (
      .clk_i,
      .rst_ni,
      .clear_i     (starts),
      .clear_pair_i(access_pair_q),
      .write_i     (claim),
      .pair_i      (claim_pair),
      .data_i      (next_claimed),
      .pairs_i     ({fetch_pair_i, answered_pair_q, claim_pair}),
      .data_o      ({fetch_claimed_o, answered_claimed, claimed})
  );

  pair_words #(
      .READERS(3)
  ) i_completion_tail (
      .clk_i,
      .rst_ni,
      .clear_i     (starts),
      .clear_pair_i(access_pair_q),
      .write_i     (written_i),
      .pair_i      (write_pair_i),
      .data_i      (write_next_tail_i),
      .pairs_i     ({look_pair_i, bell_pair_q, access_pair_i}),
      .data_o      ({look_tail_o, bell_written, access_written})
  );

  wire index_t next_answered = answered + index_t'(done_count_q);
  pair_words i_answered (
      .clk_i,
      .rst_ni,
      .clear_i     (starts),
      .clear_pair_i(access_pair_q),
      .write_i     (done_q),
      .pair_i      (done_pair_q),
      .data_i      (next_answered),
      .pairs_i     (done_pair_q),
      .data_o      (answered)
  );

  pair_words #(
      .READERS(4)
  ) i_completion_head (
      .clk_i,
      .rst_ni,
      .clear_i     (starts),
      .clear_pair_i(access_pair_q),
      .write_i     (freed),
      .pair_i      (bell_pair_q),
      .data_i      (bell_index_q),
      .pairs_i     ({fetch_pair_i, room_pair, bell_pair_q, access_pair_i}),
      .data_o      ({fetch_given_back_o, given_back, bell_given_back, access_given_back})
  );

  pair_words #(
      .WIDTH  (4),
      .READERS(3)
  ) i_submissions_log (
      .clk_i,
      .rst_ni,
      .clear_i     (1'b0),
      .clear_pair_i('0),
      .write_i     (writes_sizes),
      .pair_i      (access_pair_q),
      .data_i      (wdata_q[3:0]),
      .pairs_i     ({fetch_pair_i, bell_pair_q, access_pair_i}),
      .data_o      ({fetch_log_o, bell_log, access_log})
  );

  pair_words #(
      .WIDTH  (4),
      .READERS(4)
  ) i_completions_log (
      .clk_i,
      .rst_ni,
      .clear_i     (1'b0),
      .clear_pair_i('0),
      .write_i     (writes_sizes),
      .pair_i      (access_pair_q),
      .data_i      (wdata_q[11:8]),
      .pairs_i     ({fetch_pair_i, look_pair_i, room_pair, access_pair_i}),
      .data_o      ({fetch_room_log_o, look_log_o, room_log, access_room_log})
  );

  for (genvar w = 0; w < 4; w++) begin : g_base
    pair_words #(
        .WIDTH  (32),
        .READERS(2)
    ) i_base (
        .clk_i,
        .rst_ni,
        .clear_i     (1'b0),
        .clear_pair_i('0),
        .write_i     (writes_base && base_word_q == 2'(w)),
        .pair_i      (access_pair_q),
        .data_i      (wdata_q),
        .pairs_i     ({w < 2 ? fetch_pair_i : look_pair_i, access_pair_i}),
        .data_o      ({engine_bases[w], access_bases[w]})
    );
  end
  assign fetch_base_o = engine_bases[1:0];
  assign look_base_o  = engine_bases[3:2];

  // First clock of an access. A claim of the clock before is not in the busy bit yet, nor
  // one of a plan or a push in this clock, whose pair may have been stopped just now.
  logic push_enabled;
  wire enabled = enabled_q[access_pair_i];
  wire busy = busy_q[access_pair_i] || (claim && claim_pair == access_pair_i) ||
      (fetch_may_claim_i && fetch_pair_i == access_pair_i) ||
      (push_enabled && push_pair_i == access_pair_i && !enabled);
  wire idle = !enabled && !busy;
  wire configures = word_i >= WORD_SIZES && word_i < WORD_SUBMISSION_INDICES;
  wire [1:0] base_word = 2'(word_i - WORD_SUBMISSIONS);
  logic [31:0] rdata, rdata_q;
  // The addresses are chosen from in the second clock: they have come a longer way.
  logic reads_base_q;
  logic [3:0][31:0] bases_q;
  assign error_o = (asks_start_q || asks_sizes_q || asks_base_q) && !idle_q;
  assign rdata_o = rdata_q | (reads_base_q ? bases_q[base_word_q] : '0);

  always_comb begin
    case (word_i)
      WORD_CONTROL: rdata = {24'h0, stop_q[access_pair_i], 2'h0, busy, enabled};
      WORD_SIZES: rdata = {20'h0, access_room_log, 4'h0, access_log};
      WORD_SUBMISSION_INDICES: rdata = {access_tail, access_head};
      WORD_COMPLETION_INDICES: rdata = {access_given_back, access_written};
      default: rdata = '0;
    endcase
  end

  always_ff @(posedge clk_i) begin
    rdata_q <= access_i ? rdata : '0;
    reads_base_q <= access_i && configures && word_i != WORD_SIZES;
    bases_q <= access_bases;
    asks_start_q <= access_i && write_i && word_i == WORD_CONTROL && wdata_i[0];
    asks_stop_q <= access_i && write_i && word_i == WORD_CONTROL && !wdata_i[0];
    asks_sizes_q <= access_i && write_i && word_i == WORD_SIZES;
    asks_base_q <= access_i && write_i && configures && word_i != WORD_SIZES;
    idle_q <= idle;
    access_pair_q <= access_pair_i;
    base_word_q <= base_word;
    wdata_q <= wdata_i;
    restart_o <= starts;
    if (!rst_ni) begin
      restart_o <= 1'b0;
      asks_start_q <= 1'b0;
      asks_stop_q <= 1'b0;
      asks_sizes_q <= 1'b0;
      asks_base_q <= 1'b0;
    end
  end

  // Doorbells: the pair's indices in the first clock, differences in the second, the
  // verdict on them in the third; the fourth acts on it.
  logic bell_1_q, bell_2_q, bell_3_q;
  index_t bell_from_q, bell_to_q, bell_size_q, bell_step_q, bell_least_q, bell_most_q;

  always_ff @(posedge clk_i) begin
    bell_1_q <= doorbell_i && rst_ni;
    bell_2_q <= bell_1_q && rst_ni;
    bell_3_q <= bell_2_q && rst_ni;
    bell_4_q <= bell_3_q && rst_ni;
    if (doorbell_i) begin
      bell_head_q  <= doorbell_head_i;
      bell_pair_q  <= doorbell_pair_i;
      bell_index_q <= doorbell_index_i;
    end
    if (bell_1_q) begin
      bell_from_q <= bell_head_q ? bell_given_back : bell_submission_head;
      bell_to_q   <= bell_head_q ? bell_written : bell_submission_tail;
      bell_size_q <= index_t'(1) << bell_log;
    end
    if (bell_2_q) begin
      bell_step_q  <= bell_index_q - bell_from_q;
      bell_least_q <= bell_head_q ? '0 : bell_to_q - bell_from_q;
      bell_most_q  <= bell_head_q ? bell_to_q - bell_from_q : bell_size_q;
    end
    if (bell_3_q) bell_bad_q <= bell_step_q > bell_most_q || bell_step_q < bell_least_q;
  end

  // Claims.
  logic push_failed, push_failed_torn;
  pair_t push_failed_pair;
  logic [1:0] counted;
  pair_t [1:0] counted_pair;
  logic [5:0] counted_count;

  pair_claims i_claims (
      .clk_i,
      .rst_ni,
      .enabled_i         (enabled_q),
      .start_i           (starts),
      .start_pair_i      (access_pair_q),
      .start_plenty_i    (large_q[access_pair_q]),
      .fetch_asks_i,
      .fetch_alone_i,
      .fetch_turn_o,
      .fetch_claim_i,
      .fetch_pair_i,
      .fetch_count_i,
      .fetch_disturbed_o,
      .push_waits_i,
      .push_turn_o,
      .push_i,
      .push_pair_i,
      .push_next_i,
      .push_next_pair_i,
      .push_enabled_o    (push_enabled),
      .push_count_i,
      .push_torn_i,
      .push_taken_o,
      .push_failed_o     (push_failed),
      .push_failed_pair_o(push_failed_pair),
      .push_failed_torn_o(push_failed_torn),
      .freed_i           (freed),
      .freed_pair_i      (bell_pair_q),
      .count_o           (claim),
      .count_pair_o      (claim_pair),
      .claimed_i         (claimed),
      .claimed_o         (next_claimed),
      .room_pair_o       (room_pair),
      .given_back_i      (given_back),
      .log_i             (room_log),
      .counted_o         (counted),
      .counted_pair_o    (counted_pair),
      .counted_count_o   (counted_count)
  );

  // Answers: counted in the first clock, compared with the claims in the second; in the
  // third the pair has nothing under way any more, unless it claimed meanwhile.
  logic answered_q, settled_q;
  pair_t settled_pair_q;
  index_t answered_index_q;
  logic [20:0] under_way_q;  // of all pairs
  wire settles = settled_q &&
      !(counted[0] && counted_pair[0] == settled_pair_q) &&
      !(counted[1] && counted_pair[1] == settled_pair_q);

  always_ff @(posedge clk_i) begin
    done_q <= done_i;
    done_pair_q <= done_pair_i;
    done_count_q <= done_count_i;
    done_error_q <= done_i && done_error_i;
    answered_q <= done_q;
    answered_pair_q <= done_pair_q;
    answered_index_q <= next_answered;
    settled_q <= answered_q && answered_index_q == answered_claimed;
    settled_pair_q <= answered_pair_q;
    under_way_q <= under_way_q + 21'(counted_count) - (done_q ? 21'(done_count_q) : '0);
    active_o <= under_way_q != '0;
    if (!rst_ni) begin
      done_q <= 1'b0;
      done_error_q <= 1'b0;
      answered_q <= 1'b0;
      settled_q <= 1'b0;
      under_way_q <= '0;
    end
  end

  assign work_o = work_q;
  assign fetch_enabled_o = enabled_q[fetch_pair_i];
  always_ff @(posedge clk_i) begin
    write_failed_o <= write_next_i ? write_failed_q[look_pair_i] : write_failed_q[write_pair_i];
  end
  assign read_failed_o = read_failed_q;

  for (genvar p = 0; p < PAIRS; p++) begin : g_pair
    wire   here = access_pair_q == pair_t'(p);
    wire   good = good_sizes_q[p] && bad_base_q[p] == '0;
    wire   belled = bell_4_q && bell_pair_q == pair_t'(p) && enabled_q[p];
    wire   fetches = fetch_pair_i == pair_t'(p);

    // What stops this pair in this clock, and why.
    wire   write_fails = done_error_q && done_pair_q == pair_t'(p);
    wire   read_fails = read_error_i && read_error_pair_i == pair_t'(p);
    wire   bell_fails = belled && bell_bad_q;
    wire   push_fails = push_failed && push_failed_pair == pair_t'(p);
    stop_e stop;
    always_comb begin
      if (write_fails) stop = WRITE_ERROR;
      else if (read_fails) stop = READ_ERROR;
      else if (bell_fails) stop = bell_head_q ? BAD_HEAD : BAD_TAIL;
      else stop = push_failed_torn ? PUSH_TORN : PUSH_OVERRUN;
    end

    always_ff @(posedge clk_i) begin
      started_o[p] <= 1'b0;
      stopped_o[p] <= 1'b0;

      if (settles && settled_pair_q == pair_t'(p)) busy_q[p] <= 1'b0;
      if (claim && claim_pair == pair_t'(p)) busy_q[p] <= 1'b1;

      if (fetch_load_i && fetches) work_q[p] <= 1'b0;
      if (fetch_more_i && fetches) work_q[p] <= 1'b1;
      if (belled && !bell_bad_q) work_q[p] <= 1'b1;

      if (here && writes_sizes) begin
        good_sizes_q[p] <= wdata_q[3:0] >= SUBMISSIONS_LOG_MIN &&
            wdata_q[11:8] >= COMPLETIONS_LOG_MIN;
        large_q[p] <= wdata_q[11:8] >= PLENTY_LOG;
      end
      if (here && writes_base && !base_word_q[0]) begin
        bad_base_q[p][base_word_q[1]] <= wdata_q[11:0] != '0;
      end

      if (here && starts) begin
        enabled_q[p] <= good;
        started_o[p] <= good;
        stop_q[p] <= good ? STOP_NONE : good_sizes_q[p] ? BAD_BASE : BAD_SIZE;
        read_failed_q[p] <= 1'b0;
        write_failed_q[p] <= 1'b0;
        work_q[p] <= 1'b0;
      end
      if (here && asks_stop_q) enabled_q[p] <= 1'b0;
      if (write_fails || read_fails || bell_fails || push_fails) begin
        enabled_q[p] <= 1'b0;
        stopped_o[p] <= 1'b1;
        if (stop_q[p] == STOP_NONE) stop_q[p] <= stop;
      end
      if (write_fails) write_failed_q[p] <= 1'b1;
      if (read_fails) read_failed_q[p] <= 1'b1;

      if (!rst_ni) begin
        enabled_q[p] <= 1'b0;
        busy_q[p] <= 1'b0;
        work_q[p] <= 1'b0;
        started_o[p] <= 1'b0;
        stopped_o[p] <= 1'b0;
        stop_q[p] <= STOP_NONE;
        read_failed_q[p] <= 1'b0;
        write_failed_q[p] <= 1'b0;
        good_sizes_q[p] <= 1'b0;
        large_q[p] <= 1'b0;
        bad_base_q[p] <= '0;
      end
    end
  end

endmodule
