// The register map of the queue: decodes accesses, keeps the interrupt registers, and
// passes the rest on to the pairs, the policies and the counters. Address map in
// docs/queue.md.
module queue_regs
  import queue_pkg::*;
(
    input logic clk_i,
    input logic rst_ni,

    // Register bus of axil_slave, answered late.
    input  logic        req_i,
    input  logic        write_i,
    input  logic [11:2] addr_i,
    input  logic [31:0] wdata_i,
    input  logic [ 3:0] wstrb_i,
    output logic [31:0] rdata_o,
    output logic        error_o,

    // Answered in the next clock, and 0 without an access; a version in the same clock,
    // a policy in the clock after the next.
    output logic         pair_access_o,
    output logic         pair_write_o,
    output pair_t        pair_o,
    output logic  [ 3:0] pair_word_o,
    input  logic  [31:0] pair_rdata_i,
    input  logic         pair_error_i,
    output logic         policy_access_o,
    output logic         policy_write_o,
    output logic  [ 3:0] policy_slot_o,
    output logic  [ 2:0] policy_word_o,
    input  logic  [31:0] policy_rdata_i,
    output logic  [ 3:0] version_slot_o,    // that is swapped, or asked for its version
    output logic         policy_swap_o,
    input  logic  [ 7:0] policy_version_i,
    output logic         event_access_o,
    output logic  [ 4:0] event_word_o,
    input  logic  [31:0] event_rdata_i,
    output logic         counter_access_o,
    output logic  [ 2:0] counter_word_o,
    input  logic  [31:0] counter_rdata_i,

    output logic   doorbell_o,
    output logic   doorbell_head_o,
    output pair_t  doorbell_pair_o,
    output index_t doorbell_index_o,

    output logic [      7:0] moderation_count_o,
    output logic [     23:0] moderation_time_o,
    output logic [PAIRS-1:0] clear_o,             // of the pending bits
    input  logic [PAIRS-1:0] pending_i,
    output logic             interrupt_o
);

  localparam logic [31:0] IDENTITY = 32'h5150_4354;  // "TCPQ"
  localparam logic [31:0] INTERFACE_VERSION = 32'd1;

  localparam logic [11:0] GLOBAL_INTERRUPT_ENABLE = 12'h004;
  localparam logic [11:0] INTERRUPT_ENABLE = 12'h008;
  localparam logic [11:0] INTERRUPT_PENDING = 12'h00C;
  localparam logic [11:0] MODERATION = 12'h010;
  localparam logic [11:0] IDENTITY_ADDRESS = 12'h0F0;
  localparam logic [11:0] VERSION_ADDRESS = 12'h0F4;
  localparam logic [11:0] WIDTH_ADDRESS = 12'h0F8;
  localparam logic [11:0] PAIRS_ADDRESS = 12'h0FC;

  logic global_enable_q;
  logic [PAIRS-1:0] enable_q;
  logic [31:0] moderation_q;

  wire [11:0] word = {addr_i, 2'b00};
  wire in_events = addr_i[11:7] == 5'h02;  // 0x100..0x17F
  wire in_counters = addr_i[11:5] == 7'h0C;  // 0x180..0x19F
  wire in_policies = addr_i[11:9] == 3'h2;  // 0x400..0x5FF
  wire in_versions = addr_i[11:6] == 6'h18;  // 0x600..0x63F
  wire in_doorbells = addr_i[11:7] == 5'h0E;  // 0x700..0x77F
  wire in_pairs = addr_i[11:10] == 2'h2;  // 0x800..0xBFF

  wire torn = write_i && wstrb_i != 4'hF;
  wire write = req_i && write_i && !torn;

  assign pair_access_o = req_i && in_pairs && !torn;
  assign pair_write_o = write && in_pairs;
  assign pair_o = addr_i[9:6];
  assign pair_word_o = addr_i[5:2];
  assign policy_access_o = req_i && in_policies && !torn;
  assign policy_write_o = write && in_policies;
  assign policy_slot_o = addr_i[8:5];
  assign policy_word_o = addr_i[4:2];
  assign policy_swap_o = write && in_versions;
  assign version_slot_o = addr_i[5:2];
  assign event_access_o = req_i && in_events;
  assign event_word_o = addr_i[6:2];
  assign counter_access_o = req_i && in_counters;
  assign counter_word_o = addr_i[4:2];
  assign doorbell_o = write && in_doorbells;
  assign doorbell_head_o = addr_i[2];
  assign doorbell_pair_o = addr_i[6:3];
  assign doorbell_index_o = wdata_i[15:0];
  assign clear_o = write && word == INTERRUPT_PENDING ? wdata_i[PAIRS-1:0] : '0;

  // What is not answered in the next clock, 0 for the others; then all answers.
  logic [31:0] rdata_q, answers_q;
  logic torn_q, error_q;
  assign rdata_o = answers_q | policy_rdata_i;
  assign error_o = error_q;

  always_ff @(posedge clk_i) begin
    if (req_i) begin
      case (word)
        GLOBAL_INTERRUPT_ENABLE: rdata_q <= {31'h0, global_enable_q};
        INTERRUPT_ENABLE: rdata_q <= {16'h0, enable_q};
        INTERRUPT_PENDING: rdata_q <= {16'h0, pending_i};
        MODERATION: rdata_q <= moderation_q;
        IDENTITY_ADDRESS: rdata_q <= IDENTITY;
        VERSION_ADDRESS: rdata_q <= INTERFACE_VERSION;
        WIDTH_ADDRESS: rdata_q <= DATA_WIDTH;
        PAIRS_ADDRESS: rdata_q <= PAIRS;
        default: rdata_q <= 32'h0;
      endcase
      if (in_versions) rdata_q <= {24'h0, policy_version_i};
      torn_q <= torn;
    end
    if (write) begin
      case (word)
        GLOBAL_INTERRUPT_ENABLE: global_enable_q <= wdata_i[0];
        INTERRUPT_ENABLE: enable_q <= wdata_i[PAIRS-1:0];
        MODERATION: moderation_q <= wdata_i;
        default: ;
      endcase
    end
    answers_q <= rdata_q | pair_rdata_i | event_rdata_i | counter_rdata_i;
    error_q <= torn_q || pair_error_i;
    interrupt_o <= global_enable_q && (pending_i & enable_q) != '0;
    if (!rst_ni) begin
      global_enable_q <= 1'b0;
      enable_q <= '0;
      moderation_q <= '0;
      interrupt_o <= 1'b0;
    end
  end

  assign moderation_count_o = moderation_q[7:0];
  assign moderation_time_o  = moderation_q[31:8];

endmodule
