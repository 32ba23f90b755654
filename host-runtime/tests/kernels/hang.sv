// A kernel (ap_ctrl_hs) whose run ends after as many clocks as register 0x10 says, or never if it says 0. As many resets as
// register 0x18 says leave it as it is: then only a model that is loaded anew works.
`default_nettype none
module hang (
    input  wire        ap_clk,
    input  wire        ap_rst_n,
    input  wire [ 5:0] s_axi_control_AWADDR,
    input  wire        s_axi_control_AWVALID,
    output wire        s_axi_control_AWREADY,
    input  wire [31:0] s_axi_control_WDATA,
    input  wire [ 3:0] s_axi_control_WSTRB,
    input  wire        s_axi_control_WVALID,
    output wire        s_axi_control_WREADY,
    output wire [ 1:0] s_axi_control_BRESP,
    output reg         s_axi_control_BVALID,
    input  wire        s_axi_control_BREADY,
    input  wire [ 5:0] s_axi_control_ARADDR,
    input  wire        s_axi_control_ARVALID,
    output wire        s_axi_control_ARREADY,
    output reg  [31:0] s_axi_control_RDATA,
    output wire [ 1:0] s_axi_control_RRESP,
    output reg         s_axi_control_RVALID,
    input  wire        s_axi_control_RREADY
);
  reg [31:0] clocks, left;
  reg [31:0] wedged = 0;
  reg start, done, in_reset;
  wire write = s_axi_control_AWVALID && s_axi_control_WVALID && !s_axi_control_BVALID;
  wire read = s_axi_control_ARVALID && !s_axi_control_RVALID;
  assign s_axi_control_AWREADY = write;
  assign s_axi_control_WREADY = write;
  assign s_axi_control_ARREADY = read;
  assign s_axi_control_BRESP = 0;
  assign s_axi_control_RRESP = 0;
  always @(posedge ap_clk) begin
    if (start && left != 0) left <= left - 1;
    if (start && left == 1) begin
      start <= 0;
      done <= 1;
    end
    if (s_axi_control_BREADY) s_axi_control_BVALID <= 0;
    if (s_axi_control_RREADY) s_axi_control_RVALID <= 0;
    if (write) begin
      s_axi_control_BVALID <= 1;
      if (s_axi_control_AWADDR == 6'h00 && s_axi_control_WDATA[0]) begin
        start <= 1;
        left <= clocks;
      end
      if (s_axi_control_AWADDR == 6'h10) clocks <= s_axi_control_WDATA;
      if (s_axi_control_AWADDR == 6'h18) wedged <= s_axi_control_WDATA;
    end
    if (read) begin
      s_axi_control_RVALID <= 1;
      s_axi_control_RDATA <= s_axi_control_ARADDR == 6'h10 ? clocks : {29'd0, !start, done, start};
      if (s_axi_control_ARADDR == 6'h00) done <= 0;
    end
    in_reset <= !ap_rst_n;
    if (!ap_rst_n) begin
      s_axi_control_BVALID <= 0;
      s_axi_control_RVALID <= 0;
      if (wedged == 0) begin
        start <= 0;
        done <= 0;
      end
    end else if (in_reset && wedged != 0) wedged <= wedged - 1;
  end
endmodule
`default_nettype wire
