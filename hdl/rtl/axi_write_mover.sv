// Writes a stream of beats to memory from a base address on.
//
// Beats collect in a FIFO until a burst is whole (at a page's end, or at the stream's
// last beat); only then is its address sent, so a burst never holds the W channel
// waiting for data. `room_o` falls while there is still space for what the caller has
// on its way.
//
// A void beat ends the stream without data. After an error response no further burst
// starts; those begun are finished and the rest of the stream is dropped.
module axi_write_mover #(
    parameter int unsigned DATA_WIDTH = 512,
    parameter int unsigned MAX_OUTSTANDING = 16
) (
    input logic clk_i,
    input logic rst_ni,

    input logic        start_i,   // with address_i; forgets what is left of the run before
    input logic [63:0] address_i, // a multiple of DATA_WIDTH/8

    output logic        finished_o,      // all is written and answered, or the run failed
    output logic        failed_o,
    output logic [63:0] fail_address_o,  // of the burst that failed
    output logic        waiting_o,       // an address or data is offered and not accepted

    input  logic                    beat_valid_i,
    input  logic [  DATA_WIDTH-1:0] beat_data_i,
    input  logic [DATA_WIDTH/8-1:0] beat_strb_i,
    input  logic                    beat_last_i,
    input  logic                    beat_void_i,
    output logic                    room_o,

    output logic [63:0] awaddr_o,
    output logic [ 7:0] awlen_o,
    output logic        awvalid_o,
    input  logic        awready_i,

    output logic [  DATA_WIDTH-1:0] wdata_o,
    output logic [DATA_WIDTH/8-1:0] wstrb_o,
    output logic                    wlast_o,
    output logic                    wvalid_o,
    input  logic                    wready_i,

    input  logic [1:0] bresp_i,
    input  logic       bvalid_i,
    output logic       bready_o
);

  localparam int unsigned BEAT_SHIFT = $clog2(DATA_WIDTH / 8);
  localparam int unsigned BEAT_INDEX = 12 - BEAT_SHIFT;  // beats of a page
  localparam int unsigned DEPTH = 2 << BEAT_INDEX;  // two pages
  // Beats that the lanes and the packer may still deliver after room_o fell: four are
  // twice what their latency allows at the densest output.
  localparam int unsigned SLACK = 4;
  localparam int unsigned CUTS = 8;  // bursts that two pages of beats can make, at most 4

  // Cut the stream into bursts while it is pushed.
  logic [BEAT_INDEX-1:0] place_q;  // of the next beat in its page
  logic [BEAT_INDEX-1:0] uncut_q;  // beats pushed since the last cut
  logic ended_q;

  wire push = beat_valid_i && !beat_void_i;
  wire cut = beat_valid_i && (beat_void_i ? uncut_q != '0 : beat_last_i || place_q == '1);
  wire [7:0] cut_len = 8'(uncut_q) - 8'(beat_void_i);

  logic beat_ready, beat_there;
  logic [$clog2(DEPTH):0] level;
  stream_fifo #(
      .WIDTH(DATA_WIDTH + DATA_WIDTH / 8),
      .DEPTH(DEPTH)
  ) i_beats (
      .clk_i,
      .rst_ni,
      .clear_i(start_i),
      .push_i (push),
      .data_i ({beat_strb_i, beat_data_i}),
      .valid_o(beat_there),
      .ready_i(beat_ready),
      .data_o ({wstrb_o, wdata_o}),
      .level_o(level)
  );

  logic burst_there, burst_ready;
  logic [7:0] burst_len;
  /* verilator lint_off PINCONNECTEMPTY */
  stream_fifo #(
      .WIDTH(8),
      .DEPTH(CUTS)
  ) i_bursts (
      .clk_i,
      .rst_ni,
      .clear_i(start_i),
      .push_i(cut),
      .data_i(cut_len),
      .valid_o(burst_there),
      .ready_i(burst_ready),
      .data_o(burst_len),
      .level_o()  // never fuller than the beats' FIFO allows
  );
  /* verilator lint_on PINCONNECTEMPTY */

  logic room_q;
  always_ff @(posedge clk_i) begin
    room_q <= level < ($clog2(DEPTH) + 1)'(DEPTH - SLACK);
    if (push) begin
      place_q <= place_q + 1'b1;
      uncut_q <= cut ? '0 : uncut_q + 1'b1;
    end
    if (beat_valid_i && beat_last_i) ended_q <= 1'b1;
    if (start_i) begin
      place_q <= address_i[11:BEAT_SHIFT];
      uncut_q <= '0;
      ended_q <= 1'b0;
    end
    if (!rst_ni) begin
      room_q  <= 1'b0;
      ended_q <= 1'b0;
    end
  end
  assign room_o = room_q;

  // Send the bursts, one at a time.
  localparam int unsigned COUNT = $clog2(MAX_OUTSTANDING + CUTS + 1);
  logic awvalid_q, sending_q;
  logic [63:0] awaddr_q, next_address_q;
  logic [7:0] awlen_q, beats_left_q;
  logic last_beat_q;
  logic [COUNT-1:0] unanswered_q;  // sent, no response yet
  logic [COUNT-1:0] unfinished_q;  // cut, no response yet
  logic failed_q;

  assign burst_ready = !awvalid_q && !sending_q && !failed_q &&
      unanswered_q != COUNT'(MAX_OUTSTANDING);
  wire send = burst_there && burst_ready;
  assign beat_ready = sending_q && wready_i;
  wire sent_beat = beat_ready && beat_there;
  wire answer = bvalid_i && bready_o;

  logic [63:0] answer_address_q, fail_address_q;
  always_ff @(posedge clk_i) begin
    if (awready_i) awvalid_q <= 1'b0;
    if (send) begin
      awvalid_q <= 1'b1;
      awaddr_q <= next_address_q;
      awlen_q <= burst_len;
      next_address_q <= {next_address_q[63:12] + 52'd1, 12'h0};
      sending_q <= 1'b1;
      beats_left_q <= burst_len;
      last_beat_q <= burst_len == 8'd0;
    end
    if (sent_beat) begin
      beats_left_q <= beats_left_q - 8'd1;
      last_beat_q  <= beats_left_q == 8'd1;
      if (last_beat_q) sending_q <= 1'b0;
    end
    unanswered_q <= unanswered_q + COUNT'(send) - COUNT'(answer);
    unfinished_q <= unfinished_q + COUNT'(cut) - COUNT'(answer);

    if (answer) begin
      answer_address_q <= {answer_address_q[63:12] + 52'd1, 12'h0};
      if (bresp_i != 2'b00 && !failed_q) begin
        failed_q <= 1'b1;
        fail_address_q <= answer_address_q;
      end
    end

    if (start_i) begin
      next_address_q <= address_i;
      answer_address_q <= address_i;
      unfinished_q <= '0;
      failed_q <= 1'b0;
    end
    if (!rst_ni) begin
      awvalid_q <= 1'b0;
      sending_q <= 1'b0;
      unanswered_q <= '0;
      unfinished_q <= '0;
      failed_q <= 1'b0;
    end
  end

  assign awaddr_o  = awaddr_q;
  assign awlen_o   = awlen_q;
  assign awvalid_o = awvalid_q;
  assign wvalid_o  = sending_q && beat_there;
  assign wlast_o   = last_beat_q;
  assign bready_o  = unanswered_q != '0;

  wire quiet = !awvalid_q && !sending_q && unanswered_q == '0;
  assign finished_o = quiet && (failed_q || (ended_q && unfinished_q == '0));
  assign failed_o = failed_q;
  assign fail_address_o = fail_address_q;
  assign waiting_o = (awvalid_q && !awready_i) || (wvalid_o && !wready_i);

endmodule
