// What a handshake can meet: taken at once, waited for, and pauses of the side that offers while the other would take.
module channel_cover (
    input logic clk_i,
    input logic rst_ni,
    input logic valid_i,
    input logic ready_i
);
  logic waited_q;
  always_ff @(posedge clk_i) waited_q <= rst_ni && valid_i && !ready_i;

  at_once :
  cover property (@(posedge clk_i) rst_ni && valid_i && ready_i && !waited_q);
  stalled :
  cover property (@(posedge clk_i) rst_ni && valid_i && !ready_i && waited_q);
  after_a_stall :
  cover property (@(posedge clk_i) rst_ni && valid_i && ready_i && waited_q);
  idle :
  cover property (@(posedge clk_i) rst_ni && !valid_i && ready_i);
endmodule

// A channel where nobody is ready before something is offered.
module request_cover (
    input logic clk_i,
    input logic rst_ni,
    input logic valid_i,
    input logic ready_i
);
  stalled :
  cover property (@(posedge clk_i) rst_ni && valid_i && !ready_i);
  taken :
  cover property (@(posedge clk_i) rst_ni && valid_i && ready_i);
endmodule

// The channels of the two masters that the kernels have: one reads, one writes.
module masters_cover (
    input logic ap_clk,
    input logic ap_rst_n,
    input logic m_axi_gmem0_arvalid,
    input logic m_axi_gmem0_arready,
    input logic m_axi_gmem0_rvalid,
    input logic m_axi_gmem0_rready,
    input logic m_axi_gmem1_awvalid,
    input logic m_axi_gmem1_awready,
    input logic m_axi_gmem1_wvalid,
    input logic m_axi_gmem1_wready,
    input logic m_axi_gmem1_bvalid,
    input logic m_axi_gmem1_bready
);
  channel_cover i_ar (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(m_axi_gmem0_arvalid),
      .ready_i(m_axi_gmem0_arready)
  );
  channel_cover i_r (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(m_axi_gmem0_rvalid),
      .ready_i(m_axi_gmem0_rready)
  );
  channel_cover i_aw (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(m_axi_gmem1_awvalid),
      .ready_i(m_axi_gmem1_awready)
  );
  channel_cover i_w (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(m_axi_gmem1_wvalid),
      .ready_i(m_axi_gmem1_wready)
  );
  // bready follows what is out, so a response hardly ever waits.
  request_cover i_b (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(m_axi_gmem1_bready),
      .ready_i(m_axi_gmem1_bvalid)
  );
endmodule
