// queue_interrupts: a pair's pending bit rises for what was done in that pair alone, and for all of
// it: at once where there is no moderation, else as soon as enough is done, and no later than two
// clocks past the time that is set. A bit that rises is told in `rose_o`, in the clock after.
//
// `pair` is any pair, so what holds for it holds for all.
module queue_interrupts_formal
  import queue_pkg::*;
(
    input logic              clk_i,
    input logic              rst_ni,
    input logic  [      7:0] count_i,
    input logic  [     23:0] time_i,
    input logic              done_i,
    input pair_t             pair_i,
    input logic  [      3:0] done_count_i,
    input logic  [PAIRS-1:0] started_i,
    input logic  [PAIRS-1:0] stopped_i,
    input logic  [PAIRS-1:0] clear_i
);

  logic [PAIRS-1:0] pending;
  logic rose;

  queue_interrupts dut (
      .clk_i,
      .rst_ni,
      .count_i,
      .time_i,
      .done_i,
      .pair_i,
      .done_count_i,
      .started_i,
      .stopped_i,
      .clear_i,
      .pending_o(pending),
      .rose_o   (rose)
  );

  pair_t pair;
  wire now = pending[pair];
  // A completion counts from the clock after its response on.
  logic done_q;
  pair_t pair_q;
  logic [3:0] done_count_q;
  wire done = done_q && pair_q == pair;
  // By the registers of that clock.
  logic [7:0] enough_q;
  logic [23:0] time_q;
  wire at_once = enough_q <= 8'd1 || time_q == '0;

  // What was done and not told: the bit has not been 1 since. `age_q` is the oldest's, in clocks.
  logic untold_q;
  logic [8:0] count_q;
  logic [24:0] age_q;
  wire untold = untold_q && !now;
  wire [8:0] count = now ? 9'd0 : count_q;
  wire enough = done && (at_once || count + 9'(done_count_q) >= {1'b0, enough_q});
  // Done since the bit rose last, which may have told of what was done two clocks before.
  logic recent_q, was_done_q;
  logic steady_q;  // the time was never changed

  logic running_q = 1'b0;
  logic was_now_q, was_clear_q, was_started_q, was_stopped_q, was_enough_q;
  logic [PAIRS-1:0] was_pending_q, was_all_started_q, was_risen_q, were_all_started_q;
  wire [PAIRS-1:0] risen = pending & ~was_pending_q;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    pair <= pair;
    done_q <= done_i && rst_ni;
    pair_q <= pair_i;
    done_count_q <= done_count_i;
    enough_q <= count_i;
    time_q <= time_i;
    if (time_i != time_q) steady_q <= 1'b0;
    untold_q <= untold || done;
    count_q <= count + (done ? 9'(done_count_q) : 9'd0);
    age_q <= untold ? age_q + 25'd1 : 25'd0;
    recent_q <= done || (recent_q && !(now && !was_now_q && !was_done_q));
    was_done_q <= done;
    was_now_q <= now;
    was_clear_q <= clear_i[pair];
    was_started_q <= started_i[pair];
    was_stopped_q <= stopped_i[pair];
    was_enough_q <= enough;
    was_pending_q <= pending;
    was_all_started_q <= started_i;
    were_all_started_q <= was_all_started_q;
    was_risen_q <= risen;
    if (started_i[pair] || !rst_ni) begin
      untold_q <= 1'b0;
      count_q <= '0;
      recent_q <= 1'b0;
      was_done_q <= 1'b0;
    end
    if (!rst_ni) begin
      was_now_q <= 1'b0;
      was_clear_q <= 1'b0;
      was_started_q <= 1'b0;
      was_stopped_q <= 1'b0;
      was_enough_q <= 1'b0;
      was_pending_q <= '0;
      was_all_started_q <= '0;
      were_all_started_q <= '0;
      was_risen_q <= '0;
      steady_q <= 1'b1;
      time_q <= time_i;
    end
  end

  always_comb begin
    if (!running_q) assume (!rst_ni);

    if (running_q && rst_ni) begin
      if (was_started_q)
        assert (!now);
        else if (was_stopped_q || was_enough_q) assert (now);
      if (now && !was_now_q) assert (was_stopped_q || recent_q);
      if (!now && was_now_q) assert (was_clear_q || was_started_q);
      if (now && was_now_q && was_clear_q) assert (was_stopped_q || recent_q);
      if (steady_q && untold) assert (age_q <= 25'(time_i) + 25'd1 || time_i != time_q);
      if (was_risen_q != '0) assert (rose);
      if (rose) assert (was_risen_q != '0 || were_all_started_q != '0);

      // What the induction stands on.
      assert (dut.done_q == done_q && dut.pair_q == pair_q && dut.done_count_q == done_count_q);
      assert ((risen & ~dut.rises_q) == '0);
      assert ((dut.rises_q & ~(risen | was_all_started_q)) == '0);
      if (untold) assert (dut.waiting_q[pair] && count_q <= {1'b0, dut.since_q[pair]});
      if (dut.waiting_q[pair]) assert (recent_q);
      if (!untold) assert (count == '0);
      if (steady_q && dut.waiting_q != '0) assert (dut.timer_q <= time_q || time_q == '0);
      if (steady_q && time_q == '0) assert (dut.waiting_q == '0);
      if (steady_q && untold) assert (age_q + 25'd1 <= 25'(dut.timer_q) + 25'(dut.expired_q));
    end
  end

endmodule
