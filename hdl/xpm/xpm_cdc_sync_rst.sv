// Behavioural model of xpm_cdc_sync_rst (AMD UG974): a reset through a chain of registers, both edges delayed.
`default_nettype wire
module xpm_cdc_sync_rst #(
    parameter integer DEST_SYNC_FF = 4,
    parameter integer INIT = 1,
    parameter integer INIT_SYNC_FF = 0,
    parameter integer SIM_ASSERT_CHK = 0
) (
    input  logic src_rst,
    input  logic dest_clk,
    output logic dest_rst
);
  logic [DEST_SYNC_FF-1:0] stages = {DEST_SYNC_FF{INIT != 0}};
  always_ff @(posedge dest_clk) stages <= {stages[DEST_SYNC_FF-2:0], src_rst};
  assign dest_rst = stages[DEST_SYNC_FF-1];
endmodule
