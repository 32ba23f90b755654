// Behavioural model of xpm_fifo_sync (AMD UG974). Error correction, sleep and the choice of memory are accepted without
// effect; `dout` is 0 in reset.
`default_nettype wire
module xpm_fifo_sync #(
    parameter integer CASCADE_HEIGHT = 0,
    parameter DOUT_RESET_VALUE = "0",
    parameter ECC_MODE = "no_ecc",
    parameter EN_SIM_ASSERT_ERR = "warning",
    parameter FIFO_MEMORY_TYPE = "auto",
    parameter integer FIFO_READ_LATENCY = 1,
    parameter integer FIFO_WRITE_DEPTH = 2048,
    parameter integer FULL_RESET_VALUE = 0,
    parameter integer PROG_EMPTY_THRESH = 10,
    parameter integer PROG_FULL_THRESH = 10,
    parameter integer RD_DATA_COUNT_WIDTH = 1,
    parameter integer READ_DATA_WIDTH = 32,
    parameter READ_MODE = "std",
    parameter integer SIM_ASSERT_CHK = 0,
    parameter USE_ADV_FEATURES = "0707",
    parameter integer WAKEUP_TIME = 0,
    parameter integer WRITE_DATA_WIDTH = 32,
    parameter integer WR_DATA_COUNT_WIDTH = 1
) (
    input  logic                           sleep,
    input  logic                           rst,
    input  logic                           wr_clk,
    input  logic                           wr_en,
    input  logic [   WRITE_DATA_WIDTH-1:0] din,
    output logic                           full,
    output logic                           prog_full,
    output logic [WR_DATA_COUNT_WIDTH-1:0] wr_data_count,
    output logic                           overflow,
    output logic                           wr_rst_busy,
    output logic                           almost_full,
    output logic                           wr_ack,
    input  logic                           rd_en,
    output logic [    READ_DATA_WIDTH-1:0] dout,
    output logic                           empty,
    output logic                           prog_empty,
    output logic [RD_DATA_COUNT_WIDTH-1:0] rd_data_count,
    output logic                           underflow,
    output logic                           rd_rst_busy,
    output logic                           almost_empty,
    output logic                           data_valid,
    input  logic                           injectsbiterr,
    input  logic                           injectdbiterr,
    output logic                           sbiterr,
    output logic                           dbiterr
);
  assign sbiterr = '0;
  assign dbiterr = '0;
  xpm_fifo_model #(
      .SYNC_STAGES(0),
      .FIFO_WRITE_DEPTH(FIFO_WRITE_DEPTH),
      .WRITE_DATA_WIDTH(WRITE_DATA_WIDTH),
      .READ_DATA_WIDTH(READ_DATA_WIDTH),
      .FIRST_WORD_FALL_THROUGH(READ_MODE == "fwft" ? 1 : 0),
      .FIFO_READ_LATENCY(FIFO_READ_LATENCY),
      .FULL_RESET_VALUE(FULL_RESET_VALUE),
      .PROG_FULL_THRESH(PROG_FULL_THRESH),
      .PROG_EMPTY_THRESH(PROG_EMPTY_THRESH),
      .WR_DATA_COUNT_WIDTH(WR_DATA_COUNT_WIDTH),
      .RD_DATA_COUNT_WIDTH(RD_DATA_COUNT_WIDTH),
      .USE_ADV_FEATURES(USE_ADV_FEATURES),
      .DOUT_RESET_VALUE(DOUT_RESET_VALUE)
  ) fifo (
      .rd_clk(wr_clk),
      .rd_filled(),
      .*
  );
endmodule
