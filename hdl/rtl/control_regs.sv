// The control registers: ap_ctrl_hs handshake and interrupts as Vitis HLS lays them
// out, arguments, status and identity. Address map in docs/registers.md.
//
// Policy slots and counters are kept by their own modules and reached through here.
// Registers that are not listed read 0 and ignore writes; a write to a policy slot
// while a run goes on is answered with SLVERR.
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

  localparam logic [31:0] IDENTITY = 32'h5650_4354;  // "TCPV"
  localparam logic [31:0] INTERFACE_VERSION = 32'd1;

  localparam logic [11:0] CONTROL = 12'h000;
  localparam logic [11:0] GLOBAL_INTERRUPT_ENABLE = 12'h004;
  localparam logic [11:0] INTERRUPT_ENABLE = 12'h008;
  localparam logic [11:0] INTERRUPT_STATUS = 12'h00C;
  localparam logic [11:0] DESCRIPTORS_LOW = 12'h010;
  localparam logic [11:0] DESCRIPTORS_HIGH = 12'h014;
  localparam logic [11:0] VERDICTS_LOW = 12'h01C;
  localparam logic [11:0] VERDICTS_HIGH = 12'h020;
  localparam logic [11:0] COUNT = 12'h028;
  localparam logic [11:0] OPTIONS = 12'h030;
  localparam logic [11:0] STATUS = 12'h040;
  localparam logic [11:0] FAIL_ADDRESS_LOW = 12'h048;
  localparam logic [11:0] FAIL_ADDRESS_HIGH = 12'h04C;
  localparam logic [11:0] IDENTITY_ADDRESS = 12'h0F0;
  localparam logic [11:0] VERSION_ADDRESS = 12'h0F4;
  localparam logic [11:0] WIDTH_ADDRESS = 12'h0F8;

  logic start_q, done_q, ready_q, auto_restart_q;
  logic global_enable_q;
  logic [1:0] enable_q, pending_q;  // bit 0 ap_done, bit 1 ap_ready
  logic [63:0] descriptors_q, verdicts_q;
  logic [31:0] count_q, options_q;
  // Of the last run that ended, so that a running one does not disturb them.
  status_e status_q;
  logic [63:0] fail_address_q;

  wire busy = start_q || !idle_i;

  wire write = req_i && write_i;
  wire read = req_i && !write_i;
  wire low_byte = write && wstrb_i[0];
  wire [11:0] word = {addr_i, 2'b00};
  wire in_counters = addr_i[11:7] == 5'h02;  // 0x100..0x17F
  wire in_policy = addr_i[11:9] == 3'h2;  // 0x400..0x5FF

  function automatic logic [31:0] merge(input logic [31:0] old, input logic [31:0] data,
                                        input logic [3:0] strb);
    for (int unsigned i = 0; i < 4; i++) begin
      merge[8*i+:8] = strb[i] ? data[8*i+:8] : old[8*i+:8];
    end
  endfunction

  assign policy_access_o = req_i && in_policy;
  assign policy_write_o = write && in_policy && !busy;
  assign policy_slot_o = addr_i[8:5];
  assign policy_word_o = addr_i[4:2];
  assign counter_access_o = req_i && in_counters;
  assign counter_word_o = addr_i[6:2];

  // What this module answers itself; 0 for the others.
  logic [31:0] rdata_q;
  assign rdata_o = rdata_q | policy_rdata_i | counter_rdata_i;

  always_ff @(posedge clk_i) begin
    if (req_i) begin
      case (word)
        CONTROL: rdata_q <= {24'h0, auto_restart_q, 3'h0, ready_q, !busy, done_q, start_q};
        GLOBAL_INTERRUPT_ENABLE: rdata_q <= {31'h0, global_enable_q};
        INTERRUPT_ENABLE: rdata_q <= {30'h0, enable_q};
        INTERRUPT_STATUS: rdata_q <= {30'h0, pending_q};
        DESCRIPTORS_LOW: rdata_q <= descriptors_q[31:0];
        DESCRIPTORS_HIGH: rdata_q <= descriptors_q[63:32];
        VERDICTS_LOW: rdata_q <= verdicts_q[31:0];
        VERDICTS_HIGH: rdata_q <= verdicts_q[63:32];
        COUNT: rdata_q <= count_q;
        OPTIONS: rdata_q <= options_q;
        STATUS: rdata_q <= {29'h0, status_q};
        FAIL_ADDRESS_LOW: rdata_q <= fail_address_q[31:0];
        FAIL_ADDRESS_HIGH: rdata_q <= fail_address_q[63:32];
        IDENTITY_ADDRESS: rdata_q <= IDENTITY;
        VERSION_ADDRESS: rdata_q <= INTERFACE_VERSION;
        WIDTH_ADDRESS: rdata_q <= DATA_WIDTH;
        default: rdata_q <= 32'h0;
      endcase
      error_o <= write && in_policy && busy;
    end

    // ap_done and ap_ready are cleared by reading them, unless they rise just then.
    if (read && word == CONTROL) begin
      done_q  <= 1'b0;
      ready_q <= 1'b0;
    end
    if (low_byte && word == CONTROL) begin
      auto_restart_q <= wdata_i[7];
      if (wdata_i[0]) start_q <= 1'b1;
    end
    if (low_byte && word == GLOBAL_INTERRUPT_ENABLE) global_enable_q <= wdata_i[0];
    if (low_byte && word == INTERRUPT_ENABLE) enable_q <= wdata_i[1:0];
    if (low_byte && word == INTERRUPT_STATUS) pending_q <= pending_q ^ wdata_i[1:0];
    if (write) begin
      case (word)
        DESCRIPTORS_LOW: descriptors_q[31:0] <= merge(descriptors_q[31:0], wdata_i, wstrb_i);
        DESCRIPTORS_HIGH: descriptors_q[63:32] <= merge(descriptors_q[63:32], wdata_i, wstrb_i);
        VERDICTS_LOW: verdicts_q[31:0] <= merge(verdicts_q[31:0], wdata_i, wstrb_i);
        VERDICTS_HIGH: verdicts_q[63:32] <= merge(verdicts_q[63:32], wdata_i, wstrb_i);
        COUNT: count_q <= merge(count_q, wdata_i, wstrb_i);
        OPTIONS: options_q <= merge(options_q, wdata_i, wstrb_i);
        default: ;
      endcase
    end

    if (done_i) begin
      start_q <= auto_restart_q;
      done_q  <= 1'b1;
      ready_q <= 1'b1;
      // A bit that is not enabled is the host's alone, also in this clock.
      for (int unsigned b = 0; b < 2; b++) if (enable_q[b]) pending_q[b] <= 1'b1;
      status_q <= status_i;
      fail_address_q <= fail_address_i;
    end

    if (!rst_ni) begin
      start_q <= 1'b0;
      done_q <= 1'b0;
      ready_q <= 1'b0;
      auto_restart_q <= 1'b0;
      global_enable_q <= 1'b0;
      enable_q <= '0;
      pending_q <= '0;
      descriptors_q <= '0;
      verdicts_q <= '0;
      count_q <= '0;
      options_q <= '0;
      status_q <= STATUS_OK;
      fail_address_q <= '0;
    end
  end

  assign start_o = start_q;
  assign descriptors_o = descriptors_q;
  assign verdicts_o = verdicts_q;
  assign count_o = count_q;
  assign options_o = options_q;
  assign interrupt_o = global_enable_q && pending_q != '0;

endmodule
