// completion_writer between its FIFOs, for ever: the answers of any pair that come out of the one are
// gathered into lines in the order they came, each once, at the entry of the pair's ring whose turn
// it is; those of a line that is dropped are void or their pair has failed; and what goes into the
// other FIFO tells of just that line. The FIFOs are any (reference/free/stream_fifo.sv).
//
// `pair` is any pair, `tag` any number of its answers, so what holds for them holds for all.
module completion_writer_lines_formal
  import queue_pkg::*;
(
    input logic          clk_i,
    input logic          rst_ni,
    // Of the other pairs' rings.
    input index_t        other_tail_i,
    input logic   [ 3:0] other_log_i,
    input logic   [63:0] other_base_i,
    input logic          other_failed_i,
    input logic          fails_i,
    input logic          awready_i,
    input logic          wready_i,
    input logic   [ 1:0] bresp_i,
    input logic          bvalid_i
);

  // Answers are numbered modulo more than there can be in the writer.
  localparam int unsigned NUMBER = 6;

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
      .valid_i     (1'b0),
      .pair_i      ('0),
      .void_i      (1'b0),
      .mask_i      ('0),
      .answers_i   ('0),
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

  // The pair's answers, numbered as they come.
  logic [NUMBER-1:0] tag, came_q;
  answer_t tagged_q;
  logic tagged_void_q;
  wire comes = next && look_here;
  wire [1:0] mask = dut.queued_mask;

  // They leave by lines.
  logic [NUMBER-1:0] left_q;
  index_t place_q;  // of the next that is written
  wire leaves = dut.line_pop && dut.line_pair_q == pair;
  logic goes_q, goes_here_q;  // a line has just come to the bus
  logic [NUMBER-1:0] first_q;  // number of the first answer in it
  index_t first_place_q;
  logic [3:0] count_q;
  logic aw_held_q, w_held_q;
  logic [63:0] awaddr_q;
  logic [DATA_WIDTH-1:0] wdata_q;
  logic [DATA_WIDTH/8-1:0] wstrb_q;

  logic running_q = 1'b0;
  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    pair <= pair;
    log <= log;
    base <= base;
    tag <= tag;

    if (comes) begin
      came_q <= came_q + NUMBER'(lanes_in(mask));
      if (tag - came_q < NUMBER'(lanes_in(mask))) tagged_void_q <= dut.queued_void;
      if (mask[0] && came_q == tag) tagged_q <= dut.queued[0];
      if (mask[1] && came_q + NUMBER'(mask[0]) == tag) tagged_q <= dut.queued[1];
    end
    if (written && write_pair == pair) tail_q <= next_tail;
    if (fails_i) failed_q <= 1'b1;

    goes_q <= dut.line_goes;
    goes_here_q <= dut.line_goes && leaves;
    first_q <= left_q;
    first_place_q <= place_q;
    count_q <= dut.line_count_q;
    if (leaves) begin
      left_q <= left_q + NUMBER'(dut.line_count_q);
      if (!dut.line_void_q) place_q <= place_q + index_t'(dut.line_count_q);
    end
    aw_held_q <= awvalid && !awready_i;
    w_held_q  <= wvalid && !wready_i;
    awaddr_q  <= awaddr;
    wdata_q   <= wdata;
    wstrb_q   <= wstrb;
    if (!rst_ni) begin
      came_q <= '0;
      tail_q <= place_q;
      failed_q <= 1'b0;
      goes_q <= 1'b0;
      goes_here_q <= 1'b0;
      left_q <= '0;
      place_q <= place_q;
      aw_held_q <= 1'b0;
      w_held_q <= 1'b0;
    end
  end

  function automatic logic [63:0] address_of(input index_t place);
    address_of = base + {45'h0, 13'((place & ((16'd1 << log) - 16'd1)) >> 3), 6'h0};
  endfunction
  function automatic logic [7:0] slots_of(input index_t place, input logic [3:0] count);
    for (int unsigned s = 0; s < 8; s++) begin
      slots_of[s] = 4'(s) >= {1'b0, place[2:0]} && 4'(s) < {1'b0, place[2:0]} + count;
    end
  endfunction
  // docs/queue.md, bytes from the left: 7 version, 6 flags, 5 cause, 4 verdict, 3..0 tag.
  function automatic logic [63:0] entry_at(input index_t place);
    entry_at = {
      tagged_q.version,
      6'b0,
      tagged_q.pushed,
      !(place >> log & 16'h1),
      5'b0,
      tagged_q.cause,
      tagged_q.verdict,
      tagged_q.tag
    };
  endfunction

  // What is in the writer, of the pair.
  wire answer_here = dut.answer_valid_q && dut.pair_q == pair;
  wire place_here = dut.place_valid_q && dut.place_pair_q == pair;
  wire line_here = dut.line_valid_q && dut.line_pair_q == pair;
  wire [NUMBER-1:0] in_answer = answer_here ? NUMBER'(lanes_in(
      dut.answer_mask_q
  )) - NUMBER'(dut.second_q) : '0;
  wire [NUMBER-1:0] in_place = place_here ? NUMBER'(dut.place_count_q) : '0;
  wire [NUMBER-1:0] in_line = line_here ? NUMBER'(dut.line_count_q) : '0;
  wire [NUMBER-1:0] placed = left_q + in_line;  // number of the first that is at its place
  wire [NUMBER-1:0] asked = placed + in_place;  // and of the first that is not
  wire index_t line_end = place_q + (line_here && !dut.line_void_q ? index_t'(dut.line_count_q) : '0);
  wire tag_in_line = tag - left_q < in_line;
  wire tag_in_place = tag - placed < in_place;
  wire tag_in_answer = tag - asked < in_answer;
  wire [2:0] line_slot = place_q[2:0] + 3'(tag - left_q);

  always_comb begin
    if (!running_q) assume (!rst_ni);
    assume (log >= 4'd3 && base[11:0] == '0);
    if (other_log_i < 4'd3) assume (look_here);
    if (dut.queued_valid) assume (mask != '0);

    if (running_q && rst_ni) begin
      // The bus: what is offered stays; each line is one address and one beat.
      if (aw_held_q) assert (awvalid && awaddr == awaddr_q);
      if (w_held_q) assert (wvalid && wdata == wdata_q && wstrb == wstrb_q);
      if (awvalid && !aw_held_q) assert (goes_q);
      if (wvalid && !w_held_q) assert (goes_q);
      if (goes_q) assert (awvalid && wvalid && !aw_held_q && !w_held_q);

      // A line of the pair: the next entries of its ring, with the next answers.
      if (goes_here_q) begin
        assert (awaddr == address_of(first_place_q));
        for (int unsigned s = 0; s < 8; s++)
        assert (wstrb[8*s+:8] == {8{slots_of(first_place_q, count_q) [s]}});
        if (tag - first_q < NUMBER'(count_q)) begin
          assert (wdata[64*(first_place_q[2:0]+3'(tag-first_q))+:64] ==
                  entry_at(first_place_q + index_t'(NUMBER'(tag - first_q))));
        end
      end
      if (written && write_pair == pair) assert (!failed_q);
      // Which are dropped, and what is told of a line.
      if (leaves) begin
        assert (dut.line_count_q != '0 && dut.line_count_q <= 4'd8 && left_q != came_q);
        if (dut.line_void_q && tag_in_line) assert (tagged_void_q || failed_q);
        if (!dut.line_void_q && tag_in_line) assert (!tagged_void_q);
      end

      // What the induction stands on: nothing is lost between.
      assert (came_q == asked + in_answer);
      assert (tail_q == line_end + (place_here && !dut.place_void_q ? index_t'(dut.place_count_q) : '0));
      // The answers.
      if (dut.answer_valid_q) begin
        assert (dut.answer_mask_q != '0 && (!dut.second_q || dut.answer_mask_q == 2'b11));
      end else assert (!dut.second_q);
      if (answer_here) begin
        assert (dut.tail_q == tail_q && dut.log_q == log && dut.base_q == base);
        if (tag_in_answer) begin
          assert (dut.answer_void_q == tagged_void_q);
          if (tag == asked && !dut.second_q && dut.answer_mask_q[0])
            assert (dut.answers_q[0] == tagged_q);
            else assert (dut.answers_q[1] == tagged_q);
        end
      end
      // Their places.
      if (dut.place_valid_q) assert (dut.place_count_q == 2'd1 || dut.place_count_q == 2'd2);
      if (place_here) begin
        if (tag_in_place) assert (dut.place_void_q ? tagged_void_q || failed_q : !tagged_void_q);
        if (!dut.place_void_q) begin
          assert ({dut.place_line_q, dut.place_slot_q} == line_end);
          assert (4'(dut.place_slot_q) + 4'(dut.place_count_q) <= 4'd8);
          assert (dut.place_base_q + 64'(dut.place_offset_q) == address_of(line_end));
          if (tag_in_place) begin
            assert (dut.place_data_q[1'(tag-placed)] ==
                    entry_at(line_end + index_t'(NUMBER'(tag - placed))));
          end
        end
      end
      // The line.
      if (line_here) begin
        assert (dut.line_count_q != '0 && dut.line_count_q <= 4'd8);
        if (tag_in_line) assert (dut.line_void_q ? tagged_void_q || failed_q : !tagged_void_q);
        if (!dut.line_void_q) begin
          assert ({1'b0, place_q[2:0]} + dut.line_count_q <= 4'd8);
          assert ({dut.line_address_q[63:32] + 32'(dut.line_carry_q), dut.line_address_q[31:0]} == address_of(
              place_q
          ));
          assert (dut.line_mask_q == slots_of(place_q, dut.line_count_q));
          if (tag_in_line) begin
            assert (dut.line_data_q[line_slot] ==
                    entry_at(place_q + index_t'(NUMBER'(tag - left_q))));
          end
        end
      end
      // The line holds what was placed last, and what follows is of the same.
      if (dut.line_valid_q && (!dut.place_valid_q || dut.place_follows_q)) begin
        assert (dut.line_pair_q == dut.place_pair_q && dut.line_void_q == dut.place_void_q);
        if (line_here && !dut.line_void_q) assert (dut.place_line_q == place_q[15:3]);
      end
      if (dut.place_valid_q && dut.place_follows_q) assert (!dut.place_void_q);
    end
  end

endmodule
