// Behavioural model of xpm_cdc_async_rst (AMD UG974): a reset that is asserted at once and released DEST_SYNC_FF
// clocks of the destination after its source.
`default_nettype wire
module xpm_cdc_async_rst #(
    parameter integer DEST_SYNC_FF = 4,
    parameter integer INIT_SYNC_FF = 0,
    parameter integer RST_ACTIVE_HIGH = 0
) (
    input  logic src_arst,
    input  logic dest_clk,
    output logic dest_arst
);
  logic asserted;
  assign asserted = src_arst == (RST_ACTIVE_HIGH != 0);
  logic [DEST_SYNC_FF-1:0] stages = '0;
  always_ff @(posedge dest_clk or posedge asserted) begin
    if (asserted) stages <= '1;
    else stages <= {stages[DEST_SYNC_FF-2:0], 1'b0};
  end
  assign dest_arst = stages[DEST_SYNC_FF-1] == (RST_ACTIVE_HIGH != 0);
endmodule
