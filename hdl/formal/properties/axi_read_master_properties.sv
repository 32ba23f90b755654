// AXI4 read master properties, for a master that reads a range of beats once and in order, by
// bursts that end where a 4 KiB page or the range ends. What memory does is assumed: it answers
// what was asked for, in order, each burst ending with RLAST, and holds what it offers.
//
// Beats are counted from the range's first. A place is counted from the start of the page that
// the first beat is in, so that pages and beats in them are its two halves, and nothing but the
// page's number needs 64-bit arithmetic: solvers are slow at that.
module axi_read_master_properties #(
    parameter int unsigned DATA_WIDTH  = 512,
    parameter int unsigned COUNT_WIDTH = 33,
    parameter int unsigned BEAT_SHIFT  = $clog2(DATA_WIDTH / 8)
) (
    input logic clk_i,
    input logic rst_ni,

    // The range; a new one only when nothing is owed of the one before.
    input logic                   start_i,
    input logic [           63:0] address_i,
    input logic [COUNT_WIDTH-1:0] last_beat_i,

    input logic [          63:0] araddr_i,
    input logic [           7:0] arlen_i,
    input logic                  arvalid_i,
    input logic                  arready_i,
    input logic [DATA_WIDTH-1:0] rdata_i,
    input logic [           1:0] rresp_i,
    input logic                  rlast_i,
    input logic                  rvalid_i,
    input logic                  rready_i,

    output logic [         51:0] page_o,         // of the first beat
    output logic [COUNT_WIDTH:0] end_o,          // place of the range's last beat
    output logic [COUNT_WIDTH:0] asked_place_o,  // up to here addresses were accepted
    output logic [COUNT_WIDTH:0] taken_place_o   // and data taken
);

  localparam int unsigned PAGE = 12 - BEAT_SHIFT;  // beats of a page, log 2
  localparam int unsigned PLACE = COUNT_WIDTH + 1;

  logic [PLACE-1:0] first_q;

  logic running_q = 1'b0, ar_held_q = 1'b0, r_held_q = 1'b0;
  logic [63:0] araddr_q;
  logic [7:0] arlen_q;
  logic [DATA_WIDTH-1:0] rdata_q;
  logic [1:0] rresp_q;
  logic rlast_q;
  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    ar_held_q <= arvalid_i && !arready_i && rst_ni;
    r_held_q  <= rvalid_i && !rready_i && rst_ni;
    araddr_q  <= araddr_i;
    arlen_q   <= arlen_i;
    rdata_q   <= rdata_i;
    rresp_q   <= rresp_i;
    rlast_q   <= rlast_i;

    if (arvalid_i && arready_i) asked_place_o <= asked_place_o + PLACE'(arlen_i) + 1'b1;
    if (rvalid_i && rready_i) taken_place_o <= taken_place_o + 1'b1;
    if (start_i) begin
      page_o <= address_i[63:12];
      first_q <= PLACE'(address_i[11:BEAT_SHIFT]);
      end_o <= PLACE'(address_i[11:BEAT_SHIFT]) + PLACE'(last_beat_i);
      asked_place_o <= PLACE'(address_i[11:BEAT_SHIFT]);
      taken_place_o <= PLACE'(address_i[11:BEAT_SHIFT]);
    end
    if (!rst_ni) begin
      first_q <= '0;
      end_o <= '0;
      asked_place_o <= '0;
      taken_place_o <= '0;
    end
  end

  wire [PLACE-1:0] burst_last = asked_place_o + PLACE'(arlen_i);

  always_comb begin
    if (rvalid_i && rst_ni && running_q) begin
      assume (taken_place_o < asked_place_o);
      assume (rlast_i == (taken_place_o[PAGE-1:0] == '1 || taken_place_o == end_o));
    end
    if (r_held_q) begin
      assume (rvalid_i && rdata_i == rdata_q && rresp_i == rresp_q && rlast_i == rlast_q);
    end

    if (running_q && rst_ni) begin
      if (ar_held_q) assert (arvalid_i && araddr_i == araddr_q && arlen_i == arlen_q);
      if (arvalid_i) begin
        // The next beats of the range, and none beyond it.
        assert (araddr_i[63:12] == page_o + 52'(asked_place_o[PLACE-1:PAGE]));
        assert (araddr_i[11:0] == {asked_place_o[PAGE-1:0], BEAT_SHIFT'(0)});
        assert (burst_last <= end_o);
        // Within a page, to its end or the range's.
        assert (burst_last[PLACE-1:PAGE] == asked_place_o[PLACE-1:PAGE]);
        assert (burst_last[PAGE-1:0] == '1 || burst_last == end_o);
      end
      if (start_i) assert (asked_place_o == taken_place_o && !arvalid_i);
      assert (first_q <= taken_place_o && taken_place_o <= asked_place_o);
      assert (asked_place_o <= end_o + 1'b1 && end_o - first_q < PLACE'(2 ** COUNT_WIDTH));
      assert (asked_place_o[PAGE-1:0] == '0 || asked_place_o == first_q ||
              asked_place_o == end_o + 1'b1);
    end
  end

endmodule
