// axi_write_mover writes the beats that it was given, each once, in order and with its strobes, to
// consecutive places (properties/axi_write_master_properties.sv). Its room is enough. It is
// finished when all is written and answered; a failed burst is told by its address, and none
// starts after it. If memory answers, a run ends.
module axi_write_mover_formal #(
    parameter int unsigned DATA_WIDTH = 512,
    parameter bit PROVE = 1'b0  // with what an induction stands on
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

  // What the induction stands on. Burst number k is what lies in page k of the range; `cuts_q` were
  // cut, `sends_q` of them sent.
  if (PROVE) begin : g_prove
    logic [PLACE-1:0] first_q, cuts_q, sends_q;
    always_ff @(posedge clk_i) begin
      if (dut.cut) cuts_q <= cuts_q + 1'b1;
      if (dut.send) sends_q <= sends_q + 1'b1;
      if (start_i) first_q <= PLACE'(address_i[11:BEAT_SHIFT]);
      if (start_i || !rst_ni) begin
        cuts_q  <= '0;
        sends_q <= '0;
      end
      if (!rst_ni) first_q <= '0;
    end

    // The place where a burst begins, which is where the one before stops.
    function automatic logic [PLACE-1:0] begin_of(input logic [PLACE-1:0] number);
      if (number == '0) begin_of = first_q;
      else if (ended_q && number == cuts_q) begin_of = pushed_q;
      else begin_of = number << PAGE;
    endfunction
    function automatic logic [7:0] length_of(input logic [PLACE-1:0] number);  // less one
      length_of = 8'(begin_of(number + 1'b1) - begin_of(number) - 1'b1);
    endfunction
    wire [PLACE-1:0] sent_end = begin_of(sends_q);
    wire [PLACE-1:0] asked_end = begin_of(asked);
    wire beats_shown = dut.i_beats.valid_q, bursts_shown = dut.i_bursts.valid_q;
    wire [PAGE:0] tag_index = (PAGE + 1)'(tag - first_q);

    always_comb begin
      if (running_q && rst_ni) begin
        assert (first_q[PLACE-1:PAGE] == '0 && first_q <= pushed_q);
        assert (active_q || finished || !started_q);
        if (!started_q) assert (ended_q && cuts_q == '0 && pushed_q == first_q && !failed_q);
        if (!started_q) assert (!active_q);
        if (started_q) begin
          assert (dut.ended_q == ended_q);
          assert (page == i_properties.page_o);
        end
        // Cutting.
        if (!ended_q) begin
          assert (dut.place_q == pushed_q[PAGE-1:0]);
          assert (cuts_q == pushed_q >> PAGE);
          assert (dut.uncut_q == PAGE'(pushed_q - (cuts_q == '0 ? first_q : cuts_q << PAGE)));
        end else if (pushed_q == first_q)
          assert (cuts_q == '0);
          else assert (cuts_q == ((pushed_q - 1'b1) >> PAGE) + 1'b1);
        // The beats' FIFO.
        assert (dut.i_beats.write_q == (PAGE + 1)'(pushed_q - first_q));
        assert (dut.i_beats.read_q == (PAGE + 1)'(given_place - first_q) + (PAGE + 1)'(beats_shown));
        assert (PLACE'(dut.level) == pushed_q - given_place - PLACE'(beats_shown));
        if (tag >= given_place && tag < pushed_q) begin
          if (tag == given_place && beats_shown)
            assert (dut.i_beats.data_q == {strb_q, data_q});
            else assert (dut.i_beats.mem[tag_index] == {strb_q, data_q});
        end
        assert (late_q <= 3'(LATE));
        if (room) assert (dut.level <= (PAGE + 2)'((2 << PAGE) - 4));
        assert (dut.level <= (PAGE + 2)'((2 << PAGE) - 3) + (PAGE + 2)'(late_q));
        // The bursts' FIFO.
        assert (sends_q <= cuts_q && cuts_q - sends_q <= PLACE'(4));
        assert (dut.i_bursts.write_q == 3'(cuts_q));
        assert (dut.i_bursts.read_q == 3'(sends_q) + 3'(bursts_shown));
        assert (PLACE'(dut.i_bursts.level_q) == cuts_q - sends_q - PLACE'(bursts_shown));
        for (int unsigned k = 0; k < 4; k++) begin
          if (sends_q + PLACE'(k) < cuts_q) begin
            if (k == 0 && bursts_shown)
              assert (dut.burst_len == length_of(sends_q));
              else assert (dut.i_bursts.mem[3'(sends_q)+3'(k)] == length_of(sends_q + PLACE'(k)));
          end
        end
        // Sending.
        assert (asked == sends_q - PLACE'(awvalid) && given == sends_q - PLACE'(dut.sending_q));
        assert (!awvalid || sends_q != '0);
        assert (!dut.sending_q || sends_q != '0);
        assert (asked_place == asked_end);
        if (started_q) begin
          assert (dut.next_address_q == {page + 52'(sends_q), sends_q == '0 ? first_q[PAGE-1:0] : PAGE'(0), BEAT_SHIFT'(0)});
        end
        if (awvalid) begin
          assert (dut.awaddr_q == {page + 52'(asked), asked == '0 ? first_q[PAGE-1:0] : PAGE'(0), BEAT_SHIFT'(0)});
          assert (dut.awlen_q == 8'(sent_end - asked_end - 1'b1));
        end
        if (dut.sending_q) begin
          assert (given_place < sent_end && sent_end - given_place <= PLACE'(1 << PAGE));
          assert (given_place >= begin_of(given));
          assert (dut.beats_left_q == 8'(sent_end - given_place - 1'b1));
          assert (dut.last_beat_q == (dut.beats_left_q == '0));
        end else assert (given_place == sent_end);
        // Answers.
        assert (PLACE'(dut.unanswered_q) == sends_q - answered);
        assert (PLACE'(dut.unfinished_q) == cuts_q - answered);
        assert (sends_q - answered <= PLACE'(16));
        if (started_q) begin
          assert (answer_address_q == {page + 52'(answered), answered == '0 ? first_q[PAGE-1:0] : PAGE'(0), BEAT_SHIFT'(0)});
          assert (dut.answer_address_q == answer_address_q);
        end
        if (failed_q) assert (fail_address_q == dut.fail_address_q && started_q);
      end
    end
  end

endmodule
