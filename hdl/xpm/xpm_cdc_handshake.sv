// Behavioural model of xpm_cdc_handshake (AMD UG974): a word carried over by request and acknowledgement.
`default_nettype wire
module xpm_cdc_handshake #(
    parameter integer DEST_EXT_HSK = 1,
    parameter integer DEST_SYNC_FF = 4,
    parameter integer INIT_SYNC_FF = 0,
    parameter integer SIM_ASSERT_CHK = 0,
    parameter integer SRC_SYNC_FF = 4,
    parameter integer WIDTH = 1
) (
    input  logic             src_clk,
    input  logic [WIDTH-1:0] src_in,
    input  logic             src_send,
    output logic             src_rcv,
    input  logic             dest_clk,
    output logic [WIDTH-1:0] dest_out,
    output logic             dest_req,
    input  logic             dest_ack
);
  logic sent = '0;
  logic [WIDTH-1:0] word = '0;
  always_ff @(posedge src_clk) begin
    sent <= src_send;
    if (src_send && !sent) word <= src_in;
  end

  logic arrived;
  logic requested = '0;
  logic [WIDTH-1:0] taken = '0;
  always_ff @(posedge dest_clk) begin
    requested <= arrived;
    if (arrived && !requested) taken <= word;
  end
  assign dest_req = requested;
  assign dest_out = taken;

  xpm_cdc_single #(
      .DEST_SYNC_FF(DEST_SYNC_FF),
      .SRC_INPUT_REG(0)
  ) request (
      .src_clk,
      .src_in(sent),
      .dest_clk,
      .dest_out(arrived)
  );
  xpm_cdc_single #(
      .DEST_SYNC_FF(SRC_SYNC_FF),
      .SRC_INPUT_REG(1)
  ) acknowledgement (
      .src_clk (dest_clk),
      .src_in  (DEST_EXT_HSK != 0 ? dest_ack : requested),
      .dest_clk(src_clk),
      .dest_out(src_rcv)
  );
endmodule
