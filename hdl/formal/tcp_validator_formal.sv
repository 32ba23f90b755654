// tcp_validator as a whole, from a start to the end of its run: it reads just its descriptors and
// writes just its verdicts by the rules of AXI4, the result of descriptor i to place i, each byte
// once; it says how the run ended, and if memory answers, the run ends.
//
// The host's side is free: reference/free/control_regs.sv starts a run of any arguments. Results are
// bytes of the descriptor (reference/plain/check_lane.sv), so that it shows whose they are.
// `tag` is any descriptor of the run, so what holds for it holds for all.
module tcp_validator_formal
  import tcp_pkg::*;
#(
    parameter int unsigned DATA_WIDTH = 128,
    parameter int unsigned COUNT      = 3     // at most
) (
    input logic                  clk_i,
    input logic                  rst_ni,
    input logic                  arready_i,
    input logic [DATA_WIDTH-1:0] rdata_i,
    input logic [           1:0] rresp_i,
    input logic                  rlast_i,
    input logic                  rvalid_i,
    input logic                  awready_i,
    input logic                  wready_i,
    input logic [           1:0] bresp_i,
    input logic                  bvalid_i
);

  localparam int unsigned BYTES = DATA_WIDTH / 8;
  localparam int unsigned BEAT_SHIFT = $clog2(BYTES);
  localparam int unsigned PAGE = 12 - BEAT_SHIFT;
  localparam int unsigned PLACE = PAGE + 2;
  localparam int unsigned RANGE = PLACE - 1;  // a range's beats, log 2
  localparam int unsigned STILL = 16;

  logic [63:0] araddr, awaddr;
  logic [7:0] arlen, awlen;
  logic arvalid, rready, awvalid, wvalid, wlast, bready;
  logic [2:0] arsize, awsize;
  logic [1:0] arburst, awburst;
  logic [DATA_WIDTH-1:0] wdata;
  logic [BYTES-1:0] wstrb;
  logic other_awvalid, other_wvalid, other_arvalid;

  /* verilator lint_off PINMISSING */
  tcp_validator #(
      .DATA_WIDTH(DATA_WIDTH)
  ) dut (
      .ap_clk               (clk_i),
      .ap_rst_n             (rst_ni),
      .s_axi_control_awvalid(1'b0),
      .s_axi_control_wvalid (1'b0),
      .s_axi_control_bready (1'b0),
      .s_axi_control_arvalid(1'b0),
      .s_axi_control_rready (1'b0),
      .m_axi_gmem0_araddr   (araddr),
      .m_axi_gmem0_arlen    (arlen),
      .m_axi_gmem0_arsize   (arsize),
      .m_axi_gmem0_arburst  (arburst),
      .m_axi_gmem0_arvalid  (arvalid),
      .m_axi_gmem0_arready  (arready_i),
      .m_axi_gmem0_rdata    (rdata_i),
      .m_axi_gmem0_rresp    (rresp_i),
      .m_axi_gmem0_rlast    (rlast_i),
      .m_axi_gmem0_rvalid   (rvalid_i),
      .m_axi_gmem0_rready   (rready),
      .m_axi_gmem0_awvalid  (other_awvalid),
      .m_axi_gmem0_wvalid   (other_wvalid),
      .m_axi_gmem1_arvalid  (other_arvalid),
      .m_axi_gmem1_awaddr   (awaddr),
      .m_axi_gmem1_awlen    (awlen),
      .m_axi_gmem1_awsize   (awsize),
      .m_axi_gmem1_awburst  (awburst),
      .m_axi_gmem1_awvalid  (awvalid),
      .m_axi_gmem1_awready  (awready_i),
      .m_axi_gmem1_wdata    (wdata),
      .m_axi_gmem1_wstrb    (wstrb),
      .m_axi_gmem1_wlast    (wlast),
      .m_axi_gmem1_wvalid   (wvalid),
      .m_axi_gmem1_wready   (wready_i),
      .m_axi_gmem1_bresp    (bresp_i),
      .m_axi_gmem1_bvalid   (bvalid_i),
      .m_axi_gmem1_bready   (bready)
  );
  /* verilator lint_on PINMISSING */

  // The run's arguments, any.
  logic [63:0] descriptors, verdicts;
  logic [31:0] options;
  logic [2:0] count;
  wire detail = options[3];
  wire refused = options[31:8] != '0 || options[1:0] == 2'd3 || descriptors[5:0] != '0 ||
      verdicts[5:0] != '0;
  // The bytes of both ranges, from the first on, and their last beats.
  localparam int unsigned BYTE = 8;
  wire [ BYTE-1:0] read_bytes = BYTE'(count) * BYTE'(24);
  wire [ BYTE-1:0] write_bytes = detail ? BYTE'(count) << 2 : BYTE'(count);
  wire [ BYTE-1:0] read_last = (read_bytes - BYTE'(1)) >> BEAT_SHIFT;
  wire [ BYTE-1:0] write_end = (write_bytes + BYTE'(BYTES - 1)) >> BEAT_SHIFT;
  wire [PLACE-1:0] read_first = PLACE'(descriptors[11:BEAT_SHIFT]);
  wire [PLACE-1:0] write_first = PLACE'(verdicts[11:BEAT_SHIFT]);

  logic running_q = 1'b0, begun_q, done_q;
  logic launched_q, read_failed_q, write_failed_q;
  wire launch = dut.launch;

  logic [51:0] read_page, write_page;
  logic [RANGE:0] read_end, read_asked, read_taken;
  axi_read_master_properties #(
      .DATA_WIDTH (DATA_WIDTH),
      .COUNT_WIDTH(RANGE)
  ) i_read_properties (
      .clk_i,
      .rst_ni,
      .start_i      (launch),
      .address_i    (descriptors),
      .last_beat_i  (RANGE'(read_last)),
      .araddr_i     (araddr),
      .arlen_i      (arlen),
      .arvalid_i    (arvalid),
      .arready_i,
      .rdata_i,
      .rresp_i,
      .rlast_i,
      .rvalid_i,
      .rready_i     (rready),
      .page_o       (read_page),
      .end_o        (read_end),
      .asked_place_o(read_asked),
      .taken_place_o(read_taken)
  );

  logic [PLACE-1:0] write_asked, write_given, asked, given, answered;
  axi_write_master_properties #(
      .DATA_WIDTH(DATA_WIDTH),
      .PLACE     (PLACE)
  ) i_write_properties (
      .clk_i,
      .rst_ni,
      .start_i(launch),
      .address_i(verdicts),
      .ended_i(1'b1),
      // After a failed read the range ends where its results do, which is proved of the mover.
      .end_i        (read_failed_q && awvalid ? write_asked + PLACE'(awlen) + 1'b1 :
                     write_first + PLACE'(write_end)),
      .awaddr_i(awaddr),
      .awlen_i(awlen),
      .awvalid_i(awvalid),
      .awready_i,
      .wdata_i(wdata),
      .wstrb_i(wstrb),
      .wlast_i(wlast),
      .wvalid_i(wvalid),
      .wready_i,
      .bresp_i,
      .bvalid_i,
      .bready_i(bready),
      .page_o(write_page),
      .asked_place_o(write_asked),
      .given_place_o(write_given),
      .asked_o(asked),
      .given_o(given),
      .answered_o(answered)
  );

  // The bytes of descriptor `tag` that are its result: the first, and the last two.
  logic [2:0] tag;
  logic [BYTE-1:0] first_byte, high_byte;
  assign first_byte = BYTE'(tag) * BYTE'(24);
  assign high_byte  = first_byte + BYTE'(22);
  logic [7:0] verdict_q;
  logic [15:0] flags_q;
  wire [PLACE-1:0] read_place = read_taken - read_first;
  wire [PLACE-1:0] write_place = write_given - write_first;
  wire [BYTE-1:0] result_byte = detail ? BYTE'(tag) << 2 : BYTE'(tag);

  // Memory has nothing to accept, and what it owes it offers; the run goes on.
  wire still = begun_q && !arvalid && (read_asked == read_taken || (rvalid_i && !rready)) &&
      !awvalid && !wvalid && (asked == answered || (bvalid_i && !bready));
  logic [4:0] still_q;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    descriptors <= descriptors;
    verdicts <= verdicts;
    options <= options;
    count <= count;
    tag <= tag;
    if (dut.start && dut.idle) begun_q <= 1'b1;
    if (dut.done) begin
      begun_q <= 1'b0;
      done_q  <= 1'b1;
    end
    if (launch) launched_q <= 1'b1;
    if (rvalid_i && rready) begin
      if (rresp_i != 2'b00) read_failed_q <= 1'b1;
      if (read_place == PLACE'(first_byte >> BEAT_SHIFT)) begin
        verdict_q <= rdata_i[8*first_byte[BEAT_SHIFT-1:0]+:8];
      end
      if (read_place == PLACE'(high_byte >> BEAT_SHIFT)) begin
        flags_q <= rdata_i[8*high_byte[BEAT_SHIFT-1:0]+:16];
      end
    end
    if (bvalid_i && bready && bresp_i != 2'b00) write_failed_q <= 1'b1;
    still_q <= still ? still_q + 5'd1 : 5'd0;
    if (!rst_ni) begin
      begun_q <= 1'b0;
      done_q <= 1'b0;
      launched_q <= 1'b0;
      read_failed_q <= 1'b0;
      write_failed_q <= 1'b0;
      still_q <= '0;
    end
  end

  always_comb begin
    assume (rst_ni == running_q);
    assume (count <= 3'(COUNT) && tag < count);
    // One run, at once, of these arguments; its start stays until it is done.
    assume (dut.start == (running_q && !done_q));
    assume (dut.descriptors == descriptors && dut.verdicts == verdicts);
    assume (dut.count == 32'(count) && dut.options == options);

    if (running_q) begin
      // The constant parts of the channels, and the halves that are not used.
      assert (32'(1) << arsize == BYTES && 32'(1) << awsize == BYTES);
      assert (arburst == 2'b01 && awburst == 2'b01);
      assert (!other_awvalid && !other_wvalid && !other_arvalid);
      if (arvalid || awvalid || wvalid) assert (launched_q);
      if (launch) assert (!refused && count != '0 && !launched_q);

      if (wvalid) begin
        assert (wstrb != '0);
        for (int unsigned b = 0; b < BYTES; b++) begin
          // Just the range's bytes.
          if (wstrb[b]) assert ((PLACE + 4)'(write_place) * BYTES + b < (PLACE + 4)'(write_bytes));
          if (!wstrb[b] && !read_failed_q) begin
            assert ((PLACE + 4)'(write_place) * BYTES + b >= (PLACE + 4)'(write_bytes));
          end
          // With the right descriptor's result.
          if (wstrb[b] && write_place == PLACE'(result_byte >> BEAT_SHIFT)) begin
            if (b == 32'(result_byte[BEAT_SHIFT-1:0])) assert (wdata[8*b+:8] == verdict_q);
            if (detail && b == 32'(result_byte[BEAT_SHIFT-1:0]) + 2) begin
              assert (wdata[8*b+:8] == flags_q[7:0]);
            end
            if (detail && b == 32'(result_byte[BEAT_SHIFT-1:0]) + 3) begin
              assert (wdata[8*b+:8] == flags_q[15:8]);
            end
          end
        end
      end

      if (dut.done) begin
        assert (begun_q && !arvalid && !awvalid && !wvalid);
        assert (read_asked == read_taken && asked == answered && asked == given);
        if (dut.status == STATUS_OK) begin
          assert (!refused && !read_failed_q && !write_failed_q);
          if (count != '0) begin
            assert (read_taken == read_end + 1'b1);
            assert (write_given == write_first + PLACE'(write_end));
          end
        end
        if (refused)
          assert (dut.status inside {STATUS_BAD_OPTIONS, STATUS_MISALIGNED});
          else if (read_failed_q || write_failed_q) begin
            assert (dut.status == STATUS_READ_ERROR && read_failed_q ||
                  dut.status == STATUS_WRITE_ERROR && write_failed_q);
          end else assert (dut.status == STATUS_OK);
      end
      assert (still_q <= 5'(STILL));
    end
  end

endmodule
