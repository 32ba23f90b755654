// The registers of both kernels, as UG1393 lays them out:
//   0x00 control (0 ap_start, 1 ap_done, cleared by reading, 2 ap_idle, 3 ap_ready), 0x04 interrupts on,
//   0x08 interrupt enable, 0x0c interrupt status (write 1 to clear), 0x10 address, 0x1c count.
module registers (
    input  logic        clk,
    input  logic        rst_n,
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
    // `start` lasts one clock, and so does `done`.
    output logic        start,
    input  logic        done,
    output logic [63:0] address,
    output logic [31:0] count
);
  logic write, read, idle, ended;
  logic [1:0] enabled, status;
  logic global_enable;
  // A write is taken when both its halves are here and the last answer has gone.
  assign write = s_axi_control_awvalid && s_axi_control_wvalid && (!s_axi_control_bvalid || s_axi_control_bready);
  assign s_axi_control_awready = write;
  assign s_axi_control_wready = write;
  assign s_axi_control_bresp = '0;
  assign read = s_axi_control_arvalid && (!s_axi_control_rvalid || s_axi_control_rready);
  assign s_axi_control_arready = read;
  assign s_axi_control_rresp = '0;
  assign interrupt = global_enable && status != 0;

  logic [31:0] mask, data;
  for (genvar i = 0; i < 4; i++) assign mask[i*8+:8] = {8{s_axi_control_wstrb[i]}};
  assign data = s_axi_control_wdata & mask;

  always_ff @(posedge clk) begin
    start <= 1'b0;
    if (s_axi_control_bready) s_axi_control_bvalid <= 1'b0;
    if (s_axi_control_rready) s_axi_control_rvalid <= 1'b0;
    if (read) begin
      s_axi_control_rvalid <= 1'b1;
      case (s_axi_control_araddr)
        6'h00: begin
          s_axi_control_rdata <= {28'd0, ended, idle, ended, !idle};
          ended <= 1'b0;
        end
        6'h04: s_axi_control_rdata <= 32'(global_enable);
        6'h08: s_axi_control_rdata <= 32'(enabled);
        6'h0c: s_axi_control_rdata <= 32'(status);
        6'h10: s_axi_control_rdata <= address[31:0];
        6'h14: s_axi_control_rdata <= address[63:32];
        6'h1c: s_axi_control_rdata <= count;
        default: s_axi_control_rdata <= '0;
      endcase
    end
    if (write) begin
      s_axi_control_bvalid <= 1'b1;
      case (s_axi_control_awaddr)
        6'h00: if (data[0] && idle) begin
          start <= 1'b1;
          idle <= 1'b0;
          ended <= 1'b0;
        end
        6'h04: global_enable <= data[0];
        6'h08: enabled <= data[1:0];
        6'h0c: status <= status & ~data[1:0];
        6'h10: address[31:0] <= data | (address[31:0] & ~mask);
        6'h14: address[63:32] <= data | (address[63:32] & ~mask);
        6'h1c: count <= data | (count & ~mask);
        default: ;
      endcase
    end
    if (done) begin
      idle <= 1'b1;
      ended <= 1'b1;
      status <= enabled;
    end
    if (!rst_n) begin
      idle <= 1'b1;
      ended <= 1'b0;
      start <= 1'b0;
      s_axi_control_bvalid <= 1'b0;
      s_axi_control_rvalid <= 1'b0;
      global_enable <= 1'b0;
      enabled <= '0;
      status <= '0;
      {address, count} <= '0;
    end
  end
endmodule
