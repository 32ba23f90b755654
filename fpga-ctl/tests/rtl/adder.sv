// Adds two registers: sum (0x20) = left (0x10) + right (0x18). With CHAIN it is an ap_ctrl_chain kernel, whose ap_done
// (bit 1 of 0x00) stays until ap_continue (bit 4) is written; without it has no control register and always adds.
`default_nettype none
module adder #(
    parameter CHAIN = 0
) (
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
  reg [31:0] left, right, sum;
  reg start, done;
  wire write = s_axi_control_AWVALID && s_axi_control_WVALID && !s_axi_control_BVALID;
  wire read = s_axi_control_ARVALID && !s_axi_control_RVALID;
  assign s_axi_control_AWREADY = write;
  assign s_axi_control_WREADY = write;
  assign s_axi_control_ARREADY = read;
  assign s_axi_control_BRESP = 0;
  assign s_axi_control_RRESP = 0;
  always @(posedge ap_clk) begin
    if (!CHAIN || (start && !done)) sum <= left + right;
    if (start && !done) begin
      start <= 0;
      done <= 1;
    end
    if (s_axi_control_BREADY) s_axi_control_BVALID <= 0;
    if (s_axi_control_RREADY) s_axi_control_RVALID <= 0;
    if (write) begin
      s_axi_control_BVALID <= 1;
      if (s_axi_control_AWADDR == 6'h00 && CHAIN) begin
        if (s_axi_control_WDATA[0]) start <= 1;
        if (s_axi_control_WDATA[4]) done <= 0;
      end
      if (s_axi_control_AWADDR == 6'h10) left <= s_axi_control_WDATA;
      if (s_axi_control_AWADDR == 6'h18) right <= s_axi_control_WDATA;
    end
    if (read) begin
      s_axi_control_RVALID <= 1;
      case (s_axi_control_ARADDR)
        6'h00: s_axi_control_RDATA <= {29'd0, !start && !done, done, start};
        6'h10: s_axi_control_RDATA <= left;
        6'h18: s_axi_control_RDATA <= right;
        6'h20: s_axi_control_RDATA <= sum;
        default: s_axi_control_RDATA <= 0;
      endcase
    end
    if (!ap_rst_n) begin
      s_axi_control_BVALID <= 0;
      s_axi_control_RVALID <= 0;
      start <= 0;
      done <= 0;
    end
  end
endmodule
`default_nettype wire
