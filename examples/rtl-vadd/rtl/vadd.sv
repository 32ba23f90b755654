// Vector addition, c[i] = a[i] + b[i] on 32-bit integers: an RTL kernel by the book (UG1393), kept as small as one can
// be that still moves a beat a clock.
//
// Two read ports and one write port, bursts of up to 64 beats that never cross a 4 KiB boundary, and the register file
// that Vitis' own kernels have (ap_ctrl_hs, interrupt).
module vadd #(
    parameter int DATA_WIDTH = 512
) (
    input  logic                    ap_clk,
    input  logic                    ap_rst_n,
    output logic                    interrupt,
    // Registers.
    input  logic [             5:0] s_axi_control_awaddr,
    input  logic                    s_axi_control_awvalid,
    output logic                    s_axi_control_awready,
    input  logic [            31:0] s_axi_control_wdata,
    input  logic [             3:0] s_axi_control_wstrb,
    input  logic                    s_axi_control_wvalid,
    output logic                    s_axi_control_wready,
    output logic [             1:0] s_axi_control_bresp,
    output logic                    s_axi_control_bvalid,
    input  logic                    s_axi_control_bready,
    input  logic [             5:0] s_axi_control_araddr,
    input  logic                    s_axi_control_arvalid,
    output logic                    s_axi_control_arready,
    output logic [            31:0] s_axi_control_rdata,
    output logic [             1:0] s_axi_control_rresp,
    output logic                    s_axi_control_rvalid,
    input  logic                    s_axi_control_rready,
    // The summands.
    output logic [            63:0] m_axi_gmem0_araddr,
    output logic [             7:0] m_axi_gmem0_arlen,
    output logic                    m_axi_gmem0_arvalid,
    input  logic                    m_axi_gmem0_arready,
    input  logic [  DATA_WIDTH-1:0] m_axi_gmem0_rdata,
    input  logic                    m_axi_gmem0_rlast,
    input  logic                    m_axi_gmem0_rvalid,
    output logic                    m_axi_gmem0_rready,
    output logic [            63:0] m_axi_gmem1_araddr,
    output logic [             7:0] m_axi_gmem1_arlen,
    output logic                    m_axi_gmem1_arvalid,
    input  logic                    m_axi_gmem1_arready,
    input  logic [  DATA_WIDTH-1:0] m_axi_gmem1_rdata,
    input  logic                    m_axi_gmem1_rlast,
    input  logic                    m_axi_gmem1_rvalid,
    output logic                    m_axi_gmem1_rready,
    // The sum.
    output logic [            63:0] m_axi_gmem2_awaddr,
    output logic [             7:0] m_axi_gmem2_awlen,
    output logic                    m_axi_gmem2_awvalid,
    input  logic                    m_axi_gmem2_awready,
    output logic [  DATA_WIDTH-1:0] m_axi_gmem2_wdata,
    output logic [DATA_WIDTH/8-1:0] m_axi_gmem2_wstrb,
    output logic                    m_axi_gmem2_wlast,
    output logic                    m_axi_gmem2_wvalid,
    input  logic                    m_axi_gmem2_wready,
    input  logic [             1:0] m_axi_gmem2_bresp,
    input  logic                    m_axi_gmem2_bvalid,
    output logic                    m_axi_gmem2_bready
);
  logic start, done;
  logic [63:0] a, b, c;
  logic [31:0] count;
  control registers (
      .clk(ap_clk),
      .rst_n(ap_rst_n),
      .*
  );

  logic a_valid, b_valid, sum_ready, next;
  logic [DATA_WIDTH-1:0] a_data, b_data, sum;
  reader #(.DATA_WIDTH(DATA_WIDTH)) read_a (
      .clk(ap_clk), .rst_n(ap_rst_n), .start, .address(a), .count,
      .araddr(m_axi_gmem0_araddr), .arlen(m_axi_gmem0_arlen),
      .arvalid(m_axi_gmem0_arvalid), .arready(m_axi_gmem0_arready)
  );
  reader #(.DATA_WIDTH(DATA_WIDTH)) read_b (
      .clk(ap_clk), .rst_n(ap_rst_n), .start, .address(b), .count,
      .araddr(m_axi_gmem1_araddr), .arlen(m_axi_gmem1_arlen),
      .arvalid(m_axi_gmem1_arvalid), .arready(m_axi_gmem1_arready)
  );
  // Both summands leave their ports together, when the sum is taken.
  assign a_valid = m_axi_gmem0_rvalid;
  assign b_valid = m_axi_gmem1_rvalid;
  assign a_data = m_axi_gmem0_rdata;
  assign b_data = m_axi_gmem1_rdata;
  assign next = a_valid && b_valid && sum_ready;
  assign m_axi_gmem0_rready = next;
  assign m_axi_gmem1_rready = next;
  always_comb
    for (int i = 0; i < DATA_WIDTH / 32; i++) sum[i*32+:32] = a_data[i*32+:32] + b_data[i*32+:32];

  writer #(.DATA_WIDTH(DATA_WIDTH)) write_c (
      .clk(ap_clk), .rst_n(ap_rst_n), .start, .done, .address(c), .count,
      .valid(a_valid && b_valid), .ready(sum_ready), .data(sum),
      .awaddr(m_axi_gmem2_awaddr), .awlen(m_axi_gmem2_awlen),
      .awvalid(m_axi_gmem2_awvalid), .awready(m_axi_gmem2_awready),
      .wdata(m_axi_gmem2_wdata), .wstrb(m_axi_gmem2_wstrb), .wlast(m_axi_gmem2_wlast),
      .wvalid(m_axi_gmem2_wvalid), .wready(m_axi_gmem2_wready),
      .bvalid(m_axi_gmem2_bvalid), .bready(m_axi_gmem2_bready)
  );
endmodule
