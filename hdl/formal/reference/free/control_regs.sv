// Stands for control_regs in a proof of the whole kernel: any arguments, any start. What the real
// one does with the host's accesses is proved by a job of its own.
module control_regs
  import tcp_pkg::*;
#(
    parameter int unsigned DATA_WIDTH = 512
) (
    input logic clk_i,
    input logic rst_ni,

    // Register bus of axil_slave.
    input  logic        req_i,
    input  logic        write_i,
    input  logic [11:2] addr_i,
    input  logic [31:0] wdata_i,
    input  logic [ 3:0] wstrb_i,
    output logic [31:0] rdata_o,
    output logic        error_o,

    // Policy slots and counters, answered in the next clock, and 0 without an access.
    output logic        policy_access_o,
    output logic        policy_write_o,
    output logic [ 3:0] policy_slot_o,
    output logic [ 2:0] policy_word_o,
    input  logic [31:0] policy_rdata_i,
    output logic        counter_access_o,
    output logic [ 4:0] counter_word_o,
    input  logic [31:0] counter_rdata_i,

    // The run.
    output logic           start_o,
    output logic    [63:0] descriptors_o,
    output logic    [63:0] verdicts_o,
    output logic    [31:0] count_o,
    output logic    [31:0] options_o,
    input  logic           idle_i,
    input  logic           done_i,
    input  status_e        status_i,
    input  logic    [63:0] fail_address_i,

    output logic interrupt_o
);

  // What is not driven is the solver's choice.
  assign rdata_o = '0;
  assign error_o = 1'b0;
  assign policy_access_o = 1'b0;
  assign policy_write_o = 1'b0;
  assign policy_slot_o = '0;
  assign policy_word_o = '0;
  assign counter_access_o = 1'b0;
  assign counter_word_o = '0;
  assign interrupt_o = 1'b0;

  logic any_start;
  logic [63:0] any_descriptors, any_verdicts;
  logic [31:0] any_count, any_options;
  assign start_o = any_start;
  assign descriptors_o = any_descriptors;
  assign verdicts_o = any_verdicts;
  assign count_o = any_count;
  assign options_o = any_options;

endmodule
