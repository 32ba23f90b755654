// axi_read_mover asks memory for the beats of its range, each once and in order
// (properties/axi_read_master_properties.sv), and passes all of them on, none twice, none out of
// order, until the last one or the first that failed; then no more until the next start. If
// memory answers, a run ends.
module axi_read_mover_formal #(
    parameter int unsigned DATA_WIDTH = 512,
    parameter int unsigned COUNT_WIDTH = 33,
    parameter int unsigned MAX_OUTSTANDING = 8
) (
    input logic                   clk_i,
    input logic                   rst_ni,
    input logic                   start_i,
    input logic [           63:0] address_i,
    input logic [COUNT_WIDTH-1:0] last_beat_i,
    input logic                   abort_i,
    input logic                   arready_i,
    input logic [ DATA_WIDTH-1:0] rdata_i,
    input logic [            1:0] rresp_i,
    input logic                   rlast_i,
    input logic                   rvalid_i,
    input logic                   beat_ready_i
);

  localparam int unsigned BEAT_SHIFT = $clog2(DATA_WIDTH / 8);
  localparam int unsigned PAGE = 12 - BEAT_SHIFT;
  localparam logic [1:0] IDLE = 2'd0, PLAN = 2'd1, MOVE = 2'd2, DRAIN = 2'd3;

  logic busy, failed, waiting;
  logic [63:0] fail_address, araddr;
  logic [7:0] arlen;
  logic arvalid, rready, beat_valid, beat_last, beat_void;
  logic [DATA_WIDTH-1:0] beat_data;

  axi_read_mover #(
      .DATA_WIDTH(DATA_WIDTH),
      .COUNT_WIDTH(COUNT_WIDTH),
      .MAX_OUTSTANDING(MAX_OUTSTANDING)
  ) dut (
      .clk_i,
      .rst_ni,
      .start_i,
      .address_i,
      .last_beat_i,
      .abort_i,
      .busy_o        (busy),
      .failed_o      (failed),
      .fail_address_o(fail_address),
      .waiting_o     (waiting),
      .araddr_o      (araddr),
      .arlen_o       (arlen),
      .arvalid_o     (arvalid),
      .arready_i,
      .rdata_i,
      .rresp_i,
      .rlast_i,
      .rvalid_i,
      .rready_o      (rready),
      .beat_valid_o  (beat_valid),
      .beat_ready_i,
      .beat_data_o   (beat_data),
      .beat_last_o   (beat_last),
      .beat_void_o   (beat_void)
  );

  logic [51:0] page;
  logic [COUNT_WIDTH:0] first_q, final_place, asked, taken;  // places, see the properties
  axi_read_master_properties #(
      .DATA_WIDTH (DATA_WIDTH),
      .COUNT_WIDTH(COUNT_WIDTH)
  ) i_properties (
      .clk_i,
      .rst_ni,
      .start_i,
      .address_i,
      .last_beat_i,
      .araddr_i     (araddr),
      .arlen_i      (arlen),
      .arvalid_i    (arvalid),
      .arready_i,
      .rdata_i,
      .rresp_i,
      .rlast_i,
      .rvalid_i,
      .rready_i     (rready),
      .page_o       (page),
      .end_o        (final_place),
      .asked_place_o(asked),
      .taken_place_o(taken)
  );

  logic running_q = 1'b0;
  logic ended_q;  // the stream: its last beat was taken, or it was cut off
  logic failed_q, was_aborted_q;
  logic [63:0] fail_address_q;
  logic [COUNT_WIDTH:0] passed_q;  // the place up to which beats were passed on
  wire pass = beat_valid && beat_ready_i;
  // Nothing offered to memory and nothing owed by it.
  wire still = busy && !arvalid && asked == taken;
  logic [2:0] still_q;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    if (pass) passed_q <= passed_q + 1'b1;
    if (pass && beat_last) ended_q <= 1'b1;
    if (pass && beat_void) begin
      failed_q <= 1'b1;
      fail_address_q <= {
        page + 52'(passed_q[COUNT_WIDTH:PAGE]), passed_q[PAGE-1:0], BEAT_SHIFT'(0)
      };
    end
    was_aborted_q <= abort_i && rst_ni;
    if (abort_i) ended_q <= 1'b1;
    if (still && still_q != 3'd7) still_q <= still_q + 3'd1;
    if (!still) still_q <= 3'd0;
    if (start_i) begin
      first_q  <= (COUNT_WIDTH + 1)'(address_i[11:BEAT_SHIFT]);
      passed_q <= (COUNT_WIDTH + 1)'(address_i[11:BEAT_SHIFT]);
      ended_q  <= abort_i;
      failed_q <= 1'b0;
    end
    if (!rst_ni) begin
      passed_q <= '0;
      ended_q  <= 1'b1;
      failed_q <= 1'b0;
      still_q  <= 3'd0;
    end
  end

  wire [COUNT_WIDTH:0] offered = arvalid ? (COUNT_WIDTH + 1)'(arlen) + 1'b1 : '0;
  localparam int unsigned PAGES = COUNT_WIDTH + 1 - PAGE;
  wire [PAGES-1:0] final_page = final_place[COUNT_WIDTH:PAGE];
  wire [COUNT_WIDTH:0] to_ask = asked + offered;
  // Bursts, and so pages: an unfinished last page is behind once it is asked for, or taken.
  wire [PAGES:0] pages_asked = dut.all_asked_q ? final_page + 1'b1 : to_ask[COUNT_WIDTH:PAGE];
  wire all_taken = taken == final_place + 1'b1;
  wire [PAGES:0] pages_taken = all_taken ? final_page + 1'b1 : taken[COUNT_WIDTH:PAGE];

  always_comb begin
    if (!running_q) assume (!rst_ni);
    assume (!(start_i && busy));
    assume (!(start_i && abort_i));
    if (was_aborted_q && busy) assume (abort_i);  // a failed writer stays so
    if (start_i) assume (address_i[BEAT_SHIFT-1:0] == '0);

    if (running_q && rst_ni) begin
      // The stream.
      if (beat_valid) assert (rvalid_i && busy && !ended_q && beat_data == rdata_i);
      if (beat_valid) assert (beat_void == (rresp_i != 2'b00));
      if (beat_valid) assert (beat_last == (beat_void || passed_q == final_place));
      if (busy && !ended_q) assert (passed_q == taken);
      if (busy && !ended_q && rvalid_i) assert (rready == pass);
      assert (failed == failed_q);
      if (failed_q) assert (fail_address == fail_address_q);
      if (!busy) assert (asked == taken && !arvalid);

      // A run ends: there is always something that memory is to accept or to answer, and
      // that happens a limited number of times; without it the next step is four clocks
      // away at most.
      assert (still_q <= 3'd3);

      // What the induction stands on.
      if (dut.state_q == IDLE || dut.state_q == PLAN) begin
        assert (!arvalid && asked == taken && dut.outstanding_q == '0);
      end
      if (dut.state_q == PLAN) assert (asked == first_q && !dut.all_asked_q && !failed_q);
      if (busy) begin
        assert (first_q == i_properties.first_q && first_q <= final_place);
        assert (first_q[COUNT_WIDTH:PAGE] == '0);
        assert (dut.extent_q == final_place);
        assert (dut.page_q == page + 52'(pages_asked));
        assert (dut.r_page_q == page + 52'(pages_taken));
        assert (dut.r_beat_q == (all_taken ? '0 : taken[PAGE-1:0]));
        assert ((PAGES + 1)'(dut.outstanding_q) == pages_asked - pages_taken);
        assert (dut.outstanding_q <= MAX_OUTSTANDING);
        if (dut.all_asked_q)
          assert (to_ask == final_place + 1'b1);
          else begin
            assert (to_ask <= final_place);
            assert (dut.beat_q == to_ask[PAGE-1:0]);
            assert (dut.beat_q == '0 || to_ask == first_q);
          end
        if (dut.state_q != PLAN) begin
          if (!dut.all_asked_q) begin
            assert (dut.pages_left_q == PAGES'(final_page - pages_asked));
            assert (dut.final_page_q == (pages_asked == (PAGES + 1)'(final_page)));
          end
          if (!all_taken) begin
            assert (dut.r_pages_left_q == PAGES'(final_page - pages_taken));
            assert (dut.r_final_page_q == (pages_taken == (PAGES + 1)'(final_page)));
          end
        end
        // At an end by abort, MOVE is left in the next clock.
        if (ended_q && dut.state_q == PLAN) assert (was_aborted_q);
        if (ended_q && dut.state_q == MOVE) assert (was_aborted_q && !arvalid && asked == first_q);
        if (!ended_q) assert (dut.state_q == PLAN || dut.state_q == MOVE);
        if (dut.state_q == MOVE) assert (!all_taken && !failed_q);
        if (dut.state_q == DRAIN) assert (rready);  // what is dropped waits for nobody
        if (dut.state_q == PLAN) assert (still_q == 3'd0);
        if (dut.state_q == MOVE && still) assert (still_q <= 3'd1);
        if (dut.state_q == DRAIN && still) assert (still_q <= 3'd2);
      end
    end
  end

endmodule
