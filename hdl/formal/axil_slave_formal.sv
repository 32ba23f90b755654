// axil_slave keeps the AXI4-Lite rules, and the register bus behind it sees each access once
// and as it came; its answer goes back as it is.
module axil_slave_formal #(
    parameter bit LATE = 1'b0
) (
    input logic        clk_i,
    input logic        rst_ni,
    input logic [11:0] awaddr_i,
    input logic        awvalid_i,
    input logic [31:0] wdata_i,
    input logic [ 3:0] wstrb_i,
    input logic        wvalid_i,
    input logic        bready_i,
    input logic [11:0] araddr_i,
    input logic        arvalid_i,
    input logic        rready_i,
    input logic [31:0] answer_i,
    input logic        error_i
);

  logic awready, wready, bvalid, arready, rvalid;
  logic [1:0] bresp, rresp;
  logic [31:0] rdata;
  logic req, write;
  logic [11:2] addr;
  logic [31:0] wdata;
  logic [ 3:0] wstrb;

  axil_slave #(
      .ADDR_WIDTH(12),
      .LATE(LATE)
  ) dut (
      .clk_i,
      .rst_ni,
      .awaddr_i,
      .araddr_i,
      .awvalid_i,
      .awready_o(awready),
      .wdata_i,
      .wstrb_i,
      .wvalid_i,
      .wready_o (wready),
      .bresp_o  (bresp),
      .bvalid_o (bvalid),
      .bready_i,
      .arvalid_i,
      .arready_o(arready),
      .rdata_o  (rdata),
      .rresp_o  (rresp),
      .rvalid_o (rvalid),
      .rready_i,
      .req_o    (req),
      .write_o  (write),
      .addr_o   (addr),
      .wdata_o  (wdata),
      .wstrb_o  (wstrb),
      .rdata_i  (answer_i),
      .error_i
  );

  axil_slave_properties #(
      .LIMIT(LATE ? 9 : 7)
  ) i_properties (
      .clk_i,
      .rst_ni,
      .awaddr_i,
      .awvalid_i,
      .awready_i(awready),
      .wdata_i,
      .wstrb_i,
      .wvalid_i,
      .wready_i (wready),
      .bresp_i  (bresp),
      .bvalid_i (bvalid),
      .bready_i,
      .araddr_i,
      .arvalid_i,
      .arready_i(arready),
      .rdata_i  (rdata),
      .rresp_i  (rresp),
      .rvalid_i (rvalid),
      .rready_i
  );

  logic running_q = 1'b0;
  logic asked_q = 1'b0, asked_before_q = 1'b0;
  // The clock that the answer comes in.
  wire answers = LATE ? asked_before_q : asked_q;
  logic answered_q = 1'b0;
  logic [31:0] answer_q;
  logic error_q;
  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    asked_q <= req && rst_ni;
    asked_before_q <= asked_q && rst_ni;
    answered_q <= answers && rst_ni;
    if (answers) begin
      answer_q <= answer_i;
      error_q  <= error_i;
    end
  end

  // The longest that an access can have waited, by the state, if the slave's last access was
  // (or is) of the same kind, or of the other one. A whole access is four clocks, or five.
  localparam logic [3:0] ACCESS = LATE ? 4'd5 : 4'd4;
  function automatic logic [3:0] most_waited(input logic same_kind);
    logic [3:0] other;
    case (dut.state_q)
      2'd0: other = ACCESS;
      2'd1: other = 4'd1;
      2'd2: other = 4'd2 + 4'(dut.waited_q);
      default: other = ACCESS - 4'd1;
    endcase
    most_waited = !same_kind ? other : dut.state_q == 2'd0 ? 4'd0 : other + ACCESS;
  endfunction

  always_comb begin
    if (!running_q) assume (!rst_ni);

    if (running_q) begin
      // The handshakes are the access.
      assert ((awvalid_i && awready) == (req && write));
      assert ((wvalid_i && wready) == (req && write));
      assert ((arvalid_i && arready) == (req && !write));
      if (req && write) assert (addr == awaddr_i[11:2] && wdata == wdata_i && wstrb == wstrb_i);
      if (req && !write) assert (addr == araddr_i[11:2]);
      // The answer is the response, two clocks after the access, or three.
      if (answered_q) assert (bvalid || rvalid);
      if (bvalid) assert (bresp == {error_q, 1'b0});
      if (rvalid) assert (rresp == {error_q, 1'b0} && rdata == answer_q);
      // What the induction stands on: the counts are the state's, and an access waits for
      // one of the other kind at most.
      assert (i_properties.addresses_q == 4'(dut.write_q && dut.state_q inside {2'd2, 2'd3}));
      assert (!dut.waited_q || (LATE && dut.state_q == 2'd2));
      assert (asked_q == (dut.state_q == 2'd2 && !dut.waited_q));
      assert (asked_before_q == (LATE && dut.state_q == 2'd2 && dut.waited_q) || !LATE);
      assert (i_properties.words_q == i_properties.addresses_q);
      assert (i_properties.reads_q == 4'(!dut.write_q && dut.state_q inside {2'd2, 2'd3}));
      assert (i_properties.write_wait_q <= most_waited(dut.write_q));
      assert (i_properties.read_wait_q <= most_waited(!dut.write_q));
    end
  end

endmodule
