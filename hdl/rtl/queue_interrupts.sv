// Interrupt moderation: a pair's pending bit rises when enough of its completions have
// been answered, or when enough time has passed since the first that has not been
// told. One timer serves all pairs, so a completion waits at most its period.
module queue_interrupts
  import queue_pkg::*;
(
    input logic clk_i,
    input logic rst_ni,

    input logic [ 7:0] count_i,  // 0 or 1: each write
    input logic [23:0] time_i,   // clocks; 0: each write

    input logic              done_i,        // completions written and answered
    input pair_t             pair_i,
    input logic  [      3:0] done_count_i,
    input logic  [PAIRS-1:0] started_i,
    input logic  [PAIRS-1:0] stopped_i,
    input logic  [PAIRS-1:0] clear_i,

    output logic [PAIRS-1:0] pending_o,
    output logic             rose_o
);

  // Completions of the clock before: responses come late in theirs. With how many before
  // them they are enough.
  logic done_q;
  pair_t pair_q;
  logic [3:0] done_count_q;
  logic [7:0] needed_q;
  wire each = count_i <= 8'd1 || time_i == '0;
  always_ff @(posedge clk_i) begin
    done_q <= done_i && rst_ni;
    pair_q <= pair_i;
    done_count_q <= done_count_i;
    needed_q <= each || count_i <= 8'(done_count_i) ? '0 : count_i - 8'(done_count_i);
  end

  logic [PAIRS-1:0] waiting_q, pending_q, set, rises_q;
  logic [PAIRS-1:0][7:0] since_q;
  logic [23:0] timer_q;
  logic expired_q;

  for (genvar p = 0; p < PAIRS; p++) begin : g_pair
    wire done = done_q && pair_q == pair_t'(p);
    wire enough = done && since_q[p] >= needed_q;
    assign set[p] = enough || stopped_i[p] || (expired_q && waiting_q[p]);

    always_ff @(posedge clk_i) begin
      if (clear_i[p]) pending_q[p] <= 1'b0;
      if (done) begin
        waiting_q[p] <= 1'b1;
        since_q[p]   <= since_q[p] + 8'(done_count_q);
      end
      if (set[p]) begin
        pending_q[p] <= 1'b1;
        // One that is done in the clock of the timer's end counts anew.
        waiting_q[p] <= done && !enough;
        since_q[p]   <= done && !enough ? {4'h0, done_count_q} : '0;
      end
      if (started_i[p]) begin
        pending_q[p] <= 1'b0;
        waiting_q[p] <= 1'b0;
        since_q[p]   <= '0;
      end
      if (!rst_ni) begin
        pending_q[p] <= 1'b0;
        waiting_q[p] <= 1'b0;
        since_q[p]   <= '0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    expired_q <= 1'b0;
    if (waiting_q == '0 || expired_q) timer_q <= 24'd1;
    else if (timer_q >= time_i) expired_q <= 1'b1;
    else timer_q <= timer_q + 24'd1;
    rises_q <= set & ~pending_q;
    rose_o  <= rises_q != '0;
    if (!rst_ni) begin
      expired_q <= 1'b0;
      rises_q <= '0;
      rose_o <= 1'b0;
    end
  end

  assign pending_o = pending_q;

endmodule
