// control_regs against docs/registers.md: what each register reads and takes, byte by byte; that a
// write of ap_start is one run and no other start is; that done, ready and an interrupt are told
// once for each run's end and none is lost; that no policy slot is written under a run.
//
// `place` is any register and `lane` any byte of it, so what holds for them holds for all.
module control_regs_formal
  import tcp_pkg::*;
#(
    parameter int unsigned DATA_WIDTH = 512
) (
    input logic           clk_i,
    input logic           rst_ni,
    input logic           req_i,
    input logic           write_i,
    input logic    [11:2] addr_i,
    input logic    [31:0] wdata_i,
    input logic    [ 3:0] wstrb_i,
    input logic    [31:0] policy_rdata_i,
    input logic    [31:0] counter_rdata_i,
    input logic           idle_i,
    input logic           done_i,
    input status_e        status_i,
    input logic    [63:0] fail_address_i
);

  logic [31:0] rdata, count, options;
  logic error, policy_access, policy_write, counter_access, start, interrupt;
  logic [3:0] policy_slot;
  logic [2:0] policy_word;
  logic [4:0] counter_word;
  logic [63:0] descriptors, verdicts;

  control_regs #(
      .DATA_WIDTH(DATA_WIDTH)
  ) dut (
      .clk_i,
      .rst_ni,
      .req_i,
      .write_i,
      .addr_i,
      .wdata_i,
      .wstrb_i,
      .rdata_o         (rdata),
      .error_o         (error),
      .policy_access_o (policy_access),
      .policy_write_o  (policy_write),
      .policy_slot_o   (policy_slot),
      .policy_word_o   (policy_word),
      .policy_rdata_i,
      .counter_access_o(counter_access),
      .counter_word_o  (counter_word),
      .counter_rdata_i,
      .start_o         (start),
      .descriptors_o   (descriptors),
      .verdicts_o      (verdicts),
      .count_o         (count),
      .options_o       (options),
      .idle_i,
      .done_i,
      .status_i,
      .fail_address_i,
      .interrupt_o     (interrupt)
  );

  wire [11:0] at = {addr_i, 2'b00};
  wire write = req_i && write_i;
  wire read = req_i && !write_i;
  wire in_counters = at >= 12'h100 && at < 12'h180;
  wire in_policies = at >= 12'h400 && at < 12'h600;
  wire begins = start && idle_i;

  // An argument's byte as it was written last.
  logic [11:0] place;
  logic [1:0] lane;
  logic [7:0] byte_q;
  function automatic logic is_argument(input logic [11:0] address);
    is_argument = address inside {12'h010, 12'h014, 12'h01C, 12'h020, 12'h028, 12'h030};
  endfunction
  wire argument = is_argument(place);
  logic [31:0] argument_word;
  always_comb begin
    case (place)
      12'h010: argument_word = descriptors[31:0];
      12'h014: argument_word = descriptors[63:32];
      12'h01C: argument_word = verdicts[31:0];
      12'h020: argument_word = verdicts[63:32];
      12'h028: argument_word = count;
      default: argument_word = options;
    endcase
  end

  // A run: asked for by the host, or by the end of one before; then begun, until it ends.
  logic asked_q, begun_q, restart_q;
  // Ends of runs that reads of the control register have not shown yet.
  logic untold_q;
  logic global_q;
  logic [1:0] enable_q, pending_q;
  logic [ 2:0] status_q;
  logic [63:0] fail_address_q;
  wire  [ 1:0] toggled = write && at == 12'h00C && wstrb_i[0] ? wdata_i[1:0] : 2'b00;
  // What a register other than the arguments holds.
  logic [31:0] holds;
  always_comb begin
    case (at)
      12'h000:
      holds = {
        24'h0, restart_q, 3'h0, untold_q, !(asked_q || begun_q), untold_q, asked_q || begun_q
      };
      12'h004: holds = {31'h0, global_q};
      12'h008: holds = {30'h0, enable_q};
      12'h00C: holds = {30'h0, pending_q};
      12'h040: holds = {29'h0, status_q};
      12'h048: holds = fail_address_q[31:0];
      12'h04C: holds = fail_address_q[63:32];
      12'h0F0: holds = "VPCT";  // "TCPV" in memory
      12'h0F4: holds = 32'd1;
      12'h0F8: holds = DATA_WIDTH;
      default: holds = 32'd0;
    endcase
  end

  logic running_q = 1'b0;
  logic was_req_q = 1'b0, was_policy_q = 1'b0, was_counter_q = 1'b0, was_argument_q = 1'b0;
  logic was_place_q;
  logic was_refused_q;
  logic [31:0] held_q;
  // The other side: run_control.
  logic was_idle_q, was_begun_q, was_done_q;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    place <= place;
    lane <= lane;
    if (write && at == place && argument && wstrb_i[lane]) byte_q <= wdata_i[8*lane+:8];

    if (write && at == 12'h000 && wstrb_i[0]) restart_q <= wdata_i[7];
    if (write && at == 12'h000 && wstrb_i[0] && wdata_i[0] && !begun_q) asked_q <= 1'b1;
    if (read && at == 12'h000) untold_q <= 1'b0;
    if (write && at == 12'h004 && wstrb_i[0]) global_q <= wdata_i[0];
    if (write && at == 12'h008 && wstrb_i[0]) enable_q <= wdata_i[1:0];
    pending_q <= pending_q ^ toggled;
    if (begins) begin
      asked_q <= 1'b0;
      begun_q <= 1'b1;
    end
    if (done_i) begin
      begun_q <= 1'b0;
      asked_q <= restart_q;
      untold_q <= 1'b1;
      pending_q <= (pending_q ^ toggled) | enable_q;
      status_q <= status_i;
      fail_address_q <= fail_address_i;
    end

    was_req_q <= req_i;
    was_policy_q <= req_i && in_policies;
    was_counter_q <= req_i && in_counters;
    was_argument_q <= req_i && is_argument(at);
    was_place_q <= at == place;
    was_refused_q <= write && in_policies && (asked_q || begun_q);
    held_q <= is_argument(at) ? {4{byte_q}} : holds;
    was_idle_q <= idle_i;
    was_begun_q <= begins;
    was_done_q <= done_i;
    if (!rst_ni) begin
      byte_q <= '0;
      asked_q <= 1'b0;
      begun_q <= 1'b0;
      restart_q <= 1'b0;
      untold_q <= 1'b0;
      global_q <= 1'b0;
      enable_q <= '0;
      pending_q <= '0;
      status_q <= '0;
      fail_address_q <= '0;
      was_req_q <= 1'b0;
      was_idle_q <= 1'b1;
      was_begun_q <= 1'b0;
      was_done_q <= 1'b0;
    end
  end

  always_comb begin
    if (!running_q) assume (!rst_ni);
    assume (place[1:0] == 2'b00);
    // run_control leaves idleness for a start, and comes back to it after a done; both proved
    // there.
    if (running_q) begin
      assume (idle_i == (was_done_q || (was_idle_q && !was_begun_q)));
      assume (!(done_i && idle_i));
    end
    // The other modules' answers are 0 but for their accesses.
    if (!was_policy_q) assume (policy_rdata_i == '0);
    if (!was_counter_q) assume (counter_rdata_i == '0);

    if (running_q && rst_ni) begin
      // The answer, in the clock after the access.
      if (was_req_q) begin
        if (was_policy_q)
          assert (rdata == policy_rdata_i);
          else if (was_counter_q)
            assert (rdata == counter_rdata_i);
            else if (!was_argument_q)
              assert (rdata == held_q);
              else if (was_place_q) assert (rdata[8*lane+:8] == held_q[7:0]);
        assert (error == was_refused_q);
      end
      if (argument) assert (argument_word[8*lane+:8] == byte_q);

      // Each start is one run, each run has a start.
      assert (begins == (asked_q && idle_i));
      assert (begun_q == !idle_i);
      assert (interrupt == (global_q && pending_q != '0));

      // What lies elsewhere.
      assert (policy_access == (req_i && in_policies));
      assert (policy_write == (write && in_policies && !asked_q && !begun_q));
      if (policy_access) assert ({policy_slot, policy_word} == addr_i[8:2]);
      assert (counter_access == (req_i && in_counters));
      if (counter_access) assert (counter_word == addr_i[6:2]);

      // What the induction stands on.
      assert (dut.start_q == (asked_q || begun_q));
      assert (dut.done_q == untold_q && dut.ready_q == untold_q);
      assert (dut.auto_restart_q == restart_q);
      assert (dut.global_enable_q == global_q && dut.enable_q == enable_q);
      assert (dut.pending_q == pending_q);
      assert (dut.status_q == status_e'(status_q) && dut.fail_address_q == fail_address_q);
      if (asked_q) assert (idle_i);
    end
  end

endmodule
