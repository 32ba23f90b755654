// The accelerator: a Vitis RTL kernel that reads an array of TCP descriptors and
// writes a verdict for each. This module only wires the parts; ports, arguments and
// registers are described in docs/registers.md.
//
//   m_axi_gmem0 -> axi_read_mover -> descriptor_gearbox -> check_pipeline
//                                                              |
//   m_axi_gmem1 <- axi_write_mover <------ verdict_packer <----+--> event_counters
//
//   s_axi_control -> axil_slave -> control_regs <-> run_control, policy_table
module tcp_validator
  import tcp_pkg::*;
#(
    parameter int unsigned DATA_WIDTH = 512  // 128, 256 or 512
) (
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

  localparam int unsigned LANES = lanes_for(DATA_WIDTH);
  localparam logic [2:0] AXI_SIZE = 3'($clog2(DATA_WIDTH / 8));
  localparam logic [1:0] AXI_INCR = 2'b01;
  localparam logic [3:0] AXI_CACHE = 4'b0011;  // normal, non-cacheable, bufferable

  if (DATA_WIDTH != 128 && DATA_WIDTH != 256 && DATA_WIDTH != 512) begin : g_bad_width
    $error("tcp_validator: DATA_WIDTH must be 128, 256 or 512");
  end

  // Control.
  logic reg_req, reg_write, reg_error;
  logic [11:2] reg_addr;
  logic [31:0] reg_wdata, reg_rdata;
  logic [3:0] reg_wstrb;

  axil_slave #(
      .ADDR_WIDTH(12)
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

  logic policy_access, policy_write;
  logic [3:0] policy_slot;
  logic [2:0] policy_word;
  logic [31:0] policy_rdata;
  logic counter_access;
  logic [4:0] counter_word;
  logic [31:0] counter_rdata;
  logic start, idle, done;
  logic [63:0] descriptors, verdicts;
  logic [31:0] count, options;
  status_e status;
  logic [63:0] fail_address;

  control_regs #(
      .DATA_WIDTH(DATA_WIDTH)
  ) i_regs (
      .clk_i           (ap_clk),
      .rst_ni          (ap_rst_n),
      .req_i           (reg_req),
      .write_i         (reg_write),
      .addr_i          (reg_addr),
      .wdata_i         (reg_wdata),
      .wstrb_i         (reg_wstrb),
      .rdata_o         (reg_rdata),
      .error_o         (reg_error),
      .policy_access_o (policy_access),
      .policy_write_o  (policy_write),
      .policy_slot_o   (policy_slot),
      .policy_word_o   (policy_word),
      .policy_rdata_i  (policy_rdata),
      .counter_access_o(counter_access),
      .counter_word_o  (counter_word),
      .counter_rdata_i (counter_rdata),
      .start_o         (start),
      .descriptors_o   (descriptors),
      .verdicts_o      (verdicts),
      .count_o         (count),
      .options_o       (options),
      .idle_i          (idle),
      .done_i          (done),
      .status_i        (status),
      .fail_address_i  (fail_address),
      .interrupt_o     (interrupt)
  );

  logic [3:0] run_slot;
  logic load_policy;
  policy_t run_policy;

  policy_table i_policies (
      .clk_i      (ap_clk),
      .rst_ni     (ap_rst_n),
      .access_i   (policy_access),
      .write_i    (policy_write),
      .slot_i     (policy_slot),
      .word_i     (policy_word),
      .wdata_i    (reg_wdata),
      .wstrb_i    (reg_wstrb),
      .rdata_o    (policy_rdata),
      .load_i     (load_policy),
      .load_slot_i(run_slot),
      .policy_o   (run_policy)
  );

  logic clear, launch;
  logic [63:0] read_address, write_address, read_fail_address, write_fail_address;
  logic [32:0] read_last_beat;
  logic [1:0] last_lanes;
  checksum_e checksum;
  logic wide, detail;
  logic read_busy, read_failed, read_waiting;
  logic write_finished, write_failed, write_waiting;

  run_control #(
      .DATA_WIDTH(DATA_WIDTH)
  ) i_run (
      .clk_i               (ap_clk),
      .rst_ni              (ap_rst_n),
      .start_i             (start),
      .descriptors_i       (descriptors),
      .verdicts_i          (verdicts),
      .count_i             (count),
      .options_i           (options),
      .idle_o              (idle),
      .done_o              (done),
      .status_o            (status),
      .fail_address_o      (fail_address),
      .load_policy_o       (load_policy),
      .policy_slot_o       (run_slot),
      .clear_o             (clear),
      .launch_o            (launch),
      .read_address_o      (read_address),
      .read_last_beat_o    (read_last_beat),
      .write_address_o     (write_address),
      .last_lanes_o        (last_lanes),
      .checksum_o          (checksum),
      .wide_o              (wide),
      .detail_o            (detail),
      .read_busy_i         (read_busy),
      .read_failed_i       (read_failed),
      .read_fail_address_i (read_fail_address),
      .write_finished_i    (write_finished),
      .write_failed_i      (write_failed),
      .write_fail_address_i(write_fail_address)
  );

  // The stream.
  logic beat_valid, beat_ready, beat_last, beat_void;
  logic [DATA_WIDTH-1:0] beat_data;

  axi_read_mover #(
      .DATA_WIDTH(DATA_WIDTH)
  ) i_read (
      .clk_i         (ap_clk),
      .rst_ni        (ap_rst_n),
      .start_i       (launch),
      .address_i     (read_address),
      .last_beat_i   (read_last_beat),
      .abort_i       (write_failed),
      .busy_o        (read_busy),
      .failed_o      (read_failed),
      .fail_address_o(read_fail_address),
      .waiting_o     (read_waiting),
      .araddr_o      (m_axi_gmem0_araddr),
      .arlen_o       (m_axi_gmem0_arlen),
      .arvalid_o     (m_axi_gmem0_arvalid),
      .arready_i     (m_axi_gmem0_arready),
      .rdata_i       (m_axi_gmem0_rdata),
      .rresp_i       (m_axi_gmem0_rresp),
      .rlast_i       (m_axi_gmem0_rlast),
      .rvalid_i      (m_axi_gmem0_rvalid),
      .rready_o      (m_axi_gmem0_rready),
      .beat_valid_o  (beat_valid),
      .beat_ready_i  (beat_ready),
      .beat_data_o   (beat_data),
      .beat_last_o   (beat_last),
      .beat_void_o   (beat_void)
  );

  logic cut_valid, cut_last, room;
  logic [LANES-1:0] cut_mask;
  logic [LANES-1:0][DESCRIPTOR_BITS-1:0] cut_descriptors;
  logic [1:0] cut_phase;

  descriptor_gearbox #(
      .DATA_WIDTH(DATA_WIDTH)
  ) i_gearbox (
      .clk_i        (ap_clk),
      .rst_ni       (ap_rst_n),
      .clear_i      (clear),
      .last_lanes_i (last_lanes),
      .beat_valid_i (beat_valid),
      .beat_ready_o (beat_ready),
      .beat_data_i  (beat_data),
      .beat_last_i  (beat_last),
      .beat_void_i  (beat_void),
      .valid_o      (cut_valid),
      .room_i       (room),
      .mask_o       (cut_mask),
      .descriptors_o(cut_descriptors),
      .phase_o      (cut_phase),
      .last_o       (cut_last)
  );

  logic checked_valid, checked_last;
  logic [LANES-1:0] checked_mask;
  result_t [LANES-1:0] results;
  logic [1:0] checked_phase;

  check_pipeline #(
      .LANES(LANES)
  ) i_check (
      .clk_i        (ap_clk),
      .rst_ni       (ap_rst_n),
      .clear_i      (clear),
      .policy_i     (run_policy),
      .checksum_i   (checksum),
      .wide_i       (wide),
      .valid_i      (cut_valid),
      .mask_i       (cut_mask),
      .descriptors_i(cut_descriptors),
      .phase_i      (cut_phase),
      .last_i       (cut_last),
      .valid_o      (checked_valid),
      .mask_o       (checked_mask),
      .results_o    (results),
      .phase_o      (checked_phase),
      .last_o       (checked_last)
  );

  event_counters #(
      .LANES(LANES)
  ) i_counters (
      .clk_i       (ap_clk),
      .rst_ni      (ap_rst_n),
      .mask_i      (checked_mask & {LANES{checked_valid}}),
      .results_i   (results),
      .active_i    (!idle),
      .read_wait_i (read_waiting),
      .write_wait_i(write_waiting),
      .access_i    (counter_access),
      .word_i      (counter_word),
      .rdata_o     (counter_rdata)
  );

  logic packed_valid, packed_last, packed_void;
  logic [  DATA_WIDTH-1:0] packed_data;
  logic [DATA_WIDTH/8-1:0] packed_strb;

  verdict_packer #(
      .DATA_WIDTH(DATA_WIDTH)
  ) i_packer (
      .clk_i    (ap_clk),
      .rst_ni   (ap_rst_n),
      .clear_i  (clear),
      .detail_i (detail),
      .valid_i  (checked_valid),
      .mask_i   (checked_mask),
      .results_i(results),
      .phase_i  (checked_phase),
      .last_i   (checked_last),
      .valid_o  (packed_valid),
      .data_o   (packed_data),
      .strb_o   (packed_strb),
      .last_o   (packed_last),
      .void_o   (packed_void)
  );

  axi_write_mover #(
      .DATA_WIDTH(DATA_WIDTH)
  ) i_write (
      .clk_i         (ap_clk),
      .rst_ni        (ap_rst_n),
      .start_i       (launch),
      .address_i     (write_address),
      .finished_o    (write_finished),
      .failed_o      (write_failed),
      .fail_address_o(write_fail_address),
      .waiting_o     (write_waiting),
      .beat_valid_i  (packed_valid),
      .beat_data_i   (packed_data),
      .beat_strb_i   (packed_strb),
      .beat_last_i   (packed_last),
      .beat_void_i   (packed_void),
      .room_o        (room),
      .awaddr_o      (m_axi_gmem1_awaddr),
      .awlen_o       (m_axi_gmem1_awlen),
      .awvalid_o     (m_axi_gmem1_awvalid),
      .awready_i     (m_axi_gmem1_awready),
      .wdata_o       (m_axi_gmem1_wdata),
      .wstrb_o       (m_axi_gmem1_wstrb),
      .wlast_o       (m_axi_gmem1_wlast),
      .wvalid_o      (m_axi_gmem1_wvalid),
      .wready_i      (m_axi_gmem1_wready),
      .bresp_i       (m_axi_gmem1_bresp),
      .bvalid_i      (m_axi_gmem1_bvalid),
      .bready_o      (m_axi_gmem1_bready)
  );

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
