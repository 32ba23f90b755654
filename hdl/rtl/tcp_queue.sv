// The queue: a Vitis RTL kernel that runs on, reads submissions from rings in host
// memory or takes them through the push window, and writes their completions. This
// module only wires the parts; docs/queue.md describes ports, rings and registers.
//
//   m_axi_gmem0 -> queue_fetch --+-> queue_check --> completion_writer -> m_axi_gmem1
//   s_axi_push -> axi_push_slave +     | ^                  |
//                                      | queue_policies     +-> queue_interrupts
//                                      +-> event_counters
//
//   s_axi_control -> axil_slave -> queue_regs <-> queue_pairs, which all of them ask
module tcp_queue
  import tcp_pkg::*;
  import queue_pkg::*;
(
    input  logic ap_clk,
    input  logic ap_rst_n,
    /* verilator lint_off SYMRSVDWORD */  // the name is the RTL kernel interface's
    output logic interrupt,
    /* verilator lint_on SYMRSVDWORD */

    input  logic [11:0] s_axi_control_awaddr,
    input  logic        s_axi_control_awvalid,
    output logic        s_axi_control_awready,
    input  logic [31:0] s_axi_control_wdata,
    input  logic [ 3:0] s_axi_control_wstrb,
    input  logic        s_axi_control_wvalid,
    output logic        s_axi_control_wready,
    output logic [ 1:0] s_axi_control_bresp,
    output logic        s_axi_control_bvalid,
    input  logic        s_axi_control_bready,
    input  logic [11:0] s_axi_control_araddr,
    input  logic        s_axi_control_arvalid,
    output logic        s_axi_control_arready,
    output logic [31:0] s_axi_control_rdata,
    output logic [ 1:0] s_axi_control_rresp,
    output logic        s_axi_control_rvalid,
    input  logic        s_axi_control_rready,

    input  logic [             3:0] s_axi_push_awid,
    input  logic [            15:0] s_axi_push_awaddr,
    input  logic                    s_axi_push_awvalid,
    output logic                    s_axi_push_awready,
    input  logic [  DATA_WIDTH-1:0] s_axi_push_wdata,
    input  logic [DATA_WIDTH/8-1:0] s_axi_push_wstrb,
    input  logic                    s_axi_push_wlast,
    input  logic                    s_axi_push_wvalid,
    output logic                    s_axi_push_wready,
    output logic [             3:0] s_axi_push_bid,
    output logic [             1:0] s_axi_push_bresp,
    output logic                    s_axi_push_bvalid,
    input  logic                    s_axi_push_bready,

    output logic [             0:0] m_axi_gmem0_arid,
    output logic [            63:0] m_axi_gmem0_araddr,
    output logic [             7:0] m_axi_gmem0_arlen,
    output logic [             2:0] m_axi_gmem0_arsize,
    output logic [             1:0] m_axi_gmem0_arburst,
    output logic [             0:0] m_axi_gmem0_arlock,
    output logic [             3:0] m_axi_gmem0_arcache,
    output logic [             2:0] m_axi_gmem0_arprot,
    output logic [             3:0] m_axi_gmem0_arqos,
    output logic                    m_axi_gmem0_arvalid,
    input  logic                    m_axi_gmem0_arready,
    input  logic [  DATA_WIDTH-1:0] m_axi_gmem0_rdata,
    input  logic [             1:0] m_axi_gmem0_rresp,
    input  logic                    m_axi_gmem0_rlast,
    input  logic                    m_axi_gmem0_rvalid,
    output logic                    m_axi_gmem0_rready,
    output logic [             0:0] m_axi_gmem0_awid,
    output logic [            63:0] m_axi_gmem0_awaddr,
    output logic [             7:0] m_axi_gmem0_awlen,
    output logic [             2:0] m_axi_gmem0_awsize,
    output logic [             1:0] m_axi_gmem0_awburst,
    output logic [             0:0] m_axi_gmem0_awlock,
    output logic [             3:0] m_axi_gmem0_awcache,
    output logic [             2:0] m_axi_gmem0_awprot,
    output logic [             3:0] m_axi_gmem0_awqos,
    output logic                    m_axi_gmem0_awvalid,
    output logic [  DATA_WIDTH-1:0] m_axi_gmem0_wdata,
    output logic [DATA_WIDTH/8-1:0] m_axi_gmem0_wstrb,
    output logic                    m_axi_gmem0_wlast,
    output logic                    m_axi_gmem0_wvalid,
    output logic                    m_axi_gmem0_bready,

    output logic [             0:0] m_axi_gmem1_awid,
    output logic [            63:0] m_axi_gmem1_awaddr,
    output logic [             7:0] m_axi_gmem1_awlen,
    output logic [             2:0] m_axi_gmem1_awsize,
    output logic [             1:0] m_axi_gmem1_awburst,
    output logic [             0:0] m_axi_gmem1_awlock,
    output logic [             3:0] m_axi_gmem1_awcache,
    output logic [             2:0] m_axi_gmem1_awprot,
    output logic [             3:0] m_axi_gmem1_awqos,
    output logic                    m_axi_gmem1_awvalid,
    input  logic                    m_axi_gmem1_awready,
    output logic [  DATA_WIDTH-1:0] m_axi_gmem1_wdata,
    output logic [DATA_WIDTH/8-1:0] m_axi_gmem1_wstrb,
    output logic                    m_axi_gmem1_wlast,
    output logic                    m_axi_gmem1_wvalid,
    input  logic                    m_axi_gmem1_wready,
    input  logic [             1:0] m_axi_gmem1_bresp,
    input  logic                    m_axi_gmem1_bvalid,
    output logic                    m_axi_gmem1_bready,
    output logic [             0:0] m_axi_gmem1_arid,
    output logic [            63:0] m_axi_gmem1_araddr,
    output logic [             7:0] m_axi_gmem1_arlen,
    output logic [             2:0] m_axi_gmem1_arsize,
    output logic [             1:0] m_axi_gmem1_arburst,
    output logic [             0:0] m_axi_gmem1_arlock,
    output logic [             3:0] m_axi_gmem1_arcache,
    output logic [             2:0] m_axi_gmem1_arprot,
    output logic [             3:0] m_axi_gmem1_arqos,
    output logic                    m_axi_gmem1_arvalid,
    output logic                    m_axi_gmem1_rready,

    // The halves that a one-way port never uses; there so that each port is a whole
    // AXI4 interface to tools that expect one.
    /* verilator lint_off UNUSEDSIGNAL */
    input logic [           7:0] s_axi_push_awlen,
    input logic [           2:0] s_axi_push_awsize,
    input logic [           1:0] s_axi_push_awburst,
    input logic [           0:0] m_axi_gmem0_rid,
    input logic                  m_axi_gmem0_awready,
    input logic                  m_axi_gmem0_wready,
    input logic [           0:0] m_axi_gmem0_bid,
    input logic [           1:0] m_axi_gmem0_bresp,
    input logic                  m_axi_gmem0_bvalid,
    input logic [           0:0] m_axi_gmem1_bid,
    input logic                  m_axi_gmem1_arready,
    input logic [           0:0] m_axi_gmem1_rid,
    input logic [DATA_WIDTH-1:0] m_axi_gmem1_rdata,
    input logic [           1:0] m_axi_gmem1_rresp,
    input logic                  m_axi_gmem1_rlast,
    input logic                  m_axi_gmem1_rvalid
    /* verilator lint_on UNUSEDSIGNAL */
);

  localparam logic [2:0] AXI_SIZE = 3'($clog2(DATA_WIDTH / 8));
  localparam logic [1:0] AXI_INCR = 2'b01;
  localparam logic [3:0] AXI_CACHE = 4'b0011;  // normal, non-cacheable, bufferable

  // Control.
  logic reg_req, reg_write, reg_error;
  logic [11:2] reg_addr;
  logic [31:0] reg_wdata, reg_rdata;
  logic [3:0] reg_wstrb;

  axil_slave #(
      .ADDR_WIDTH(12),
      .LATE(1'b1)
  ) i_slave (
      .clk_i    (ap_clk),
      .rst_ni   (ap_rst_n),
      .awaddr_i (s_axi_control_awaddr),
      .awvalid_i(s_axi_control_awvalid),
      .awready_o(s_axi_control_awready),
      .wdata_i  (s_axi_control_wdata),
      .wstrb_i  (s_axi_control_wstrb),
      .wvalid_i (s_axi_control_wvalid),
      .wready_o (s_axi_control_wready),
      .bresp_o  (s_axi_control_bresp),
      .bvalid_o (s_axi_control_bvalid),
      .bready_i (s_axi_control_bready),
      .araddr_i (s_axi_control_araddr),
      .arvalid_i(s_axi_control_arvalid),
      .arready_o(s_axi_control_arready),
      .rdata_o  (s_axi_control_rdata),
      .rresp_o  (s_axi_control_rresp),
      .rvalid_o (s_axi_control_rvalid),
      .rready_i (s_axi_control_rready),
      .req_o    (reg_req),
      .write_o  (reg_write),
      .addr_o   (reg_addr),
      .wdata_o  (reg_wdata),
      .wstrb_o  (reg_wstrb),
      .rdata_i  (reg_rdata),
      .error_i  (reg_error)
  );

  logic pair_access, pair_write, pair_error;
  pair_t pair;
  logic [3:0] pair_word;
  logic [31:0] pair_rdata;
  logic policy_access, policy_write, policy_swap;
  logic [3:0] policy_slot, version_slot;
  logic [ 2:0] policy_word;
  logic [31:0] policy_rdata;
  logic [ 7:0] policy_version;
  logic event_access, counter_access;
  logic [ 4:0] event_word;
  logic [31:0] event_rdata;
  logic [ 2:0] counter_word;
  logic [31:0] counter_rdata;
  logic doorbell, doorbell_head;
  pair_t doorbell_pair;
  index_t doorbell_index;
  logic [7:0] moderation_count;
  logic [23:0] moderation_time;
  logic [PAIRS-1:0] clear, pending;

  queue_regs i_regs (
      .clk_i             (ap_clk),
      .rst_ni            (ap_rst_n),
      .req_i             (reg_req),
      .write_i           (reg_write),
      .addr_i            (reg_addr),
      .wdata_i           (reg_wdata),
      .wstrb_i           (reg_wstrb),
      .rdata_o           (reg_rdata),
      .error_o           (reg_error),
      .pair_access_o     (pair_access),
      .pair_write_o      (pair_write),
      .pair_o            (pair),
      .pair_word_o       (pair_word),
      .pair_rdata_i      (pair_rdata),
      .pair_error_i      (pair_error),
      .policy_access_o   (policy_access),
      .policy_write_o    (policy_write),
      .policy_slot_o     (policy_slot),
      .policy_word_o     (policy_word),
      .policy_rdata_i    (policy_rdata),
      .version_slot_o    (version_slot),
      .policy_swap_o     (policy_swap),
      .policy_version_i  (policy_version),
      .event_access_o    (event_access),
      .event_word_o      (event_word),
      .event_rdata_i     (event_rdata),
      .counter_access_o  (counter_access),
      .counter_word_o    (counter_word),
      .counter_rdata_i   (counter_rdata),
      .doorbell_o        (doorbell),
      .doorbell_head_o   (doorbell_head),
      .doorbell_pair_o   (doorbell_pair),
      .doorbell_index_o  (doorbell_index),
      .moderation_count_o(moderation_count),
      .moderation_time_o (moderation_time),
      .clear_o           (clear),
      .pending_i         (pending),
      .interrupt_o       (interrupt)
  );

  // The pairs.
  logic [PAIRS-1:0] work, read_failed, started, stopped;
  pair_t fetch_pair, read_error_pair, push_pair, write_pair, done_pair;
  pair_t look_pair, push_next_pair;
  index_t fetch_head, fetch_tail, fetch_claimed, fetch_given_back, fetch_next_head;
  index_t look_tail, next_tail;
  logic [3:0] fetch_log, fetch_room_log, look_log;
  logic [63:0] fetch_base, look_base;
  logic fetch_load, fetch_enabled, fetch_disturbed, fetch_asks, fetch_alone, fetch_turn;
  logic fetch_may_claim, fetch_claim, fetch_more, fetch_restart, read_error;
  logic [5:0] fetch_count;
  logic push_waits, push_turn, push, push_next, push_torn, push_taken;
  logic write_failed, write_next, written;
  logic [LANES-1:0] push_mask;
  logic done, done_void, done_error, active;
  logic [3:0] done_count;

  queue_pairs i_pairs (
      .clk_i             (ap_clk),
      .rst_ni            (ap_rst_n),
      .access_i          (pair_access),
      .write_i           (pair_write),
      .access_pair_i     (pair),
      .word_i            (pair_word),
      .wdata_i           (reg_wdata),
      .rdata_o           (pair_rdata),
      .error_o           (pair_error),
      .doorbell_i        (doorbell),
      .doorbell_head_i   (doorbell_head),
      .doorbell_pair_i   (doorbell_pair),
      .doorbell_index_i  (doorbell_index),
      .work_o            (work),
      .fetch_pair_i      (fetch_pair),
      .fetch_load_i      (fetch_load),
      .fetch_head_o      (fetch_head),
      .fetch_tail_o      (fetch_tail),
      .fetch_claimed_o   (fetch_claimed),
      .fetch_given_back_o(fetch_given_back),
      .fetch_log_o       (fetch_log),
      .fetch_room_log_o  (fetch_room_log),
      .fetch_base_o      (fetch_base),
      .fetch_enabled_o   (fetch_enabled),
      .fetch_disturbed_o (fetch_disturbed),
      .fetch_asks_i      (fetch_asks),
      .fetch_alone_i     (fetch_alone),
      .fetch_turn_o      (fetch_turn),
      .fetch_may_claim_i (fetch_may_claim),
      .fetch_claim_i     (fetch_claim),
      .fetch_count_i     (fetch_count),
      .fetch_next_head_i (fetch_next_head),
      .fetch_more_i      (fetch_more),
      .restart_o         (fetch_restart),
      .read_error_i      (read_error),
      .read_error_pair_i (read_error_pair),
      .read_failed_o     (read_failed),
      .push_waits_i      (push_waits),
      .push_turn_o       (push_turn),
      .push_i            (push),
      .push_pair_i       (push_pair),
      .push_next_i       (push_next),
      .push_next_pair_i  (push_next_pair),
      .push_count_i      (lanes_in(push_mask)),
      .push_torn_i       (push_torn),
      .push_taken_o      (push_taken),
      .look_pair_i       (look_pair),
      .look_tail_o       (look_tail),
      .look_log_o        (look_log),
      .look_base_o       (look_base),
      .written_i         (written),
      .write_pair_i      (write_pair),
      .write_next_i      (write_next),
      .write_next_tail_i (next_tail),
      .write_failed_o    (write_failed),
      .done_i            (done),
      .done_pair_i       (done_pair),
      .done_count_i      (done_count),
      .done_error_i      (done_error),
      .started_o         (started),
      .stopped_o         (stopped),
      .active_o          (active)
  );

  // Submissions.
  logic ring_ready, ring_valid, ring_void;
  pair_t ring_pair;
  logic [LANES-1:0] ring_mask;
  logic [DATA_WIDTH-1:0] ring_data;

  queue_fetch i_fetch (
      .clk_i            (ap_clk),
      .rst_ni           (ap_rst_n),
      .work_i           (work),
      .pair_o           (fetch_pair),
      .load_o           (fetch_load),
      .head_i           (fetch_head),
      .tail_i           (fetch_tail),
      .claimed_i        (fetch_claimed),
      .given_back_i     (fetch_given_back),
      .log_i            (fetch_log),
      .room_log_i       (fetch_room_log),
      .base_i           (fetch_base),
      .enabled_i        (fetch_enabled),
      .disturbed_i      (fetch_disturbed),
      .asks_o           (fetch_asks),
      .alone_o          (fetch_alone),
      .turn_i           (fetch_turn),
      .may_claim_o      (fetch_may_claim),
      .claim_o          (fetch_claim),
      .count_o          (fetch_count),
      .next_head_o      (fetch_next_head),
      .more_o           (fetch_more),
      .restart_i        (fetch_restart),
      .read_error_o     (read_error),
      .read_error_pair_o(read_error_pair),
      .read_failed_i    (read_failed),
      .araddr_o         (m_axi_gmem0_araddr),
      .arlen_o          (m_axi_gmem0_arlen),
      .arvalid_o        (m_axi_gmem0_arvalid),
      .arready_i        (m_axi_gmem0_arready),
      .rdata_i          (m_axi_gmem0_rdata),
      .rresp_i          (m_axi_gmem0_rresp),
      .rlast_i          (m_axi_gmem0_rlast),
      .rvalid_i         (m_axi_gmem0_rvalid),
      .rready_o         (m_axi_gmem0_rready),
      .beat_valid_o     (ring_valid),
      .beat_ready_i     (ring_ready),
      .beat_pair_o      (ring_pair),
      .beat_mask_o      (ring_mask),
      .beat_void_o      (ring_void),
      .beat_data_o      (ring_data)
  );

  logic push_ready;
  logic [DATA_WIDTH-1:0] push_data;

  axi_push_slave #(
      .ID_WIDTH(4)
  ) i_push (
      .clk_i      (ap_clk),
      .rst_ni     (ap_rst_n),
      .awid_i     (s_axi_push_awid),
      .awaddr_i   (s_axi_push_awaddr),
      .awvalid_i  (s_axi_push_awvalid),
      .awready_o  (s_axi_push_awready),
      .wdata_i    (s_axi_push_wdata),
      .wstrb_i    (s_axi_push_wstrb),
      .wlast_i    (s_axi_push_wlast),
      .wvalid_i   (s_axi_push_wvalid),
      .wready_o   (s_axi_push_wready),
      .bid_o      (s_axi_push_bid),
      .bresp_o    (s_axi_push_bresp),
      .bvalid_o   (s_axi_push_bvalid),
      .bready_i   (s_axi_push_bready),
      .waits_o    (push_waits),
      .room_i     (push_ready && push_turn),
      .push_o     (push),
      .pair_o     (push_pair),
      .next_o     (push_next),
      .next_pair_o(push_next_pair),
      .mask_o     (push_mask),
      .torn_o     (push_torn),
      .data_o     (push_data),
      .taken_i    (push_taken)
  );

  logic [LANES-1:0][3:0] slots;
  policy_t [LANES-1:0] policies;
  logic [LANES-1:0][7:0] versions;

  queue_policies i_policies (
      .clk_i         (ap_clk),
      .rst_ni        (ap_rst_n),
      .access_i      (policy_access),
      .write_i       (policy_write),
      .slot_i        (policy_slot),
      .word_i        (policy_word),
      .wdata_i       (reg_wdata),
      .rdata_o       (policy_rdata),
      .version_slot_i(version_slot),
      .swap_i        (policy_swap),
      .version_o     (policy_version),
      .slots_i       (slots),
      .policies_o    (policies),
      .versions_o    (versions)
  );

  logic room, checked_valid, checked_void;
  pair_t checked_pair;
  logic [LANES-1:0] checked_mask, counted, refused;
  answer_t [LANES-1:0] answers;
  result_t [LANES-1:0] results;

  queue_check i_check (
      .clk_i         (ap_clk),
      .rst_ni        (ap_rst_n),
      .room_i        (room),
      .ring_ready_o  (ring_ready),
      .ring_waiting_i(m_axi_gmem0_rvalid),
      .ring_valid_i  (ring_valid),
      .ring_pair_i   (ring_pair),
      .ring_mask_i   (ring_mask),
      .ring_void_i   (ring_void),
      .ring_data_i   (ring_data),
      .push_ready_o  (push_ready),
      .push_waiting_i(s_axi_push_wvalid),
      .push_valid_i  (push && push_taken),
      .push_pair_i   (push_pair),
      .push_mask_i   (push_mask),
      .push_data_i   (push_data),
      .slots_o       (slots),
      .policies_i    (policies),
      .versions_i    (versions),
      .valid_o       (checked_valid),
      .pair_o        (checked_pair),
      .void_o        (checked_void),
      .mask_o        (checked_mask),
      .answers_o     (answers),
      .checked_o     (counted),
      .refused_o     (refused),
      .results_o     (results)
  );

  // Completions.
  logic write_waiting;

  completion_writer i_writer (
      .clk_i       (ap_clk),
      .rst_ni      (ap_rst_n),
      .room_o      (room),
      .valid_i     (checked_valid),
      .pair_i      (checked_pair),
      .void_i      (checked_void),
      .mask_i      (checked_mask),
      .answers_i   (answers),
      .look_pair_o (look_pair),
      .tail_i      (look_tail),
      .log_i       (look_log),
      .base_i      (look_base),
      .pair_o      (write_pair),
      .next_o      (write_next),
      .failed_i    (write_failed),
      .written_o   (written),
      .next_tail_o (next_tail),
      .done_o      (done),
      .done_pair_o (done_pair),
      .done_void_o (done_void),
      .done_count_o(done_count),
      .done_error_o(done_error),
      .awaddr_o    (m_axi_gmem1_awaddr),
      .awvalid_o   (m_axi_gmem1_awvalid),
      .awready_i   (m_axi_gmem1_awready),
      .wdata_o     (m_axi_gmem1_wdata),
      .wstrb_o     (m_axi_gmem1_wstrb),
      .wvalid_o    (m_axi_gmem1_wvalid),
      .wready_i    (m_axi_gmem1_wready),
      .bresp_i     (m_axi_gmem1_bresp),
      .bvalid_i    (m_axi_gmem1_bvalid),
      .bready_o    (m_axi_gmem1_bready),
      .waiting_o   (write_waiting)
  );

  wire  answered = done && !done_void && !done_error;
  logic pending_rose;

  queue_interrupts i_interrupts (
      .clk_i       (ap_clk),
      .rst_ni      (ap_rst_n),
      .count_i     (moderation_count),
      .time_i      (moderation_time),
      .done_i      (answered),
      .pair_i      (done_pair),
      .done_count_i(done_count),
      .started_i   (started),
      .stopped_i   (stopped),
      .clear_i     (clear),
      .pending_o   (pending),
      .rose_o      (pending_rose)
  );

  event_counters #(
      .LANES(LANES)
  ) i_events (
      .clk_i       (ap_clk),
      .rst_ni      (ap_rst_n),
      .mask_i      (counted),
      .results_i   (results),
      .active_i    (active),
      .read_wait_i (m_axi_gmem0_rready && !m_axi_gmem0_rvalid),
      .write_wait_i(write_waiting),
      .access_i    (event_access),
      .word_i      (event_word),
      .rdata_o     (event_rdata)
  );

  queue_counters i_counters (
      .clk_i      (ap_clk),
      .rst_ni     (ap_rst_n),
      .ring_i     (fetch_claim ? fetch_count : 6'd0),
      .push_i     (push && push_taken ? lanes_in(push_mask) : 2'd0),
      .refused_i  (push && !push_taken),
      .bad_i      (lanes_in(refused)),
      .answered_i (answered ? done_count : 4'd0),
      .write_i    (done && !done_void),
      .read_i     (fetch_claim),
      .interrupt_i(pending_rose),
      .access_i   (counter_access),
      .word_i     (counter_word),
      .rdata_o    (counter_rdata)
  );

  assign m_axi_gmem1_awlen = '0;
  assign m_axi_gmem1_wlast = 1'b1;

  // Constant parts of the AXI channels.
  assign m_axi_gmem0_arid = '0;
  assign m_axi_gmem0_arsize = AXI_SIZE;
  assign m_axi_gmem0_arburst = AXI_INCR;
  assign m_axi_gmem0_arlock = '0;
  assign m_axi_gmem0_arcache = AXI_CACHE;
  assign m_axi_gmem0_arprot = '0;
  assign m_axi_gmem0_arqos = '0;
  assign m_axi_gmem1_awid = '0;
  assign m_axi_gmem1_awsize = AXI_SIZE;
  assign m_axi_gmem1_awburst = AXI_INCR;
  assign m_axi_gmem1_awlock = '0;
  assign m_axi_gmem1_awcache = AXI_CACHE;
  assign m_axi_gmem1_awprot = '0;
  assign m_axi_gmem1_awqos = '0;

  assign m_axi_gmem0_awid = '0;
  assign m_axi_gmem0_awaddr = '0;
  assign m_axi_gmem0_awlen = '0;
  assign m_axi_gmem0_awsize = AXI_SIZE;
  assign m_axi_gmem0_awburst = AXI_INCR;
  assign m_axi_gmem0_awlock = '0;
  assign m_axi_gmem0_awcache = AXI_CACHE;
  assign m_axi_gmem0_awprot = '0;
  assign m_axi_gmem0_awqos = '0;
  assign m_axi_gmem0_awvalid = 1'b0;
  assign m_axi_gmem0_wdata = '0;
  assign m_axi_gmem0_wstrb = '0;
  assign m_axi_gmem0_wlast = 1'b0;
  assign m_axi_gmem0_wvalid = 1'b0;
  assign m_axi_gmem0_bready = 1'b0;
  assign m_axi_gmem1_arid = '0;
  assign m_axi_gmem1_araddr = '0;
  assign m_axi_gmem1_arlen = '0;
  assign m_axi_gmem1_arsize = AXI_SIZE;
  assign m_axi_gmem1_arburst = AXI_INCR;
  assign m_axi_gmem1_arlock = '0;
  assign m_axi_gmem1_arcache = AXI_CACHE;
  assign m_axi_gmem1_arprot = '0;
  assign m_axi_gmem1_arqos = '0;
  assign m_axi_gmem1_arvalid = 1'b0;
  assign m_axi_gmem1_rready = 1'b0;

endmodule
