// Behavioural model of xpm_memory_dpdistram (AMD UG974): a memory with a port to write and read, and one to read; a word that is read while it is written is the old one.
`default_nettype wire
module xpm_memory_dpdistram #(
    parameter integer ADDR_WIDTH_A = 6,
    parameter integer ADDR_WIDTH_B = 6,
    parameter integer BYTE_WRITE_WIDTH_A = 32,
    parameter CLOCKING_MODE = "common_clock",
    parameter integer IGNORE_INIT_SYNTH = 0,
    parameter MEMORY_INIT_FILE = "none",
    parameter MEMORY_INIT_PARAM = "0",
    parameter MEMORY_OPTIMIZATION = "true",
    parameter integer MEMORY_SIZE = 2048,
    parameter integer MESSAGE_CONTROL = 0,
    parameter integer READ_DATA_WIDTH_A = 32,
    parameter integer READ_DATA_WIDTH_B = 32,
    parameter integer READ_LATENCY_A = 2,
    parameter integer READ_LATENCY_B = 2,
    parameter READ_RESET_VALUE_A = "0",
    parameter READ_RESET_VALUE_B = "0",
    parameter RST_MODE_A = "SYNC",
    parameter RST_MODE_B = "SYNC",
    parameter integer SIM_ASSERT_CHK = 0,
    parameter integer USE_EMBEDDED_CONSTRAINT = 0,
    parameter integer USE_MEM_INIT = 1,
    parameter integer USE_MEM_INIT_MMI = 0,
    parameter integer WRITE_DATA_WIDTH_A = 32
) (
    input  logic clka,
    input  logic ena,
    input  logic [ADDR_WIDTH_A-1:0] addra,
    input  logic [WRITE_DATA_WIDTH_A/BYTE_WRITE_WIDTH_A-1:0] wea,
    input  logic [WRITE_DATA_WIDTH_A-1:0] dina,
    input  logic rsta,
    input  logic regcea,
    output logic [READ_DATA_WIDTH_A-1:0] douta,
    input  logic clkb,
    input  logic enb,
    input  logic [ADDR_WIDTH_B-1:0] addrb,
    input  logic rstb,
    input  logic regceb,
    output logic [READ_DATA_WIDTH_B-1:0] doutb
);
  xpm_memory_model #(
      .MEMORY_SIZE(MEMORY_SIZE),
      .MEMORY_INIT_FILE(MEMORY_INIT_FILE),
      .MEMORY_INIT_PARAM(MEMORY_INIT_PARAM),
      .WIDTH_A(WRITE_DATA_WIDTH_A),
      .BYTE_A(BYTE_WRITE_WIDTH_A),
      .ADDR_WIDTH_A(ADDR_WIDTH_A),
      .WIDTH_B(READ_DATA_WIDTH_B),
      .BYTE_B(READ_DATA_WIDTH_B),
      .ADDR_WIDTH_B(ADDR_WIDTH_B),
      .LATENCY_A(READ_LATENCY_A),
      .READ_RESET_VALUE_A(READ_RESET_VALUE_A),
      .ASYNC_RESET_A(RST_MODE_A == "ASYNC" ? 1 : 0),
      .LATENCY_B(READ_LATENCY_B),
      .READ_RESET_VALUE_B(READ_RESET_VALUE_B),
      .ASYNC_RESET_B(RST_MODE_B == "ASYNC" ? 1 : 0)
  ) memory (
      .clkb(CLOCKING_MODE == "common_clock" ? clka : clkb),
      .web('0),
      .dinb('0),
      .*
  );
endmodule
