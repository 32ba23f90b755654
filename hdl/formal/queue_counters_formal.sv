// queue_counters: each counter is the sum of its increments since reset, modulo 2^32, as it was a
// clock before the access; each increment counts once.
module queue_counters_formal (
    input logic       clk_i,
    input logic       rst_ni,
    input logic [5:0] ring_i,
    input logic [1:0] push_i,
    input logic       refused_i,
    input logic [1:0] bad_i,
    input logic [3:0] answered_i,
    input logic       write_i,
    input logic       read_i,
    input logic       interrupt_i,
    input logic       access_i,
    input logic [2:0] word_i
);

  logic [31:0] rdata;

  queue_counters dut (
      .clk_i,
      .rst_ni,
      .ring_i,
      .push_i,
      .refused_i,
      .bad_i,
      .answered_i,
      .write_i,
      .read_i,
      .interrupt_i,
      .access_i,
      .word_i,
      .rdata_o(rdata)
  );

  // In the order of docs/queue.md.
  logic [7:0][5:0] events;
  assign events[0] = ring_i;
  assign events[1] = 6'(push_i);
  assign events[2] = 6'(refused_i);
  assign events[3] = 6'(bad_i);
  assign events[4] = 6'(answered_i);
  assign events[5] = 6'(write_i);
  assign events[6] = 6'(read_i);
  assign events[7] = 6'(interrupt_i);

  logic running_q = 1'b0, was_access_q = 1'b0, was_running_q = 1'b0;
  logic [2:0] was_word_q;
  // Up to and without the clock before, and the clock before that.
  logic [7:0][31:0] total_1_q, total_2_q;
  logic [7:0][5:0] events_q;
  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    was_access_q <= access_i;
    was_running_q <= running_q && rst_ni;
    was_word_q <= word_i;
    events_q <= events;
    for (int unsigned n = 0; n < 8; n++) total_1_q[n] <= total_1_q[n] + 32'(events_q[n]);
    total_2_q <= total_1_q;
    if (!rst_ni) begin
      events_q  <= '0;
      total_1_q <= '0;
    end
  end

  always_comb begin
    if (!running_q) assume (!rst_ni);

    if (running_q) begin
      if (!was_access_q)
        assert (rdata == '0);
        else if (was_running_q) assert (rdata == total_2_q[was_word_q]);

      // What the induction stands on.
      for (int unsigned n = 0; n < 8; n++) begin
        assert (dut.increment_q[n] == events_q[n] && dut.count_q[n] == total_1_q[n]);
      end
    end
  end

endmodule
