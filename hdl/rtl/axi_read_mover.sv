// Reads a run's bytes from memory as one stream of beats.
//
// Bursts are a page (4 KiB) each, cut at the pages' boundaries, so only the first and
// the last are shorter: burst lengths need no arithmetic over the remaining count.
// Up to MAX_OUTSTANDING bursts are on their way; the stream's own back-pressure
// reaches the R channel, so no buffer is reserved.
//
// An error response ends the stream with a void beat marked last; then no further
// burst is asked for and the beats still on their way are dropped. `abort_i` does the
// same without the void beat.
module axi_read_mover #(
    parameter int unsigned DATA_WIDTH = 512,
    parameter int unsigned COUNT_WIDTH = 33,
    parameter int unsigned MAX_OUTSTANDING = 8
) (
    input logic clk_i,
    input logic rst_ni,

    input logic                   start_i,
    /* verilator lint_off UNUSEDSIGNAL */  // the bits below a beat are 0
    input logic [           63:0] address_i,    // a multiple of DATA_WIDTH/8
    /* verilator lint_on UNUSEDSIGNAL */
    input logic [COUNT_WIDTH-1:0] last_beat_i,  // beats of the run, less one
    input logic                   abort_i,

    output logic        busy_o,
    output logic        failed_o,
    output logic [63:0] fail_address_o,  // of the beat that failed
    output logic        waiting_o,       // a beat could be taken and none is there

    output logic [63:0] araddr_o,
    output logic [ 7:0] arlen_o,
    output logic        arvalid_o,
    input  logic        arready_i,

    input  logic [DATA_WIDTH-1:0] rdata_i,
    input  logic [           1:0] rresp_i,
    input  logic                  rlast_i,
    input  logic                  rvalid_i,
    output logic                  rready_o,

    output logic                  beat_valid_o,
    input  logic                  beat_ready_i,
    output logic [DATA_WIDTH-1:0] beat_data_o,
    output logic                  beat_last_o,
    output logic                  beat_void_o
);

  localparam int unsigned BEAT_SHIFT = $clog2(DATA_WIDTH / 8);
  localparam int unsigned BEAT_INDEX = 12 - BEAT_SHIFT;  // beats of a page
  localparam int unsigned PAGES = COUNT_WIDTH + 1 - BEAT_INDEX;

  typedef enum logic [1:0] {
    IDLE,
    PLAN,  // the run's extent is known
    MOVE,
    DRAIN  // after an error: nothing new, drop what comes
  } state_e;

  state_e state_q;

  // The run's last beat, counted from the start of its first page.
  logic [COUNT_WIDTH:0] extent_q;
  wire [PAGES-1:0] extent_pages = extent_q[COUNT_WIDTH:BEAT_INDEX];
  wire [BEAT_INDEX-1:0] final_beat = extent_q[BEAT_INDEX-1:0];

  // Requests.
  logic [51:0] page_q;
  logic [BEAT_INDEX-1:0] beat_q;
  logic [PAGES-1:0] pages_left_q;  // after the one at page_q
  logic final_page_q, all_asked_q;
  logic [$clog2(MAX_OUTSTANDING):0] outstanding_q;
  logic arvalid_q;
  logic [63:0] araddr_q;
  logic [7:0] arlen_q;

  wire ask = state_q == MOVE && !abort_i && !all_asked_q && (!arvalid_q || arready_i) &&
      !outstanding_q[$clog2(
      MAX_OUTSTANDING
  )];

  // Responses.
  logic [51:0] r_page_q;
  logic [BEAT_INDEX-1:0] r_beat_q;
  logic [PAGES-1:0] r_pages_left_q;
  logic r_final_page_q;
  logic failed_q;

  // A beat that a reset in mid-burst left on the bus belongs to nobody.
  wire beat = rvalid_i && rready_o && state_q != IDLE;
  wire burst_end = beat && rlast_i;
  wire run_end = burst_end && r_final_page_q;
  wire error = rresp_i != 2'b00;
  wire read_error = beat && error && state_q == MOVE;

  always_ff @(posedge clk_i) begin
    if (arready_i) arvalid_q <= 1'b0;
    if (ask) begin
      arvalid_q <= 1'b1;
      araddr_q <= {page_q, beat_q, BEAT_SHIFT'(0)};
      arlen_q <= (final_page_q ? 8'(final_beat) : 8'({BEAT_INDEX{1'b1}})) - 8'(beat_q);
      page_q <= page_q + 52'd1;
      beat_q <= '0;
      pages_left_q <= pages_left_q - 1'b1;
      final_page_q <= pages_left_q == PAGES'(1);
      all_asked_q <= final_page_q;
    end
    if (ask && !burst_end) outstanding_q <= outstanding_q + 1'b1;
    if (!ask && burst_end) outstanding_q <= outstanding_q - 1'b1;

    if (beat) r_beat_q <= r_beat_q + 1'b1;
    if (burst_end) begin
      r_page_q <= r_page_q + 52'd1;
      r_beat_q <= '0;
      r_pages_left_q <= r_pages_left_q - 1'b1;
      r_final_page_q <= r_pages_left_q == PAGES'(1);
    end
    if (read_error) failed_q <= 1'b1;

    case (state_q)
      IDLE: begin
        if (start_i) begin
          extent_q <= (COUNT_WIDTH + 1)'(address_i[11:BEAT_SHIFT]) + (COUNT_WIDTH + 1)'(last_beat_i);
          page_q <= address_i[63:12];
          beat_q <= address_i[11:BEAT_SHIFT];
          r_page_q <= address_i[63:12];
          r_beat_q <= address_i[11:BEAT_SHIFT];
          failed_q <= 1'b0;
          all_asked_q <= 1'b0;
          state_q <= PLAN;
        end
      end
      PLAN: begin
        pages_left_q <= extent_pages;
        r_pages_left_q <= extent_pages;
        final_page_q <= extent_pages == '0;
        r_final_page_q <= extent_pages == '0;
        state_q <= MOVE;
      end
      MOVE: begin
        if (run_end) state_q <= IDLE;
        else if (read_error || abort_i) state_q <= DRAIN;
      end
      DRAIN: if (outstanding_q == '0 && !arvalid_q) state_q <= IDLE;
    endcase

    if (!rst_ni) begin
      state_q <= IDLE;
      arvalid_q <= 1'b0;
      outstanding_q <= '0;
      failed_q <= 1'b0;
    end
  end

  assign araddr_o = araddr_q;
  assign arlen_o = arlen_q;
  assign arvalid_o = arvalid_q;
  assign rready_o = beat_ready_i || state_q == DRAIN;

  assign beat_valid_o = rvalid_i && state_q == MOVE;
  assign beat_data_o = rdata_i;
  assign beat_void_o = error;
  assign beat_last_o = error || (rlast_i && r_final_page_q);

  assign busy_o = state_q != IDLE;
  assign failed_o = failed_q;
  assign waiting_o = state_q == MOVE && beat_ready_i && !rvalid_i;

  // The failing beat's address is kept from the clock it failed in.
  logic [63:0] fail_address_q;
  always_ff @(posedge clk_i) begin
    if (read_error) fail_address_q <= {r_page_q, r_beat_q, BEAT_SHIFT'(0)};
  end
  assign fail_address_o = fail_address_q;

endmodule
