// stream_fifo gives what it was pushed, in order, nothing twice and nothing lost, and shows
// it two clocks after the push at the latest.
//
// Entries are numbered from the last clear on, modulo 2^TAG. `tag` is any number, so what
// holds for the entries of that number holds for all; an induction over where they lie.
module stream_fifo_formal #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned DEPTH = 8
) (
    input logic             clk_i,
    input logic             rst_ni,
    input logic             clear_i,
    input logic             push_i,
    input logic [WIDTH-1:0] data_i,
    input logic             ready_i
);

  localparam int unsigned POINTER = $clog2(DEPTH);
  localparam int unsigned TAG = POINTER + 2;

  logic valid;
  logic [WIDTH-1:0] data;
  logic [POINTER:0] level;

  stream_fifo #(
      .WIDTH(WIDTH),
      .DEPTH(DEPTH)
  ) dut (
      .clk_i,
      .rst_ni,
      .clear_i,
      .push_i,
      .data_i,
      .valid_o(valid),
      .ready_i,
      .data_o (data),
      .level_o(level)
  );

  logic running_q = 1'b0;
  logic [TAG-1:0] tag, pushed_q, popped_q;
  logic [WIDTH-1:0] tagged_q;  // what was pushed as number `tag`
  wire pop = valid && ready_i;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    tag <= tag;
    if (push_i) pushed_q <= pushed_q + 1'b1;
    if (pop) popped_q <= popped_q + 1'b1;
    if (push_i && pushed_q == tag) tagged_q <= data_i;
    if (!rst_ni || clear_i) begin
      pushed_q <= '0;
      popped_q <= '0;
    end
  end

  logic was_stalled_q = 1'b0;
  logic was_filled_q = 1'b0;
  logic [WIDTH-1:0] was_data_q;
  always_ff @(posedge clk_i) begin
    was_stalled_q <= valid && !ready_i && rst_ni && !clear_i;
    was_filled_q <= level != '0 && rst_ni && !clear_i;
    was_data_q <= data;
  end

  always_comb begin
    if (!running_q) assume (!rst_ni);
    assume (!(push_i && level[POINTER]));

    if (running_q) begin
      // The stream.
      if (valid && popped_q == tag) assert (data == tagged_q);
      if (was_stalled_q) assert (valid && data == was_data_q);
      if (was_filled_q) assert (valid);
      // The caller's measure of room is true.
      assert (pushed_q - popped_q == TAG'(level) + TAG'(valid));
      assert (level <= (POINTER + 1)'(DEPTH));
      // What the induction stands on: where the entry of that number is.
      assert (dut.write_q == POINTER'(pushed_q));
      assert (dut.read_q == POINTER'(popped_q + TAG'(valid)));
      if (tag - popped_q < pushed_q - popped_q && !(valid && tag == popped_q)) begin
        assert (dut.mem[POINTER'(tag)] == tagged_q);
      end
    end
  end

endmodule
