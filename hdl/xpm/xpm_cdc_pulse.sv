// Behavioural model of xpm_cdc_pulse (AMD UG974): each rising edge of the source is one clock's pulse at the
// destination.
`default_nettype wire
module xpm_cdc_pulse #(
    parameter integer DEST_SYNC_FF = 4,
    parameter integer INIT_SYNC_FF = 0,
    parameter integer REG_OUTPUT = 0,
    parameter integer RST_USED = 1,
    parameter integer SIM_ASSERT_CHK = 0
) (
    input  logic src_clk,
    input  logic src_rst,
    input  logic src_pulse,
    input  logic dest_clk,
    input  logic dest_rst,
    output logic dest_pulse
);
  logic src_reset, dest_reset;
  assign src_reset  = RST_USED != 0 && src_rst;
  assign dest_reset = RST_USED != 0 && dest_rst;

  logic previous = '0;
  logic level = '0;
  always_ff @(posedge src_clk) begin
    previous <= src_pulse;
    if (src_pulse && !previous) level <= !level;
    if (src_reset) begin
      previous <= '0;
      level  <= '0;
    end
  end

  logic [DEST_SYNC_FF:0] stages = '0;
  always_ff @(posedge dest_clk) stages <= dest_reset ? '0 : {stages[DEST_SYNC_FF-1:0], level};
  logic pulse;
  assign pulse = stages[DEST_SYNC_FF] ^ stages[DEST_SYNC_FF-1];

  if (REG_OUTPUT != 0) begin : g_registered
    logic registered = '0;
    always_ff @(posedge dest_clk) registered <= pulse && !dest_reset;
    assign dest_pulse = registered;
  end else begin : g_direct
    assign dest_pulse = pulse;
  end
endmodule
