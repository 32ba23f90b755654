// verdict_packer: the byte stream that it writes is the verdict bytes (or detail words) of the
// results it was given, in order: byte a of the run is in beat a / BYTES at place a % BYTES,
// with its strobe, and no byte has a strobe that no result gave. A beat comes out once it is
// full or the run ends, two clocks later; every result's beat comes out.
//
// a is any address, modulo 2^TAG beats.
module verdict_packer_formal
  import tcp_pkg::*;
#(
    parameter int unsigned DATA_WIDTH = 512,
    parameter int unsigned LANES = lanes_for(DATA_WIDTH)
) (
    input logic                clk_i,
    input logic                rst_ni,
    input logic                clear_i,
    input logic                detail_i,
    input logic                valid_i,
    input logic    [LANES-1:0] mask_i,
    input result_t [LANES-1:0] results_i,
    input logic    [      1:0] phase_i,
    input logic                last_i
);

  localparam int unsigned BYTES = DATA_WIDTH / 8;
  localparam int unsigned GROUP = BYTES / 8;
  localparam int unsigned TAG = 2;
  localparam int unsigned PLACE = $clog2(BYTES);
  localparam int unsigned ADDRESS = TAG + PLACE;

  logic valid, last, void_beat;
  logic [BYTES-1:0][7:0] data;
  logic [BYTES-1:0] strb;
  logic detail_q;  // constant in a run

  verdict_packer #(
      .DATA_WIDTH(DATA_WIDTH)
  ) dut (
      .clk_i,
      .rst_ni,
      .clear_i,
      .detail_i(detail_q),
      .valid_i,
      .mask_i,
      .results_i,
      .phase_i,
      .last_i,
      .valid_o (valid),
      .data_o  (data),
      .strb_o  (strb),
      .last_o  (last),
      .void_o  (void_beat)
  );

  function automatic int unsigned complete(input int unsigned beats);
    complete = BYTES * beats / 24;
  endfunction

  // A result's bytes in memory.
  function automatic logic [31:0] bytes_of(input result_t result);
    bytes_of = {result.flags, 5'd0, result.cause, result.verdict};
  endfunction

  // The input: words by phase, and bytes given so far.
  logic running_q = 1'b0;
  logic ended_q;
  logic [1:0] phase_q;
  logic [ADDRESS-1:0] tag, given_q;
  logic seen_q;  // a result gave the tagged byte, and its beat has not come out
  logic [7:0] byte_q;
  logic [1:0] results;
  logic given_tag;
  logic [7:0] given_byte;

  always_comb begin
    results = 2'd0;
    given_tag = 1'b0;
    given_byte = 8'h00;
    for (int unsigned l = 0; l < LANES; l++) begin
      if (valid_i && mask_i[l]) begin
        results += 2'd1;
        for (int unsigned j = 0; j < 4; j++) begin
          if ((detail_q || j == 0) && tag == given_q + ADDRESS'(detail_q ? 4 * l + j : l)) begin
            given_tag  = 1'b1;
            given_byte = 8'(bytes_of(results_i[l]) >> (8 * j));
          end
        end
      end
    end
  end

  // The output.
  logic [TAG-1:0] beats_q;
  wire tag_comes = valid && beats_q == tag[ADDRESS-1-:TAG];

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    tag <= tag;
    if (!rst_ni || clear_i) detail_q <= detail_i;
    if (valid_i) begin
      given_q <= given_q + (detail_q ? ADDRESS'(4) * ADDRESS'(results) : ADDRESS'(results));
      phase_q <= phase_q == 2'd2 ? 2'd0 : phase_q + 2'd1;
      ended_q <= last_i;
    end
    if (valid) beats_q <= beats_q + 1'b1;
    if (given_tag) byte_q <= given_byte;
    if (given_tag) seen_q <= 1'b1;
    else if (tag_comes) seen_q <= 1'b0;
    if (!rst_ni || clear_i) begin
      given_q <= '0;
      phase_q <= 2'd0;
      ended_q <= 1'b0;
      beats_q <= '0;
      seen_q  <= 1'b0;
    end
  end

  // Words that end a group, one and two clocks later: in the first stage, and just moved from
  // there into the beat. After the last one nothing is pending.
  wire clear = !rst_ni || clear_i;
  logic flush_1_q, flush_2_q, last_1_q, last_2_q;
  always_ff @(posedge clk_i) begin
    flush_1_q <= valid_i && (last_i || phase_i == 2'd2) && !clear;
    flush_2_q <= flush_1_q && !clear;
    last_1_q  <= last_i;
    last_2_q  <= last_1_q;
  end
  wire pending = !ended_q || flush_1_q || flush_2_q;

  // The address up to which groups moved into the beat, and up to which words before this
  // phase gave bytes of the group after that.
  logic [ADDRESS-1:0] moved_q, earlier;
  wire [ADDRESS-1:0] group_bytes = detail_q ? ADDRESS'(4 * GROUP) : ADDRESS'(GROUP);
  always_ff @(posedge clk_i) begin
    if (flush_1_q) moved_q <= moved_q + group_bytes;
    if (clear) moved_q <= '0;
  end
  always_comb begin
    earlier = '0;
    for (int unsigned p = 1; p < 3; p++) begin
      if (phase_q == 2'(p)) earlier = ADDRESS'(detail_q ? 4 * complete(p) : complete(p));
    end
  end

  // Where the tagged byte is.
  wire [ADDRESS-1:0] beat_start = {beats_q, PLACE'(0)};
  wire tag_is_given = tag - beat_start < given_q - beat_start;
  wire tag_in_beat = tag - beat_start < moved_q - beat_start;
  wire tag_in_group = tag - moved_q < group_bytes;
  wire tag_in_open_beat = tag - beat_start < ADDRESS'(BYTES);
  wire [PLACE-1:0] tag_place = tag[PLACE-1:0];
  wire [$clog2(GROUP)-1:0] tag_result = detail_q ? tag[$clog2(GROUP)+1:2] : tag[$clog2(GROUP)-1:0];
  wire [1:0] tag_byte = detail_q ? tag[1:0] : 2'd0;

  always_comb begin
    if (!running_q) assume (!rst_ni);
    // As the gearbox gives them.
    if (ended_q) assume (!valid_i);
    if (valid_i) begin
      assume (phase_i == phase_q);
      for (int unsigned l = 1; l < LANES; l++) assume (!mask_i[l] || mask_i[l-1]);
      for (int unsigned p = 0; p < 3; p++) begin
        if (phase_i == 2'(p)) begin
          assume (results <= 2'(complete(p + 1) - complete(p)));
          assume (last_i || results == 2'(complete(p + 1) - complete(p)));
        end
      end
    end

    if (running_q) begin
      // What comes out.
      if (valid) begin
        assert (last == last_2_q);
        assert (void_beat == (last && given_q == beat_start));
        if (tag_comes && !void_beat) begin
          assert (strb[tag_place] == seen_q);
          if (seen_q) assert (data[tag_place] == byte_q);
        end
        if (tag_comes && !last) assert (seen_q);
      end
      // When it comes: nothing given is left behind.
      assert (valid == (flush_2_q && (last_2_q || moved_q[PLACE-1:0] == '0)));
      if (!pending) assert (!seen_q);

      // What the induction stands on. The end:
      assert (phase_q != 2'd3);
      if (ended_q)
        assert (flush_1_q ? last_1_q : !flush_2_q || last_2_q);
        else assert (!(flush_1_q && last_1_q) && !(flush_2_q && last_2_q));
      if (flush_2_q && last_2_q) assert (!flush_1_q);
      // The addresses:
      if (pending) begin
        assert (moved_q[$clog2(GROUP)-1:0] == '0);
        if (detail_q) assert (moved_q[$clog2(GROUP)+1:0] == '0);
        if (valid) begin
          assert (moved_q - beat_start <= ADDRESS'(BYTES) && moved_q != beat_start);
          if (!last) assert (moved_q - beat_start == ADDRESS'(BYTES));
        end else assert (moved_q - beat_start < ADDRESS'(BYTES));
        if (!ended_q && !flush_1_q) assert (given_q == moved_q + earlier);
        if (!ended_q && flush_1_q) assert (given_q == moved_q + group_bytes && phase_q == 2'd0);
        if (ended_q && flush_1_q) assert (given_q - moved_q <= group_bytes);
        if (ended_q && !flush_1_q) assert (given_q - beat_start <= moved_q - beat_start);
        if (ended_q && !flush_1_q) assert (moved_q - given_q <= group_bytes);
        assert (seen_q == tag_is_given);
      end
      // The packer's state:
      assert (dut.group_valid_q == flush_1_q);
      if (flush_1_q) assert (dut.group_last_q == last_1_q);
      if (!ended_q || flush_1_q) begin
        assert (dut.slice_q == moved_q[PLACE-1-:3]);
        assert (dut.fresh_q == (valid || moved_q == beat_start));
      end
      if (pending && (flush_1_q || (!ended_q && phase_q != 2'd0))) begin
        for (int unsigned i = 0; i < GROUP; i++) begin
          assert (dut.group_mask_q[i] ==
                  (ADDRESS'(detail_q ? 4 * i : i) < ADDRESS'(given_q - moved_q)));
        end
      end
      // Where the tagged byte is, if it is given:
      if (pending && tag_in_group && (flush_1_q || (!ended_q && phase_q != 2'd0))) begin
        if (seen_q) assert (dut.group_q[tag_result][8*tag_byte+:8] == byte_q);
      end
      if (pending && tag_in_open_beat && moved_q != beat_start) begin
        assert (dut.strb_q[tag_place/GROUP][tag_place%GROUP] == (tag_in_beat && seen_q));
        if (tag_in_beat && seen_q) begin
          assert (dut.beat_q[tag_place/GROUP][8*(tag_place%GROUP)+:8] == byte_q);
        end
      end
    end
  end

endmodule
