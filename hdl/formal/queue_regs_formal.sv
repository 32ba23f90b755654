// queue_regs against docs/queue.md: what each register of its own reads and takes; that everything
// else goes to whom it belongs, as a whole or not at all; and that each answer comes in the clock
// after the next, when axil_slave looks at it.
module queue_regs_formal
  import queue_pkg::*;
(
    input logic             clk_i,
    input logic             rst_ni,
    input logic             req_i,
    input logic             write_i,
    input logic [     11:2] addr_i,
    input logic [     31:0] wdata_i,
    input logic [      3:0] wstrb_i,
    input logic [     31:0] pair_rdata_i,
    input logic             pair_error_i,
    input logic [     31:0] policy_rdata_i,
    input logic [      7:0] policy_version_i,
    input logic [     31:0] event_rdata_i,
    input logic [     31:0] counter_rdata_i,
    input logic [PAIRS-1:0] pending_i
);

  logic [31:0] rdata;
  logic error, pair_access, pair_write, policy_access, policy_write, policy_swap;
  logic event_access, counter_access, doorbell, doorbell_head, interrupt;
  pair_t pair, doorbell_pair;
  logic [3:0] pair_word, policy_slot, version_slot;
  logic [2:0] policy_word, counter_word;
  logic [4:0] event_word;
  index_t doorbell_index;
  logic [7:0] moderation_count;
  logic [23:0] moderation_time;
  logic [PAIRS-1:0] clear;

  queue_regs dut (
      .clk_i,
      .rst_ni,
      .req_i,
      .write_i,
      .addr_i,
      .wdata_i,
      .wstrb_i,
      .rdata_o           (rdata),
      .error_o           (error),
      .pair_access_o     (pair_access),
      .pair_write_o      (pair_write),
      .pair_o            (pair),
      .pair_word_o       (pair_word),
      .pair_rdata_i,
      .pair_error_i,
      .policy_access_o   (policy_access),
      .policy_write_o    (policy_write),
      .policy_slot_o     (policy_slot),
      .policy_word_o     (policy_word),
      .policy_rdata_i,
      .version_slot_o    (version_slot),
      .policy_swap_o     (policy_swap),
      .policy_version_i,
      .event_access_o    (event_access),
      .event_word_o      (event_word),
      .event_rdata_i,
      .counter_access_o  (counter_access),
      .counter_word_o    (counter_word),
      .counter_rdata_i,
      .doorbell_o        (doorbell),
      .doorbell_head_o   (doorbell_head),
      .doorbell_pair_o   (doorbell_pair),
      .doorbell_index_o  (doorbell_index),
      .moderation_count_o(moderation_count),
      .moderation_time_o (moderation_time),
      .clear_o           (clear),
      .pending_i,
      .interrupt_o       (interrupt)
  );

  wire [11:0] at = {addr_i, 2'b00};
  wire torn = write_i && wstrb_i != 4'hF;
  wire write = req_i && write_i && !torn;
  wire in_events = at >= 12'h100 && at < 12'h180;
  wire in_counters = at >= 12'h180 && at < 12'h1A0;
  wire in_policies = at >= 12'h400 && at < 12'h600;
  wire in_versions = at >= 12'h600 && at < 12'h640;
  wire in_doorbells = at >= 12'h700 && at < 12'h780;
  wire in_pairs = at >= 12'h800 && at < 12'hC00;

  // The registers, as they were written last.
  logic global_q;
  logic [15:0] enable_q;
  logic [31:0] moderation_q;
  logic [31:0] holds;
  always_comb begin
    case (at)
      12'h004: holds = {31'h0, global_q};
      12'h008: holds = {16'h0, enable_q};
      12'h00C: holds = {16'h0, pending_i};
      12'h010: holds = moderation_q;
      12'h0F0: holds = "QPCT";  // "TCPQ" in memory
      12'h0F4: holds = 32'd1;
      12'h0F8: holds = 32'd512;
      12'h0FC: holds = 32'd16;
      default: holds = in_versions ? {24'h0, policy_version_i} : 32'd0;
    endcase
  end

  // An access and its answers, one and two clocks later.
  typedef struct packed {
    logic req;
    logic torn;
    logic pair;
    logic policy;
    logic events;
    logic counters;
    logic [31:0] holds;
  } access_t;
  access_t first_q, second_q;
  logic [31:0] answer_q;  // of a module that answers in the next clock
  logic pair_error_q;
  logic running_q = 1'b0;
  logic interrupt_q;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    if (write && at == 12'h004) global_q <= wdata_i[0];
    if (write && at == 12'h008) enable_q <= wdata_i[15:0];
    if (write && at == 12'h010) moderation_q <= wdata_i;
    interrupt_q <= global_q && (pending_i & enable_q) != '0;
    first_q <= '{
        req: req_i,
        torn: torn,
        pair: in_pairs && !torn,
        policy: in_policies && !torn,
        events: in_events,
        counters: in_counters,
        holds: holds
    };
    second_q <= first_q;
    answer_q <= pair_rdata_i | event_rdata_i | counter_rdata_i;
    pair_error_q <= pair_error_i;
    if (!rst_ni) begin
      global_q <= 1'b0;
      enable_q <= '0;
      moderation_q <= '0;
      interrupt_q <= 1'b0;
      first_q.req <= 1'b0;
      second_q.req <= 1'b0;
    end
  end

  always_comb begin
    if (!running_q) assume (!rst_ni);
    if (running_q) begin
      // axil_slave's accesses are five clocks apart.
      if (first_q.req || second_q.req) assume (!req_i);
      // The other modules answer their accesses alone; all of them say 0 otherwise.
      if (!(first_q.req && first_q.pair)) assume (pair_rdata_i == '0 && !pair_error_i);
      if (!(first_q.req && first_q.events)) assume (event_rdata_i == '0);
      if (!(first_q.req && first_q.counters)) assume (counter_rdata_i == '0);
      if (!(second_q.req && second_q.policy)) assume (policy_rdata_i == '0);
    end

    if (running_q && rst_ni) begin
      if (second_q.req) begin
        if (second_q.policy)
          assert (rdata == policy_rdata_i);
          else if (second_q.pair || second_q.events || second_q.counters) begin
            assert (rdata == answer_q);
          end else assert (rdata == second_q.holds);
        assert (error == (second_q.torn || pair_error_q));
      end

      // Who is asked, and for what.
      assert (pair_access == (req_i && in_pairs && !torn) && pair_write == (write && in_pairs));
      if (pair_access) assert ({pair, pair_word} == addr_i[9:2]);
      assert (policy_access == (req_i && in_policies && !torn));
      assert (policy_write == (write && in_policies));
      if (policy_access) assert ({policy_slot, policy_word} == addr_i[8:2]);
      assert (policy_swap == (write && in_versions));
      if (in_versions) assert (version_slot == addr_i[5:2]);
      assert (event_access == (req_i && in_events) && counter_access == (req_i && in_counters));
      if (event_access) assert (event_word == addr_i[6:2]);
      if (counter_access) assert (counter_word == addr_i[4:2]);
      assert (doorbell == (write && in_doorbells));
      if (doorbell) begin
        assert ({doorbell_pair, doorbell_head} == addr_i[6:2]);
        assert (doorbell_index == wdata_i[15:0]);
      end
      assert (clear == (write && at == 12'h00C ? wdata_i[15:0] : 16'h0));
      assert ({moderation_time, moderation_count} == moderation_q);
      assert (interrupt == interrupt_q);

      // What the induction stands on.
      assert (dut.global_enable_q == global_q && dut.enable_q == enable_q);
      if (first_q.req) begin
        assert (dut.rdata_q == first_q.holds && dut.torn_q == first_q.torn);
        if (first_q.pair || first_q.events || first_q.counters || first_q.policy) begin
          assert (first_q.holds == '0);
        end
        assert ($onehot0({first_q.pair, first_q.policy, first_q.events, first_q.counters}));
      end
    end
  end

endmodule
