// Takes words from a stream, adds one to each, and writes them to an array in memory.
module consume (
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
    output logic [63:0] m_axi_gmem_awaddr,
    output logic [ 7:0] m_axi_gmem_awlen,
    output logic        m_axi_gmem_awvalid,
    input  logic        m_axi_gmem_awready,
    output logic [31:0] m_axi_gmem_wdata,
    output logic [ 3:0] m_axi_gmem_wstrb,
    output logic        m_axi_gmem_wlast,
    output logic        m_axi_gmem_wvalid,
    input  logic        m_axi_gmem_wready,
    input  logic        m_axi_gmem_bvalid,
    output logic        m_axi_gmem_bready,
    input  logic [31:0] in_tdata,
    input  logic        in_tlast,
    input  logic        in_tvalid,
    output logic        in_tready
);
  logic start, done, busy, addressed, waiting;
  logic [63:0] address, at;
  logic [31:0] count, left;
  registers control (.clk(ap_clk), .rst_n(ap_rst_n), .*);

  assign m_axi_gmem_awaddr = at;
  assign m_axi_gmem_awlen = '0;
  assign m_axi_gmem_awvalid = left != 0 && !addressed && !waiting;
  assign m_axi_gmem_wdata = in_tdata + 1;
  assign m_axi_gmem_wstrb = '1;
  assign m_axi_gmem_wlast = 1'b1;
  assign m_axi_gmem_wvalid = in_tvalid && addressed;
  assign in_tready = m_axi_gmem_wready && addressed;
  assign m_axi_gmem_bready = 1'b1;
  always_ff @(posedge ap_clk) begin
    done <= busy && !start && left == 0 && !done;
    if (done) busy <= 1'b0;
    if (m_axi_gmem_awvalid && m_axi_gmem_awready) addressed <= 1'b1;
    if (m_axi_gmem_wvalid && m_axi_gmem_wready) begin
      addressed <= 1'b0;
      waiting <= 1'b1;
    end
    if (m_axi_gmem_bvalid) begin
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
      addressed <= 1'b0;
      waiting <= 1'b0;
      left <= '0;
    end
  end
endmodule
