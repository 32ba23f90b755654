// An AXI4 slave port that takes bursts, for the engine's master of such ports: adds up the bytes that
// the strobes name, and answers SLVERR for a burst with a clear strobe. `misbehave` breaks a rule on
// channel B: 1 a response without a request, 2 VALID falls, 3 the payload changes.
module sink (
    input logic ap_clk,
    input logic ap_rst_n,
    input logic [1:0] misbehave,

    input  logic [15:0] s_axi_in_awaddr,
    input  logic [7:0]  s_axi_in_awlen,
    input  logic        s_axi_in_awvalid,
    output logic        s_axi_in_awready,
    input  logic [63:0] s_axi_in_wdata,
    input  logic [7:0]  s_axi_in_wstrb,
    input  logic        s_axi_in_wlast,
    input  logic        s_axi_in_wvalid,
    output logic        s_axi_in_wready,
    output logic [1:0]  s_axi_in_bresp,
    output logic        s_axi_in_bvalid,
    input  logic        s_axi_in_bready,

    output logic [31:0] sum,
    output logic [15:0] address,
    output logic [31:0] beats
);
  logic busy, partial;
  assign s_axi_in_awready = ap_rst_n && !busy;
  assign s_axi_in_wready = busy && !s_axi_in_bvalid;

  always_ff @(posedge ap_clk) begin
    if (s_axi_in_awvalid && s_axi_in_awready) begin
      busy <= 1;
      partial <= 0;
      address <= s_axi_in_awaddr;
      beats <= beats + 32'(s_axi_in_awlen) + 1;
    end
    if (s_axi_in_wvalid && s_axi_in_wready) begin
      logic [31:0] added;
      added = 0;
      for (int i = 0; i < 8; i++) if (s_axi_in_wstrb[i]) added += 32'(s_axi_in_wdata[8*i+:8]);
      sum <= sum + added;
      if (s_axi_in_wstrb != '1) partial <= 1;
      if (s_axi_in_wlast) begin
        s_axi_in_bvalid <= 1;
        s_axi_in_bresp <= {partial || s_axi_in_wstrb != '1, 1'b0};
      end
    end
    if (s_axi_in_bvalid && s_axi_in_bready) begin
      s_axi_in_bvalid <= 0;
      busy <= 0;
    end else if (s_axi_in_bvalid && misbehave == 2) s_axi_in_bvalid <= 0;
    else if (s_axi_in_bvalid && misbehave == 3) s_axi_in_bresp <= ~s_axi_in_bresp;
    if (s_axi_in_awvalid && misbehave == 1) s_axi_in_bvalid <= 1;
    if (!ap_rst_n) begin
      busy <= 0;
      s_axi_in_bvalid <= 0;
      sum <= 0;
      beats <= 0;
    end
  end
endmodule
