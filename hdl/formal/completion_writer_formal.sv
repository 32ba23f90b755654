// completion_writer: of any pair, the answers come out in the order they came in, each once: written
// to the entry of the pair's ring whose turn it is, as docs/queue.md lays a completion out, or
// dropped, if they are void or the pair has failed. Nothing else is written, each line is one beat
// with its address, and each answer is told once, a written one with the response to its line. If
// memory takes and answers, all answers are told.
//
// `pair` is any pair, `tag` any number of its answers, so what holds for them holds for all.
module completion_writer_formal
  import queue_pkg::*;
(
    input logic                clk_i,
    input logic                rst_ni,
    input logic                valid_i,
    input pair_t               pair_i,
    input logic                void_i,
    input logic    [LANES-1:0] mask_i,
    input answer_t [LANES-1:0] answers_i,
    // Of the other pairs' rings.
    input index_t              other_tail_i,
    input logic    [      3:0] other_log_i,
    input logic    [     63:0] other_base_i,
    input logic                other_failed_i,
    input logic                fails_i,
    input logic                awready_i,
    input logic                wready_i,
    input logic    [      1:0] bresp_i,
    input logic                bvalid_i
);

  localparam int unsigned NUMBER = 8;
  // What the pipeline before may still bring once room has fallen.
  localparam int unsigned LATE = 7;

  logic room, written, next, done, done_void, done_error, awvalid, wvalid, bready, waiting;
  pair_t look_pair, write_pair, done_pair;
  index_t next_tail;
  logic [3:0] done_count;
  logic [63:0] awaddr;
  logic [DATA_WIDTH-1:0] wdata;
  logic [DATA_WIDTH/8-1:0] wstrb;

  // The pair and its ring.
  pair_t pair;
  index_t tail_q;
  logic [3:0] log;
  logic [63:0] base;
  logic failed_q;
  wire look_here = look_pair == pair;

  completion_writer dut (
      .clk_i,
      .rst_ni,
      .room_o      (room),
      .valid_i,
      .pair_i,
      .void_i,
      .mask_i,
      .answers_i,
      .look_pair_o (look_pair),
      .tail_i      (look_here ? tail_q : other_tail_i),
      .log_i       (look_here ? log : other_log_i),
      .base_i      (look_here ? base : other_base_i),
      .pair_o      (write_pair),
      .next_o      (next),
      .failed_i    (write_pair == pair ? failed_q : other_failed_i),
      .written_o   (written),
      .next_tail_o (next_tail),
      .done_o      (done),
      .done_pair_o (done_pair),
      .done_void_o (done_void),
      .done_count_o(done_count),
      .done_error_o(done_error),
      .awaddr_o    (awaddr),
      .awvalid_o   (awvalid),
      .awready_i,
      .wdata_o     (wdata),
      .wstrb_o     (wstrb),
      .wvalid_o    (wvalid),
      .wready_i,
      .bresp_i,
      .bvalid_i,
      .bready_o    (bready),
      .waiting_o   (waiting)
  );

  // The pair's answers, numbered as they come in.
  logic [NUMBER-1:0] tag, came_q;
  answer_t tagged_q;
  logic tagged_void_q;
  wire comes = valid_i && pair_i == pair;
  logic [1:0] coming;
  assign coming = comes ? lanes_in(mask_i) : 2'd0;

  // They leave by lines, of this many answers; whose line it is the writer knows, and if it is
  // mistaken then it breaks what it owes to one pair or the other.
  logic [NUMBER-1:0] left_q;
  index_t place_q;  // of the next that is written
  wire leaves = dut.line_pop && dut.line_pair_q == pair;
  logic goes_q, goes_here_q;  // a line has just come to the bus
  logic [NUMBER-1:0] first_q;  // number of the first answer in it
  index_t first_place_q;
  logic [3:0] count_q;

  // The bus and what was told.
  logic aw_held_q, w_held_q, b_held_q;
  logic [63:0] awaddr_q;
  logic [DATA_WIDTH-1:0] wdata_q;
  logic [DATA_WIDTH/8-1:0] wstrb_q;
  logic [1:0] bresp_q;
  logic [NUMBER-1:0] asked_q, given_q, answered_q;  // lines, of all pairs
  logic [NUMBER-1:0] lines_q;
  logic [NUMBER-1:0] told_q;
  // The line of the answer `tag`.
  logic tag_left_q, tag_void_q;
  logic [NUMBER-1:0] tag_first_q, tag_line_q;
  logic [3:0] tag_count_q;

  // Of all pairs. Nothing is offered to memory nor owed by it, and no answer or line goes on to the
  // next stage, which each of them does once.
  logic [NUMBER-1:0] all_came_q, all_told_q;
  logic [3:0] late_q, still_q;
  wire still = all_came_q != all_told_q && !done && !awvalid && !wvalid && answered_q == asked_q &&
      !dut.line_pop && !dut.joins;

  logic running_q = 1'b0;
  pair_t told_pair_q;
  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    told_pair_q <= next ? look_pair : write_pair;
    pair <= pair;
    log <= log;
    base <= base;
    tag <= tag;

    if (comes) came_q <= came_q + NUMBER'(coming);
    if (comes && mask_i[0] && came_q == tag) tagged_q <= answers_i[0];
    if (comes && mask_i[1] && came_q + NUMBER'(mask_i[0]) == tag) tagged_q <= answers_i[1];
    if (comes && tag - came_q < NUMBER'(coming)) tagged_void_q <= void_i;
    if (written && write_pair == pair) tail_q <= next_tail;
    if (fails_i) failed_q <= 1'b1;

    goes_q <= dut.line_goes;
    goes_here_q <= dut.line_goes && leaves;
    first_q <= left_q;
    first_place_q <= place_q;
    count_q <= dut.line_count_q;
    if (dut.line_goes) lines_q <= lines_q + 1'b1;
    if (leaves) begin
      left_q <= left_q + NUMBER'(dut.line_count_q);
      if (!dut.line_void_q) place_q <= place_q + index_t'(dut.line_count_q);
      if (tag - left_q < NUMBER'(dut.line_count_q)) begin
        tag_left_q  <= 1'b1;
        tag_void_q  <= dut.line_void_q;
        tag_first_q <= left_q;
        tag_count_q <= dut.line_count_q;
        tag_line_q  <= lines_q;
      end
    end

    aw_held_q <= awvalid && !awready_i;
    w_held_q <= wvalid && !wready_i;
    b_held_q <= bvalid_i && !bready;
    awaddr_q <= awaddr;
    wdata_q <= wdata;
    wstrb_q <= wstrb;
    bresp_q <= bresp_i;
    asked_q <= asked_q + NUMBER'(awvalid && awready_i);
    given_q <= given_q + NUMBER'(wvalid && wready_i);
    answered_q <= answered_q + NUMBER'(bvalid_i && bready);
    if (done && done_pair == pair) told_q <= told_q + NUMBER'(done_count);

    all_came_q <= all_came_q + (valid_i ? NUMBER'(lanes_in(mask_i)) : '0);
    all_told_q <= all_told_q + (done ? NUMBER'(done_count) : '0);
    if (room) late_q <= '0;
    else if (valid_i) late_q <= late_q + 4'd1;
    still_q <= still ? still_q + 4'd1 : 4'd0;
    if (!rst_ni) begin
      came_q <= '0;
      tail_q <= place_q;
      failed_q <= 1'b0;
      goes_q <= 1'b0;
      goes_here_q <= 1'b0;
      left_q <= '0;
      place_q <= place_q;
      lines_q <= '0;
      tag_left_q <= 1'b0;
      aw_held_q <= 1'b0;
      w_held_q <= 1'b0;
      b_held_q <= 1'b0;
      asked_q <= '0;
      given_q <= '0;
      answered_q <= '0;
      told_q <= '0;
      all_came_q <= '0;
      all_told_q <= '0;
      late_q <= '0;
      still_q <= '0;
    end
  end

  // docs/queue.md, bytes from the left: 7 version, 6 flags, 5 cause, 4 verdict, 3..0 tag.
  wire phase = !((first_place_q + index_t'(tag - first_q)) >> log & 16'h1);
  wire [63:0] entry = {
    tagged_q.version,
    6'b0,
    tagged_q.pushed,
    phase,
    5'b0,
    tagged_q.cause,
    tagged_q.verdict,
    tagged_q.tag
  };
  wire [15:0] ring_place = first_place_q & ((16'd1 << log) - 16'd1);
  wire [2:0] first_slot = first_place_q[2:0];
  wire [2:0] tag_slot = first_slot + 3'(tag - first_q);
  logic [7:0] slots;
  always_comb begin
    for (int unsigned s = 0; s < 8; s++) begin
      slots[s] = 4'(s) >= {1'b0, first_slot} && 4'(s) < {1'b0, first_slot} + count_q;
    end
  end

  always_comb begin
    if (!running_q) assume (!rst_ni);
    assume (log >= 4'd3 && base[11:0] == '0);
    if (other_log_i < 4'd3) assume (look_here);
    // Not more than the pipeline holds, and no more than the numbers here.
    if (valid_i && !room && running_q) assume (late_q < 4'(LATE));
    assume (all_came_q[NUMBER-1:NUMBER-2] != '1 && lines_q[NUMBER-1:NUMBER-2] != '1);
    // Memory.
    if (bvalid_i && rst_ni && running_q) assume (answered_q != asked_q && answered_q != given_q);
    if (b_held_q) assume (bvalid_i && bresp_i == bresp_q);

    if (running_q && rst_ni) begin
      // The bus: what is offered stays; each line is one address and one beat.
      if (aw_held_q) assert (awvalid && awaddr == awaddr_q);
      if (w_held_q) assert (wvalid && wdata == wdata_q && wstrb == wstrb_q);
      if (awvalid && !aw_held_q) assert (goes_q);
      if (wvalid && !w_held_q) assert (goes_q);
      if (goes_q) assert (awvalid && wvalid && !aw_held_q && !w_held_q);

      // A line of the pair: the next entries of its ring, with the next answers.
      if (goes_here_q) begin
        assert (awaddr == base + {45'h0, ring_place[15:3], 6'h0});
        assert (count_q != '0 && {1'b0, first_slot} + count_q <= 4'd8);
        for (int unsigned s = 0; s < 8; s++) assert (wstrb[8*s+:8] == {8{slots[s]}});
        if (tag - first_q < NUMBER'(count_q)) begin
          assert (wdata[64*tag_slot+:64] == entry && !tagged_void_q);
        end
      end
      assert (left_q <= came_q);
      if (written) assert (write_pair == told_pair_q);
      if (written && write_pair == pair) assert (!failed_q);
      if (tag_left_q && tag_void_q) assert (tagged_void_q || failed_q);

      // What is told.
      if (bvalid_i && bready) assert (done && !done_void);
      if (done) assert (done_void || (bvalid_i && bready && done_error == (bresp_i != 2'b00)));
      if (done && done_pair == pair) begin
        assert (done_count != '0 && told_q + NUMBER'(done_count) <= left_q);
        if (tag - told_q < NUMBER'(done_count)) begin
          assert (tag_left_q && told_q == tag_first_q && done_count == tag_count_q);
          assert (done_void == tag_void_q);
          if (!done_void) assert (answered_q == tag_line_q);
        end
      end
      assert (still_q <= 4'd6);

      // Room is enough.
      assert (dut.answer_level <= 6'd32 && dut.sent_level <= 7'd64);
    end
  end

endmodule
