// Small kernels with a port interface that is odd, in one way each, or merely unusual. Their bodies do
// nothing: only their ports are looked at.

// No awready; the only kernel here with a write port.
module missing_port (
    input  logic        ap_clk,
    output logic        m_axi_gmem_awvalid,
    output logic [63:0] m_axi_gmem_awaddr,
    output logic [7:0]  m_axi_gmem_awlen,
    output logic        m_axi_gmem_wvalid,
    input  logic        m_axi_gmem_wready,
    output logic [31:0] m_axi_gmem_wdata,
    output logic [3:0]  m_axi_gmem_wstrb,
    output logic        m_axi_gmem_wlast,
    input  logic        m_axi_gmem_bvalid,
    output logic        m_axi_gmem_bready
);
endmodule

// Strobes for 64 bits on 32 bits of data.
module wrong_width (
    input  logic        ap_clk,
    output logic        m_axi_gmem_awvalid,
    input  logic        m_axi_gmem_awready,
    output logic [63:0] m_axi_gmem_awaddr,
    output logic [7:0]  m_axi_gmem_awlen,
    output logic        m_axi_gmem_wvalid,
    input  logic        m_axi_gmem_wready,
    output logic [31:0] m_axi_gmem_wdata,
    output logic [7:0]  m_axi_gmem_wstrb,
    output logic        m_axi_gmem_wlast,
    input  logic        m_axi_gmem_bvalid,
    output logic        m_axi_gmem_bready
);
endmodule

// rvalid points the wrong way.
module wrong_direction (
    input  logic        ap_clk,
    output logic        m_axi_gmem_arvalid,
    input  logic        m_axi_gmem_arready,
    output logic [63:0] m_axi_gmem_araddr,
    output logic [7:0]  m_axi_gmem_arlen,
    output logic        m_axi_gmem_rvalid,
    output logic        m_axi_gmem_rready,
    input  logic [31:0] m_axi_gmem_rdata
);
endmodule

module no_clock (
    input logic clk
);
endmodule

// What UG1393 allows: upper case, read only, no id, size, burst or rlast; streams; ports of no bus.
module unusual (
    input  logic          ap_clk,
    input  logic          ap_rst_n,
    output logic          m_axi_in_ARVALID,
    input  logic          m_axi_in_ARREADY,
    output logic [31:0]   m_axi_in_ARADDR,
    output logic [7:0]    m_axi_in_ARLEN,
    output logic [3:0]    m_axi_in_ARCACHE,
    input  logic          m_axi_in_RVALID,
    output logic          m_axi_in_RREADY,
    input  logic [1023:0] m_axi_in_RDATA,
    input  logic          axis_in_tvalid,
    output logic          axis_in_tready,
    input  logic [31:0]   axis_in_tdata,
    output logic          axis_out_tvalid,
    input  logic          axis_out_tready,
    output logic [7:0]    axis_out_tdata,
    output logic          axis_out_tlast,
    input  logic [99:0]   wide__value,
    output logic [99:0]   doubled
);
  assign doubled = wide__value << 1;
  assign axis_in_tready = axis_out_tready;
  assign axis_out_tvalid = axis_in_tvalid;
  assign axis_out_tdata = axis_in_tdata[7:0];
  assign axis_out_tlast = ap_rst_n;
endmodule
