// AXI4 write master properties, for a master that writes a range of beats once and in order, by
// bursts that end where a 4 KiB page or the range ends. What memory does is assumed: it answers
// bursts whose address and last beat it took, in order, and holds what it offers. A master may
// learn late where its range ends: then `ended_i` rises.
//
// A place is counted in beats, from the start of the page that the first beat is in.
module axi_write_master_properties #(
    parameter int unsigned DATA_WIDTH = 512,
    parameter int unsigned PLACE = 34,
    parameter int unsigned BEAT_SHIFT = $clog2(DATA_WIDTH / 8)
) (
    input logic clk_i,
    input logic rst_ni,

    // A new range, when nothing is owed of the one before.
    input logic             start_i,
    input logic [     63:0] address_i,
    input logic             ended_i,
    input logic [PLACE-1:0] end_i,      // the place after the last beat

    input logic [            63:0] awaddr_i,
    input logic [             7:0] awlen_i,
    input logic                    awvalid_i,
    input logic                    awready_i,
    input logic [  DATA_WIDTH-1:0] wdata_i,
    input logic [DATA_WIDTH/8-1:0] wstrb_i,
    input logic                    wlast_i,
    input logic                    wvalid_i,
    input logic                    wready_i,
    input logic [             1:0] bresp_i,
    input logic                    bvalid_i,
    input logic                    bready_i,

    output logic [     51:0] page_o,         // of the first beat
    output logic [PLACE-1:0] asked_place_o,  // up to here addresses were accepted
    output logic [PLACE-1:0] given_place_o,  // and data
    output logic [PLACE-1:0] asked_o,        // bursts whose address was accepted
    output logic [PLACE-1:0] given_o,        // whose last beat was
    output logic [PLACE-1:0] answered_o      // that were answered
);

  localparam int unsigned PAGE = 12 - BEAT_SHIFT;  // beats of a page, log 2

  logic running_q = 1'b0, aw_held_q = 1'b0, w_held_q = 1'b0, b_held_q = 1'b0;
  logic [63:0] awaddr_q;
  logic [7:0] awlen_q;
  logic [DATA_WIDTH-1:0] wdata_q;
  logic [DATA_WIDTH/8-1:0] wstrb_q;
  logic wlast_q;
  logic [1:0] bresp_q;

  wire aw = awvalid_i && awready_i;
  wire w = wvalid_i && wready_i;
  wire b = bvalid_i && bready_i;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    aw_held_q <= awvalid_i && !awready_i && rst_ni;
    w_held_q  <= wvalid_i && !wready_i && rst_ni;
    b_held_q  <= bvalid_i && !bready_i && rst_ni;
    awaddr_q  <= awaddr_i;
    awlen_q   <= awlen_i;
    wdata_q   <= wdata_i;
    wstrb_q   <= wstrb_i;
    wlast_q   <= wlast_i;
    bresp_q   <= bresp_i;

    if (aw) asked_place_o <= asked_place_o + PLACE'(awlen_i) + 1'b1;
    if (w) given_place_o <= given_place_o + 1'b1;
    asked_o <= asked_o + PLACE'(aw);
    given_o <= given_o + PLACE'(w && wlast_i);
    answered_o <= answered_o + PLACE'(b);
    if (start_i) begin
      page_o <= address_i[63:12];
      asked_place_o <= PLACE'(address_i[11:BEAT_SHIFT]);
      given_place_o <= PLACE'(address_i[11:BEAT_SHIFT]);
    end
    if (start_i || !rst_ni) begin
      asked_o <= '0;
      given_o <= '0;
      answered_o <= '0;
    end
    if (!rst_ni) begin
      asked_place_o <= '0;
      given_place_o <= '0;
    end
  end

  wire [PLACE-1:0] burst_last = asked_place_o + PLACE'(awlen_i);
  wire [PLACE-1:0] asked_or_offered = awvalid_i ? burst_last + 1'b1 : asked_place_o;

  always_comb begin
    if (bvalid_i && rst_ni && running_q) begin
      assume (answered_o < asked_o && answered_o < given_o);
    end
    if (b_held_q) assume (bvalid_i && bresp_i == bresp_q);

    if (running_q && rst_ni) begin
      if (aw_held_q) assert (awvalid_i && awaddr_i == awaddr_q && awlen_i == awlen_q);
      if (w_held_q) begin
        assert (wvalid_i && wdata_i == wdata_q && wstrb_i == wstrb_q && wlast_i == wlast_q);
      end
      if (awvalid_i) begin
        // The next beats of the range, and none beyond it.
        assert (awaddr_i[63:12] == page_o + 52'(asked_place_o[PLACE-1:PAGE]));
        assert (awaddr_i[11:0] == {asked_place_o[PAGE-1:0], BEAT_SHIFT'(0)});
        // Within a page, to its end or the range's.
        assert (burst_last[PLACE-1:PAGE] == asked_place_o[PLACE-1:PAGE]);
        assert (burst_last[PAGE-1:0] == '1 || (ended_i && burst_last + 1'b1 == end_i));
      end
      if (wvalid_i) begin
        // Data of a burst whose address is accepted or offered.
        assert (given_place_o < asked_or_offered);
        assert (wlast_i == (given_place_o[PAGE-1:0] == '1 || (given_place_o + 1'b1 ==
                            asked_or_offered)));
      end
      if (start_i) assert (asked_o == answered_o && given_o == asked_o && !awvalid_i && !wvalid_i);
      assert (answered_o <= asked_o && answered_o <= given_o);
    end
  end

endmodule
