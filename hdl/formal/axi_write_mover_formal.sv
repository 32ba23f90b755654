// axi_write_mover writes the beats that it was given, each once, in order and with its strobes, to
// consecutive places (properties/axi_write_master_properties.sv). Its room is enough. It is
// finished when all is written and answered; a failed burst is told by its address, and none
// starts after it. If memory answers, a run ends.
module axi_write_mover_formal #(
    parameter int unsigned DATA_WIDTH = 512
) (
    input logic                    clk_i,
    input logic                    rst_ni,
    input logic                    start_i,
    input logic [            63:0] address_i,
    input logic                    beat_valid_i,
    input logic [  DATA_WIDTH-1:0] beat_data_i,
    input logic [DATA_WIDTH/8-1:0] beat_strb_i,
    input logic                    beat_last_i,
    input logic                    beat_void_i,
    input logic                    awready_i,
    input logic                    wready_i,
    input logic [             1:0] bresp_i,
    input logic                    bvalid_i
);

  localparam int unsigned BEAT_SHIFT = $clog2(DATA_WIDTH / 8);
  localparam int unsigned PAGE = 12 - BEAT_SHIFT;
  localparam int unsigned PLACE = PAGE + 4;
  // What the lanes and the packer still give after room fell: half of the mover's slack.
  localparam int unsigned LATE = 2;

  logic finished, failed, waiting, room;
  logic [63:0] fail_address, awaddr;
  logic [7:0] awlen;
  logic awvalid, wlast, wvalid, bready;
  logic [  DATA_WIDTH-1:0] wdata;
  logic [DATA_WIDTH/8-1:0] wstrb;

  axi_write_mover #(
      .DATA_WIDTH(DATA_WIDTH)
  ) dut (
      .clk_i,
      .rst_ni,
      .start_i,
      .address_i,
      .finished_o    (finished),
      .failed_o      (failed),
      .fail_address_o(fail_address),
      .waiting_o     (waiting),
      .beat_valid_i,
      .beat_data_i,
      .beat_strb_i,
      .beat_last_i,
      .beat_void_i,
      .room_o        (room),
      .awaddr_o      (awaddr),
      .awlen_o       (awlen),
      .awvalid_o     (awvalid),
      .awready_i,
      .wdata_o       (wdata),
      .wstrb_o       (wstrb),
      .wlast_o       (wlast),
      .wvalid_o      (wvalid),
      .wready_i,
      .bresp_i,
      .bvalid_i,
      .bready_o      (bready)
  );

  // The stream that comes in.
  logic running_q = 1'b0;
  logic active_q, started_q, ended_q;
  logic [2:0] late_q;  // beats since room fell
  logic [PLACE-1:0] pushed_q, tag;  // places
  logic [DATA_WIDTH-1:0] data_q;
  logic [DATA_WIDTH/8-1:0] strb_q;
  wire push = beat_valid_i && !beat_void_i;

  logic [51:0] page;
  logic [PLACE-1:0] asked_place, given_place, asked, given, answered;
  axi_write_master_properties #(
      .DATA_WIDTH(DATA_WIDTH),
      .PLACE     (PLACE)
  ) i_properties (
      .clk_i,
      .rst_ni,
      .start_i,
      .address_i,
      .ended_i      (ended_q),
      .end_i        (pushed_q),
      .awaddr_i     (awaddr),
      .awlen_i      (awlen),
      .awvalid_i    (awvalid),
      .awready_i,
      .wdata_i      (wdata),
      .wstrb_i      (wstrb),
      .wlast_i      (wlast),
      .wvalid_i     (wvalid),
      .wready_i,
      .bresp_i,
      .bvalid_i,
      .bready_i     (bready),
      .page_o       (page),
      .asked_place_o(asked_place),
      .given_place_o(given_place),
      .asked_o      (asked),
      .given_o      (given),
      .answered_o   (answered)
  );

  logic failed_q, was_failed_q, was_awvalid_q;
  logic [63:0] fail_address_q, answer_address_q;
  // The stream has ended and nothing is offered to memory nor owed by it, but it is not finished.
  wire still = started_q && (ended_q || failed) && !finished && !awvalid && !wvalid &&
      !(answered < asked && answered < given);
  logic [2:0] still_q;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    tag <= tag;
    was_awvalid_q <= awvalid;
    was_failed_q <= failed;
    if (room) late_q <= '0;
    else if (push) late_q <= late_q + 3'd1;
    if (push) pushed_q <= pushed_q + 1'b1;
    if (push && pushed_q == tag) begin
      data_q <= beat_data_i;
      strb_q <= beat_strb_i;
    end
    if (beat_valid_i && beat_last_i) ended_q <= 1'b1;
    if (finished) active_q <= 1'b0;
    if (bvalid_i && bready) begin
      answer_address_q <= {answer_address_q[63:12] + 52'd1, 12'h0};
      if (bresp_i != 2'b00 && !failed_q) begin
        failed_q <= 1'b1;
        fail_address_q <= answer_address_q;
      end
    end
    if (still) still_q <= still_q + 3'd1;
    else still_q <= 3'd0;
    if (start_i) begin
      pushed_q <= PLACE'(address_i[11:BEAT_SHIFT]);
      ended_q <= 1'b0;
      failed_q <= 1'b0;
      active_q <= 1'b1;
      started_q <= 1'b1;
      answer_address_q <= address_i;
      late_q <= '0;
    end
    if (!rst_ni) begin
      active_q <= 1'b0;
      started_q <= 1'b0;
      ended_q <= 1'b1;
      failed_q <= 1'b0;
      still_q <= 3'd0;
      late_q <= '0;
      pushed_q <= '0;
    end
  end

  always_comb begin
    if (!running_q) assume (!rst_ni);
    assume (!(start_i && active_q));
    if (start_i) assume (address_i[BEAT_SHIFT-1:0] == '0 && !beat_valid_i);
    // The stream: nothing after its end, nothing void before it, and as late as it may be.
    if (ended_q || !started_q) assume (!beat_valid_i);
    assume (!(beat_valid_i && beat_void_i && !beat_last_i));
    assume (!(push && !room && late_q >= 3'(LATE)));
    assume (pushed_q[PLACE-1:PLACE-2] != '1);  // longer runs than a proof looks at

    if (running_q && rst_ni) begin
      if (wvalid && given_place == tag) assert (wdata == data_q && wstrb == strb_q);
      assert (given_place <= pushed_q);
      assert (dut.level <= (PAGE + 2)'(2 << PAGE));
      if (finished && started_q && !failed) begin
        assert (ended_q && given_place == pushed_q && asked_place == pushed_q);
        assert (asked == given && answered == asked);
      end
      if (finished) assert (!awvalid && !wvalid && asked == given && answered == asked);
      if (started_q && ended_q && asked_place == pushed_q && given_place == pushed_q &&
          answered == asked) begin
        assert (finished);
      end
      assert (failed == failed_q);
      if (failed) assert (fail_address == fail_address_q);
      // One may have been decided on in the clock of the failure.
      if (was_failed_q && failed && awvalid) assert (was_awvalid_q);
      assert (still_q <= 3'd4);
    end
  end

endmodule
