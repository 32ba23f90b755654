// Reads an array of 32-bit words from memory and sends it as a stream, the last word with TLAST.
module produce (
    input  logic        ap_clk,
    input  logic        ap_rst_n,
    output logic        interrupt,
    input  logic [ 5:0] s_axi_control_awaddr,
    input  logic        s_axi_control_awvalid,
    output logic        s_axi_control_awready,
    input  logic [31:0] s_axi_control_wdata,
    input  logic [ 3:0] s_axi_control_wstrb,
    input  logic        s_axi_control_wvalid,
    output logic        s_axi_control_wready,
    output logic [ 1:0] s_axi_control_bresp,
    output logic        s_axi_control_bvalid,
    input  logic        s_axi_control_bready,
    input  logic [ 5:0] s_axi_control_araddr,
    input  logic        s_axi_control_arvalid,
    output logic        s_axi_control_arready,
    output logic [31:0] s_axi_control_rdata,
    output logic [ 1:0] s_axi_control_rresp,
    output logic        s_axi_control_rvalid,
    input  logic        s_axi_control_rready,
    output logic [63:0] m_axi_gmem_araddr,
    output logic [ 7:0] m_axi_gmem_arlen,
    output logic        m_axi_gmem_arvalid,
    input  logic        m_axi_gmem_arready,
    input  logic [31:0] m_axi_gmem_rdata,
    input  logic        m_axi_gmem_rlast,
    input  logic        m_axi_gmem_rvalid,
    output logic        m_axi_gmem_rready,
    output logic [31:0] out_tdata,
    output logic        out_tlast,
    output logic        out_tvalid,
    input  logic        out_tready
);
  logic start, done, waiting;
  logic [63:0] address, at;
  logic [31:0] count, left;
  registers control (.clk(ap_clk), .rst_n(ap_rst_n), .*);

  // One word at a time: the point here is the stream.
  assign m_axi_gmem_araddr = at;
  assign m_axi_gmem_arlen = '0;
  assign m_axi_gmem_arvalid = left != 0 && !waiting;
  assign m_axi_gmem_rready = out_tready;
  assign out_tvalid = m_axi_gmem_rvalid;
  assign out_tdata = m_axi_gmem_rdata;
  assign out_tlast = left == 1;
  logic busy;
  always_ff @(posedge ap_clk) begin
    done <= busy && !start && left == 0 && !done;
    if (done) busy <= 1'b0;
    if (m_axi_gmem_arvalid && m_axi_gmem_arready) waiting <= 1'b1;
    if (out_tvalid && out_tready) begin
      waiting <= 1'b0;
      at <= at + 4;
      left <= left - 1;
    end
    if (start) begin
      busy <= 1'b1;
      at <= address;
      left <= count;
    end
    if (!ap_rst_n) begin
      busy <= 1'b0;
      done <= 1'b0;
      waiting <= 1'b0;
      left <= '0;
    end
  end
endmodule
