// A kernel that does nothing: ap_done a clock after ap_start. What a launch costs beside its clocks is measured with it.
`default_nettype none
module empty (
    input  wire        ap_clk,
    input  wire        ap_rst_n,
    output wire        interrupt,
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
  localparam bit [5:0] Control = 6'h00, GlobalEnable = 6'h04, Enable = 6'h08, Status = 6'h0C;

  reg start, done, global_enable;
  reg [1:0] enable, status;

  wire write = s_axi_control_AWVALID && s_axi_control_WVALID && !s_axi_control_BVALID;
  wire read = s_axi_control_ARVALID && !s_axi_control_RVALID;
  assign s_axi_control_AWREADY = write;
  assign s_axi_control_WREADY = write;
  assign s_axi_control_ARREADY = read;
  assign s_axi_control_BRESP = 2'b00;
  assign s_axi_control_RRESP = 2'b00;
  assign interrupt = global_enable && |status;

  always_ff @(posedge ap_clk) begin
    if (s_axi_control_BREADY) s_axi_control_BVALID <= 1'b0;
    if (s_axi_control_RREADY) s_axi_control_RVALID <= 1'b0;
    if (read) begin
      s_axi_control_RVALID <= 1'b1;
      case (s_axi_control_ARADDR)
        Control: begin
          s_axi_control_RDATA <= {28'd0, done, !start, done, start};
          done <= 1'b0;
        end
        GlobalEnable: s_axi_control_RDATA <= {31'd0, global_enable};
        Enable: s_axi_control_RDATA <= {30'd0, enable};
        Status: s_axi_control_RDATA <= {30'd0, status};
        default: s_axi_control_RDATA <= 32'd0;
      endcase
    end
    if (write) begin
      s_axi_control_BVALID <= 1'b1;
      if (s_axi_control_WSTRB[0]) begin
        case (s_axi_control_AWADDR)
          Control: if (s_axi_control_WDATA[0]) start <= 1'b1;
          GlobalEnable: global_enable <= s_axi_control_WDATA[0];
          Enable: enable <= s_axi_control_WDATA[1:0];
          Status: status <= status ^ s_axi_control_WDATA[1:0];
          default: ;
        endcase
      end
    end
    if (start) begin
      start <= 1'b0;
      done <= 1'b1;
      status <= status | enable;
    end
    if (!ap_rst_n) begin
      start <= 1'b0;
      done <= 1'b0;
      global_enable <= 1'b0;
      enable <= 2'b00;
      status <= 2'b00;
      s_axi_control_BVALID <= 1'b0;
      s_axi_control_RVALID <= 1'b0;
    end
  end
endmodule
`default_nettype wire
