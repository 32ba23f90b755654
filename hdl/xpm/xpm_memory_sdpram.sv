// Behavioural model of xpm_memory_sdpram (AMD UG974): a memory with a port to write and one to read; a word that is read while it is written is the old one.
// Error correction, sleep and the choice of memory are accepted without effect.
`default_nettype wire
module xpm_memory_sdpram #(
    parameter integer ADDR_WIDTH_A = 6,
    parameter integer ADDR_WIDTH_B = 6,
    parameter integer AUTO_SLEEP_TIME = 0,
    parameter integer BYTE_WRITE_WIDTH_A = 32,
    parameter integer CASCADE_HEIGHT = 0,
    parameter CLOCKING_MODE = "common_clock",
    parameter ECC_BIT_RANGE = "7:0",
    parameter ECC_MODE = "no_ecc",
    parameter ECC_TYPE = "none",
    parameter integer IGNORE_INIT_SYNTH = 0,
    parameter MEMORY_INIT_FILE = "none",
    parameter MEMORY_INIT_PARAM = "0",
    parameter MEMORY_OPTIMIZATION = "true",
    parameter MEMORY_PRIMITIVE = "auto",
    parameter integer MEMORY_SIZE = 2048,
    parameter integer MESSAGE_CONTROL = 0,
    parameter RAM_DECOMP = "auto",
    parameter integer READ_DATA_WIDTH_B = 32,
    parameter integer READ_LATENCY_B = 2,
    parameter READ_RESET_VALUE_B = "0",
    parameter RST_MODE_A = "SYNC",
    parameter RST_MODE_B = "SYNC",
    parameter integer SIM_ASSERT_CHK = 0,
    parameter integer USE_EMBEDDED_CONSTRAINT = 0,
    parameter integer USE_MEM_INIT = 1,
    parameter integer USE_MEM_INIT_MMI = 0,
    parameter WAKEUP_TIME = "disable_sleep",
    parameter integer WRITE_DATA_WIDTH_A = 32,
    parameter WRITE_MODE_B = "no_change",
    parameter integer WRITE_PROTECT = 1
) (
    input  logic sleep,
    input  logic clka,
    input  logic ena,
    input  logic [ADDR_WIDTH_A-1:0] addra,
    input  logic [WRITE_DATA_WIDTH_A/BYTE_WRITE_WIDTH_A-1:0] wea,
    input  logic [WRITE_DATA_WIDTH_A-1:0] dina,
    input  logic injectsbiterra,
    input  logic injectdbiterra,
    input  logic clkb,
    input  logic enb,
    input  logic [ADDR_WIDTH_B-1:0] addrb,
    input  logic rstb,
    input  logic regceb,
    output logic [READ_DATA_WIDTH_B-1:0] doutb,
    output logic sbiterrb,
    output logic dbiterrb
);
  assign sbiterrb = '0;
  assign dbiterrb = '0;
  xpm_memory_model #(
      .MEMORY_SIZE(MEMORY_SIZE),
      .MEMORY_INIT_FILE(MEMORY_INIT_FILE),
      .MEMORY_INIT_PARAM(MEMORY_INIT_PARAM),
      .READ_RESET_VALUE_B(READ_RESET_VALUE_B),
      .ASYNC_RESET_B(RST_MODE_B == "ASYNC" ? 1 : 0),
      .WIDTH_A(WRITE_DATA_WIDTH_A),
      .WIDTH_B(READ_DATA_WIDTH_B),
      .BYTE_A(BYTE_WRITE_WIDTH_A),
      .BYTE_B(READ_DATA_WIDTH_B),
      .ADDR_WIDTH_A(ADDR_WIDTH_A),
      .ADDR_WIDTH_B(ADDR_WIDTH_B),
      .LATENCY_B(READ_LATENCY_B),
      .WRITE_FIRST_B(0),
      .NO_CHANGE_B(0)
  ) memory (
      .clkb(CLOCKING_MODE == "common_clock" ? clka : clkb),
      .rsta(1'b0),
      .regcea(1'b0),
      .douta(),
      .web('0),
      .dinb('0),
      .*
  );
endmodule
