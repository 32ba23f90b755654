// Behavioural model of xpm_cdc_gray (AMD UG974): a counter, carried over in Gray code.
`default_nettype wire
module xpm_cdc_gray #(
    parameter integer DEST_SYNC_FF = 4,
    parameter integer INIT_SYNC_FF = 0,
    parameter integer REG_OUTPUT = 0,
    parameter integer SIM_ASSERT_CHK = 0,
    parameter integer SIM_LOSSLESS_GRAY_CHK = 0,
    parameter integer WIDTH = 2
) (
    input  logic             src_clk,
    input  logic [WIDTH-1:0] src_in_bin,
    input  logic             dest_clk,
    output logic [WIDTH-1:0] dest_out_bin
);
  logic [WIDTH-1:0] gray;
  xpm_cdc_array_single #(
      .DEST_SYNC_FF(DEST_SYNC_FF),
      .SRC_INPUT_REG(1),
      .WIDTH(WIDTH)
  ) bits (
      .src_clk,
      .src_in(src_in_bin ^ (src_in_bin >> 1)),
      .dest_clk,
      .dest_out(gray)
  );
  logic [WIDTH-1:0] binary;
  always_comb for (int i = 0; i < WIDTH; i++) binary[i] = ^(gray >> i);

  if (REG_OUTPUT != 0) begin : g_registered
    logic [WIDTH-1:0] registered = '0;
    always_ff @(posedge dest_clk) registered <= binary;
    assign dest_out_bin = registered;
  end else begin : g_direct
    assign dest_out_bin = binary;
  end
endmodule
