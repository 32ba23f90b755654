// Behavioural model of xpm_memory_dprom (AMD UG974): a memory that is only read, by two ports.
// Error correction, sleep and the choice of memory are accepted without effect.
`default_nettype wire
module xpm_memory_dprom #(
    parameter integer ADDR_WIDTH_A = 6,
    parameter integer ADDR_WIDTH_B = 6,
    parameter integer AUTO_SLEEP_TIME = 0,
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
    parameter integer READ_DATA_WIDTH_A = 32,
    parameter integer READ_DATA_WIDTH_B = 32,
    parameter integer READ_LATENCY_A = 2,
    parameter integer READ_LATENCY_B = 2,
    parameter READ_RESET_VALUE_A = "0",
    parameter READ_RESET_VALUE_B = "0",
    parameter RST_MODE_A = "SYNC",
    parameter RST_MODE_B = "SYNC",
    parameter integer SIM_ASSERT_CHK = 0,
    parameter integer USE_MEM_INIT = 1,
    parameter integer USE_MEM_INIT_MMI = 0,
    parameter WAKEUP_TIME = "disable_sleep"
) (
    input  logic sleep,
    input  logic clka,
    input  logic ena,
    input  logic [ADDR_WIDTH_A-1:0] addra,
    input  logic injectsbiterra,
    input  logic injectdbiterra,
    input  logic rsta,
    input  logic regcea,
    output logic [READ_DATA_WIDTH_A-1:0] douta,
    output logic sbiterra,
    output logic dbiterra,
    input  logic clkb,
    input  logic enb,
    input  logic [ADDR_WIDTH_B-1:0] addrb,
    input  logic injectsbiterrb,
    input  logic injectdbiterrb,
    input  logic rstb,
    input  logic regceb,
    output logic [READ_DATA_WIDTH_B-1:0] doutb,
    output logic sbiterrb,
    output logic dbiterrb
);
  assign sbiterra = '0;
  assign dbiterra = '0;
  assign sbiterrb = '0;
  assign dbiterrb = '0;
  xpm_memory_model #(
      .MEMORY_SIZE(MEMORY_SIZE),
      .MEMORY_INIT_FILE(MEMORY_INIT_FILE),
      .MEMORY_INIT_PARAM(MEMORY_INIT_PARAM),
      .WIDTH_A(READ_DATA_WIDTH_A),
      .BYTE_A(READ_DATA_WIDTH_A),
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
      .wea('0),
      .dina('0),
      .web('0),
      .dinb('0),
      .*
  );
endmodule
