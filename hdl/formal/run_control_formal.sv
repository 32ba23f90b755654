// run_control: what it asks of the movers for `count` descriptors is just what they need. The
// beats before the last hold count - last_lanes whole descriptors, the last beat completes
// last_lanes, and no beat more is read than that. Refused arguments and an empty run launch
// nothing and end in three clocks; a run ends once both movers are done.
module run_control_formal
  import tcp_pkg::*;
#(
    parameter int unsigned DATA_WIDTH = 512
) (
    input logic        clk_i,
    input logic        rst_ni,
    input logic        start_i,
    input logic [63:0] descriptors_i,
    input logic [63:0] verdicts_i,
    input logic [31:0] count_i,
    input logic [31:0] options_i,
    input logic        read_busy_i,
    input logic        read_failed_i,
    input logic [63:0] read_fail_address_i,
    input logic        write_finished_i,
    input logic        write_failed_i,
    input logic [63:0] write_fail_address_i,
    input logic [32:0] group_i                // the solver's: last beat = 3 * group + phase
);

  localparam int unsigned BYTES = DATA_WIDTH / 8;
  localparam int unsigned GROUP = 3 * BYTES / 24;

  logic idle, done, load_policy, clear, launch, wide, detail;
  status_e status;
  logic [63:0] fail_address, read_address, write_address;
  logic [3:0] policy_slot;
  logic [32:0] last_beat;
  logic [1:0] last_lanes;
  checksum_e checksum;

  run_control #(
      .DATA_WIDTH(DATA_WIDTH)
  ) dut (
      .clk_i,
      .rst_ni,
      .start_i,
      .descriptors_i,
      .verdicts_i,
      .count_i,
      .options_i,
      .idle_o          (idle),
      .done_o          (done),
      .status_o        (status),
      .fail_address_o  (fail_address),
      .load_policy_o   (load_policy),
      .policy_slot_o   (policy_slot),
      .clear_o         (clear),
      .launch_o        (launch),
      .read_address_o  (read_address),
      .read_last_beat_o(last_beat),
      .write_address_o (write_address),
      .last_lanes_o    (last_lanes),
      .checksum_o      (checksum),
      .wide_o          (wide),
      .detail_o        (detail),
      .read_busy_i,
      .read_failed_i,
      .read_fail_address_i,
      .write_finished_i,
      .write_failed_i,
      .write_fail_address_i
  );

  logic running_q = 1'b0, was_start_q = 1'b0, launched_q = 1'b0;
  logic [31:0] count_q, options_q;
  logic [63:0] descriptors_q, verdicts_q;
  wire start = start_i && idle;
  wire bad_options = options_q[31:8] != '0 || options_q[1:0] == 2'd3;
  wire misaligned = descriptors_q[5:0] != '0 || verdicts_q[5:0] != '0;
  logic was_ready_q = 1'b0, was_idle_q = 1'b1, was_done_q = 1'b0;

  always_ff @(posedge clk_i) begin
    running_q   <= 1'b1;
    was_start_q <= start && rst_ni;
    was_ready_q <= !idle && !done && !clear && write_finished_i && !read_busy_i && rst_ni;
    was_idle_q  <= idle || !rst_ni;
    was_done_q  <= done && rst_ni;
    if (start) begin
      count_q <= count_i;
      options_q <= options_i;
      descriptors_q <= descriptors_i;
      verdicts_q <= verdicts_i;
    end
    if (launch) launched_q <= 1'b1;
    if (start || !rst_ni) launched_q <= 1'b0;
  end

  function automatic int unsigned complete(input int unsigned beats);
    complete = BYTES * beats / 24;
  endfunction

  // Descriptors complete in the beats before the last one, and in all.
  logic [1:0] phase;
  logic [34:0] earlier, in_last;
  always_comb begin
    phase   = 2'(last_beat - 33'd3 * group_i);
    earlier = 35'(GROUP) * 35'(group_i);
    in_last = '0;
    for (int unsigned p = 0; p < 3; p++) begin
      if (phase == 2'(p)) begin
        earlier += 35'(complete(p));
        in_last = 35'(complete(p + 1) - complete(p));
      end
    end
  end

  always_comb begin
    if (!running_q) assume (!rst_ni);
    if (launch) assume (35'(last_beat) - 35'd3 * 35'(group_i) < 35'd3 && group_i < 33'h1_0000_0000);

    if (running_q && rst_ni) begin
      if (was_start_q) begin
        assert (clear && launch == (!bad_options && !misaligned && count_q != '0));
        assert (read_address == descriptors_q && write_address == verdicts_q);
        assert ({detail, wide, checksum} == options_q[3:0]);
      end else assert (!clear && !launch);
      if (launch) begin
        assert (earlier + 35'(last_lanes) == 35'(count_q));
        assert (last_lanes != 2'd0 && 35'(last_lanes) <= in_last);
      end
      if (start) assert (load_policy && policy_slot == options_i[7:4]);
      if (was_ready_q) assert (done);
      // What control_regs counts on.
      assert (idle == (was_done_q || (was_idle_q && !was_start_q)));
      assert (!(done && idle));
      if (done && !launched_q) begin
        assert (status == (bad_options ? STATUS_BAD_OPTIONS : misaligned ? STATUS_MISALIGNED :
                           STATUS_OK));
        assert (fail_address == '0);
      end
      // What the induction stands on.
      if (dut.state_q == 2'd1) begin
        assert (was_start_q);
        assert (dut.bad_options_q == bad_options && dut.nothing_q == (count_q == '0));
        assert (read_address == descriptors_q && write_address == verdicts_q);
      end
      if (was_start_q) assert (dut.state_q == 2'd1 && !launched_q);
      if (dut.state_q == 2'd2) assert (launched_q);
    end
  end

endmodule
