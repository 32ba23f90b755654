// The push window: an AXI4 slave that takes writes only, each beat two submissions for
// the pair that the address names. A pair's page is 4 KiB, which no burst crosses, so
// a burst's address is all that its beats need.
//
// A beat is taken one clock or more after its address has come through the FIFO and to
// the front, on whose way there its pair is looked up. Whether it is taken as a push is
// decided in its clock by the pairs, and told in the response.
module axi_push_slave
  import queue_pkg::*;
#(
    parameter int unsigned ID_WIDTH = 4
) (
    input logic clk_i,
    input logic rst_ni,

    input  logic [    ID_WIDTH-1:0] awid_i,
    /* verilator lint_off UNUSEDSIGNAL */  // where in a pair's page means nothing
    input  logic [            15:0] awaddr_i,
    /* verilator lint_on UNUSEDSIGNAL */
    input  logic                    awvalid_i,
    output logic                    awready_o,
    input  logic [  DATA_WIDTH-1:0] wdata_i,
    input  logic [DATA_WIDTH/8-1:0] wstrb_i,
    input  logic                    wlast_i,
    input  logic                    wvalid_i,
    output logic                    wready_o,
    output logic [    ID_WIDTH-1:0] bid_o,
    output logic [             1:0] bresp_o,
    output logic                    bvalid_o,
    input  logic                    bready_i,

    // A beat that waits stays until it is taken, when `room_i` is high. `room_i` may
    // depend on all of these but `push_o`.
    output logic waits_o,
    input logic room_i,
    output logic push_o,
    output pair_t pair_o,
    output logic next_o,  // the front's pair is another from the next clock on
    output pair_t next_pair_o,
    output logic [LANES-1:0] mask_o,
    output logic torn_o,
    output logic [DATA_WIDTH-1:0] data_o,
    input logic taken_i  // it is a push: OKAY
);

  localparam int unsigned DEPTH = 8;
  localparam int unsigned HALF = DATA_WIDTH / LANES;

  logic address_valid, address_pop;
  logic [ID_WIDTH-1:0] address_id;
  // Of the beats at hand.
  logic front_valid_q;
  pair_t front_pair_q;
  logic [ID_WIDTH-1:0] front_id_q;
  logic [$clog2(DEPTH):0] address_level, response_level;

  stream_fifo #(
      .WIDTH(4 + ID_WIDTH),
      .DEPTH(DEPTH)
  ) i_addresses (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .push_i (awvalid_i && awready_o),
      .data_i ({awaddr_i[15:12], awid_i}),
      .valid_o(address_valid),
      .ready_i(!front_valid_q || address_pop),
      .data_o ({next_pair_o, address_id}),
      .level_o(address_level)
  );

  // In reset the FIFO's level is not known yet.
  assign awready_o = rst_ni && !address_level[$clog2(DEPTH)];
  assign next_o = address_valid && (!front_valid_q || address_pop);

  always_ff @(posedge clk_i) begin
    if (address_pop) front_valid_q <= 1'b0;
    if (next_o) begin
      front_valid_q <= 1'b1;
      front_pair_q <= next_pair_o;
      front_id_q <= address_id;
    end
    if (!rst_ni) front_valid_q <= 1'b0;
  end

  wire answerable = front_valid_q && response_level < ($clog2(DEPTH) + 1)'(DEPTH - 2);
  assign waits_o  = wvalid_i && answerable;
  assign wready_o = answerable && room_i;

  // A beat, and the burst's response when it is the last.
  logic failed_q;  // an earlier beat of the burst
  assign push_o = wvalid_i && wready_o;
  assign address_pop = push_o && wlast_i;
  assign pair_o = front_pair_q;
  assign data_o = wdata_i;

  always_comb begin
    torn_o = 1'b0;
    for (int unsigned l = 0; l < LANES; l++) begin
      mask_o[l] = wstrb_i[l*HALF/8] && !wdata_i[l*HALF+DATA_WIDTH/LANES-32+OPTION_NONE];
      if (wstrb_i[l*HALF/8+:HALF/8] != {HALF / 8{wstrb_i[l*HALF/8]}}) torn_o = 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (push_o) failed_q <= !wlast_i && (failed_q || !taken_i);
    if (!rst_ni) failed_q <= 1'b0;
  end

  logic response_failed;
  stream_fifo #(
      .WIDTH(1 + ID_WIDTH),
      .DEPTH(DEPTH)
  ) i_responses (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .push_i (address_pop),
      .data_i ({failed_q || !taken_i, front_id_q}),
      .valid_o(bvalid_o),
      .ready_i(bready_i),
      .data_o ({response_failed, bid_o}),
      .level_o(response_level)
  );
  assign bresp_o = {response_failed, 1'b0};  // OKAY or SLVERR

endmodule
