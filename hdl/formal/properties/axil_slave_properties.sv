// AXI4-Lite slave properties, for any slave: what a master does is assumed, what the slave
// owes is asserted. Signals stay while they are offered, each access gets one response and
// no response comes without an access, and none waits longer than LIMIT clocks in which the
// master takes what it is offered.
module axil_slave_properties #(
    parameter int unsigned LIMIT = 7
) (
    input logic        clk_i,
    input logic        rst_ni,
    input logic [11:0] awaddr_i,
    input logic        awvalid_i,
    input logic        awready_i,
    input logic [31:0] wdata_i,
    input logic [ 3:0] wstrb_i,
    input logic        wvalid_i,
    input logic        wready_i,
    input logic [ 1:0] bresp_i,
    input logic        bvalid_i,
    input logic        bready_i,
    input logic [11:0] araddr_i,
    input logic        arvalid_i,
    input logic        arready_i,
    input logic [31:0] rdata_i,
    input logic [ 1:0] rresp_i,
    input logic        rvalid_i,
    input logic        rready_i
);

  localparam int unsigned COUNT = 4;
  localparam int unsigned WAIT = $clog2(LIMIT + 2);

  // Accepted and not answered yet.
  logic [COUNT-1:0] addresses_q, words_q, reads_q;
  logic [WAIT-1:0] write_wait_q, read_wait_q;

  wire write_stall = bvalid_i && !bready_i;
  wire read_stall = rvalid_i && !rready_i;
  wire write_waits = (awvalid_i && wvalid_i) || (addresses_q != '0 && words_q != '0);
  wire read_waits = arvalid_i || reads_q != '0;

  always_ff @(posedge clk_i) begin
    addresses_q <= addresses_q + COUNT'(awvalid_i && awready_i) - COUNT'(bvalid_i && bready_i);
    words_q <= words_q + COUNT'(wvalid_i && wready_i) - COUNT'(bvalid_i && bready_i);
    reads_q <= reads_q + COUNT'(arvalid_i && arready_i) - COUNT'(rvalid_i && rready_i);
    // A stall of either channel may hold up both.
    if (!write_waits || (bvalid_i && bready_i)) write_wait_q <= '0;
    else if (!write_stall && !read_stall) write_wait_q <= write_wait_q + 1'b1;
    if (!read_waits || (rvalid_i && rready_i)) read_wait_q <= '0;
    else if (!write_stall && !read_stall) read_wait_q <= read_wait_q + 1'b1;
    if (!rst_ni) begin
      addresses_q <= '0;
      words_q <= '0;
      reads_q <= '0;
      write_wait_q <= '0;
      read_wait_q <= '0;
    end
  end

  // The clock before, if it was one of normal work.
  logic aw_held_q = 1'b0, w_held_q = 1'b0, b_held_q = 1'b0, ar_held_q = 1'b0, r_held_q = 1'b0;
  logic running_q = 1'b0;
  logic [11:0] awaddr_q, araddr_q;
  logic [31:0] wdata_q, rdata_q;
  logic [3:0] wstrb_q;
  logic [1:0] bresp_q, rresp_q;
  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    aw_held_q <= awvalid_i && !awready_i && rst_ni;
    w_held_q  <= wvalid_i && !wready_i && rst_ni;
    b_held_q  <= bvalid_i && !bready_i && rst_ni;
    ar_held_q <= arvalid_i && !arready_i && rst_ni;
    r_held_q  <= rvalid_i && !rready_i && rst_ni;
    awaddr_q  <= awaddr_i;
    araddr_q  <= araddr_i;
    wdata_q   <= wdata_i;
    wstrb_q   <= wstrb_i;
    bresp_q   <= bresp_i;
    rdata_q   <= rdata_i;
    rresp_q   <= rresp_i;
  end

  always_comb begin
    if (aw_held_q) assume (awvalid_i && awaddr_i == awaddr_q);
    if (w_held_q) assume (wvalid_i && wdata_i == wdata_q && wstrb_i == wstrb_q);
    if (ar_held_q) assume (arvalid_i && araddr_i == araddr_q);

    if (running_q) begin
      if (b_held_q) assert (bvalid_i && bresp_i == bresp_q);
      if (r_held_q) assert (rvalid_i && rdata_i == rdata_q && rresp_i == rresp_q);
      if (bvalid_i) assert (addresses_q != '0 && words_q != '0);
      if (rvalid_i) assert (reads_q != '0);
      assert (addresses_q != '1 && words_q != '1 && reads_q != '1);  // the counts are true
      assert (write_wait_q <= WAIT'(LIMIT));
      assert (read_wait_q <= WAIT'(LIMIT));
    end
  end

endmodule
