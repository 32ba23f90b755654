// Behavioural model of xpm_cdc_array_single (AMD UG974): independent bits, each through a chain of registers of the
// destination's clock.
`default_nettype wire
module xpm_cdc_array_single #(
    parameter integer DEST_SYNC_FF = 4,
    parameter integer INIT_SYNC_FF = 0,
    parameter integer SIM_ASSERT_CHK = 0,
    parameter integer SRC_INPUT_REG = 1,
    parameter integer WIDTH = 2
) (
    input  logic             src_clk,
    input  logic [WIDTH-1:0] src_in,
    input  logic             dest_clk,
    output logic [WIDTH-1:0] dest_out
);
  logic [WIDTH-1:0] source;
  if (SRC_INPUT_REG != 0) begin : g_registered
    logic [WIDTH-1:0] registered = '0;
    always_ff @(posedge src_clk) registered <= src_in;
    assign source = registered;
  end else begin : g_direct
    assign source = src_in;
  end

  logic [DEST_SYNC_FF*WIDTH-1:0] stages = '0;
  always_ff @(posedge dest_clk) stages <= {stages[(DEST_SYNC_FF-1)*WIDTH-1:0], source};
  assign dest_out = stages[(DEST_SYNC_FF-1)*WIDTH+:WIDTH];
endmodule
