// queue_pairs, for one pair (they are alike): the places of its completion ring are either free to be claimed,
// claimed and not written yet, or written and not given back by the host; together they are the
// whole ring, always. So no completion is written over one that the host has not taken. Nor are
// more submissions accepted than their ring holds, whatever the host rings.
module queue_pairs_formal
  import queue_pkg::*;
#(
    parameter bit COMPLETIONS = 1'b1,  // the one half of it, or the other
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
    input logic          fetch_claim_i,
    input logic   [ 5:0] fetch_count_i,
    input logic          read_error_i,
    input pair_t         read_error_pair_i,
    input logic          push_i,
    input pair_t         push_pair_i,
    input logic   [ 1:0] push_count_i,
    input logic          push_torn_i,
    input pair_t         write_pair_i,
    input logic          written_i,
    input logic   [ 1:0] write_count_i,
    input logic          done_i,
    input pair_t         done_pair_i,
    input logic   [ 3:0] done_count_i,
    input logic          done_error_i
);

  logic fetch_granted, push_taken;
  logic [31:0] rdata;
  logic error, write_failed, active;
  logic [PAIRS-1:0] work, read_failed, started, stopped;
  index_t fetch_head, fetch_tail, fetch_room, write_tail;
  logic [3:0] fetch_log, write_log;
  logic [63:0] fetch_base, write_base;

  queue_pairs dut (
      .clk_i,
      .rst_ni,
      .access_i,
      .write_i,
      .access_pair_i,
      .word_i,
      .wdata_i,
      .rdata_o        (rdata),
      .error_o        (error),
      .doorbell_i,
      .doorbell_head_i,
      .doorbell_pair_i,
      .doorbell_index_i,
      .work_o         (work),
      .fetch_pair_i,
      .fetch_head_o   (fetch_head),
      .fetch_tail_o   (fetch_tail),
      .fetch_room_o   (fetch_room),
      .fetch_log_o    (fetch_log),
      .fetch_base_o   (fetch_base),
      .fetch_claim_i,
      .fetch_count_i,
      .fetch_granted_o(fetch_granted),
      .read_error_i,
      .read_error_pair_i,
      .read_failed_o  (read_failed),
      .push_i,
      .push_pair_i,
      .push_count_i,
      .push_torn_i,
      .push_taken_o   (push_taken),
      .write_pair_i,
      .write_tail_o   (write_tail),
      .write_log_o    (write_log),
      .write_base_o   (write_base),
      .write_failed_o (write_failed),
      .written_i,
      .write_count_i,
      .done_i,
      .done_pair_i,
      .done_count_i,
      .done_error_i,
      .started_o      (started),
      .stopped_o      (stopped),
      .active_o       (active)
  );

  logic running_q = 1'b0;
  logic [1:0] quiet_q;  // clocks until the register bus may speak again
  // Places of the pair: claimed and not written; not given back by the host; all but those. The
  // sums that an induction has to see through stay short so.
  logic [16:0] unwritten_q, untaken_q, free_q;

  wire fetch_claims = fetch_claim_i && fetch_granted && fetch_pair_i == PAIR;
  wire push_claims = push_i && push_taken && push_pair_i == PAIR;
  wire [16:0] claimed = fetch_claims ? 17'(fetch_count_i) : push_claims ? 17'(push_count_i) : 17'd0;
  wire [16:0] written = written_i && write_pair_i == PAIR ? 17'(write_count_i) : 17'd0;
  wire starts = access_i && write_i && access_pair_i == PAIR && word_i == 4'd0 && wdata_i[0] &&
      !error;

  wire [16:0] freed = dut.g_pair[PAIR].freed ? 17'(dut.bell_step_q) : 17'd0;
  wire [16:0] ring = 17'd1 << dut.completions_log_q[PAIR];

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    if (access_i || doorbell_i) quiet_q <= 2'd3;
    else if (quiet_q != 2'd0) quiet_q <= quiet_q - 2'd1;
    unwritten_q <= unwritten_q + claimed - written;
    untaken_q <= untaken_q + written - freed;
    free_q <= free_q - written + freed;
    if (starts) begin
      unwritten_q <= '0;
      untaken_q <= '0;
      free_q <= ring;
    end
    if (!rst_ni) begin
      quiet_q <= 2'd0;
      unwritten_q <= '0;
    end
  end

  wire enabled = dut.enabled_q[PAIR];
  wire busy = dut.busy_q[PAIR];
  wire index_t head = dut.submission_head_q[PAIR];
  wire index_t tail = dut.submission_tail_q[PAIR];
  wire index_t given_back = dut.completion_head_q[PAIR];
  wire index_t next_written = dut.completion_tail_q[PAIR];
  wire index_t waiting = tail - head;
  wire index_t untaken = next_written - given_back;
  wire [16:0] submissions = 17'd1 << dut.submissions_log_q[PAIR];

  // A doorbell of this pair, on its way.
  wire index_t bell_from = dut.bell_index_q - dut.bell_step_q;  // the index it was measured from
  wire bell = dut.bell_2_q && dut.bell_pair_q == PAIR && enabled;
  wire index_t bell_passed = head - bell_from;

  always_comb begin
    if (!running_q) assume (!rst_ni);
    // The register bus: an access in four clocks, and the two never at once.
    assume (!(access_i && doorbell_i));
    if (quiet_q != 2'd0) assume (!access_i && !doorbell_i);
    // The neighbours: nothing is written or done that was not claimed.
    assume (!(push_i && fetch_claim_i));
    assume (push_count_i <= 2'd2 && write_count_i <= 2'd2);
    if (fetch_claim_i && fetch_pair_i == PAIR) assume (index_t'(fetch_count_i) <= waiting);
    if (written_i && write_pair_i == PAIR) begin
      assume (written <= unwritten_q && written <= 17'(dut.under_way_q[PAIR]));
    end
    if (done_i && done_pair_i == PAIR) assume (index_t'(done_count_i) <= dut.under_way_q[PAIR]);

    if (running_q && rst_ni) begin
      // Under way is told, so that nothing is configured meanwhile.
      if (dut.under_way_q[PAIR] != '0) assert (busy);
      if (enabled)
        assert (dut.completions_log_q[PAIR] >= 4'd3 && dut.submissions_log_q[PAIR] != '0);
      // A doorbell is done with before the bus speaks again.
      assert (!(dut.bell_1_q && dut.bell_2_q));
      if (dut.bell_1_q) assert (quiet_q == 2'd3);
      if (dut.bell_2_q) assert (quiet_q == 2'd2);

      if (COMPLETIONS) begin
        if (enabled || busy) begin
          assert (17'(dut.room_q[PAIR]) + unwritten_q == free_q);
          assert (17'(untaken) == untaken_q);
          assert (free_q + untaken_q == ring);
          assert (free_q <= ring && unwritten_q <= free_q);
        end
        // What the induction stands on: a doorbell's measures stay true until they are used.
        if (bell && dut.bell_head_q) begin
          assert (dut.bell_index_q == given_back + dut.bell_step_q);
          assert (dut.bell_most_q <= untaken && dut.bell_least_q == '0);
        end
      end else begin
        if (enabled) assert (17'(waiting) <= submissions);
        if (bell && !dut.bell_head_q) begin
          assert (bell_passed <= dut.bell_least_q);
          assert (dut.bell_least_q - bell_passed == waiting);
          assert (17'(dut.bell_most_q) == submissions && 17'(dut.bell_least_q) <= submissions);
        end
      end
    end
  end

endmodule
