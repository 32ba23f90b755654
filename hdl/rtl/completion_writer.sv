// Answers in, completions in the rings of host memory out. Answers of one pair that
// follow each other are gathered into a 64-byte line, so that a busy pair costs one
// write for eight of them; a line goes as soon as nothing follows it, so that a lone
// answer does not wait.
//
// Every line, and every answer that is dropped because its pair has failed, is told to
// the pairs in order once its response is there.
module completion_writer
  import queue_pkg::*;
(
    input logic clk_i,
    input logic rst_ni,

    // Answers; `room_o` is high while there is room for those inside the pipeline.
    output logic                room_o,
    input  logic                valid_i,
    input  pair_t               pair_i,
    input  logic                void_i,
    input  logic    [LANES-1:0] mask_i,
    input  answer_t [LANES-1:0] answers_i,

    // Of queue_pairs: of the pair whose answers come next, and of the one that writes.
    output pair_t         look_pair_o,
    input  index_t        tail_i,
    input  logic   [ 3:0] log_i,
    input  logic   [63:0] base_i,
    output pair_t         pair_o,
    output logic          next_o,       // the pair looked at is that pair from the next clock on
    input  logic          failed_i,
    output logic          written_o,
    output index_t        next_tail_o,

    output logic        done_o,
    output pair_t       done_pair_o,
    output logic        done_void_o,
    output logic  [3:0] done_count_o,
    output logic        done_error_o,

    output logic [            63:0] awaddr_o,
    output logic                    awvalid_o,
    input  logic                    awready_i,
    output logic [  DATA_WIDTH-1:0] wdata_o,
    output logic [DATA_WIDTH/8-1:0] wstrb_o,
    output logic                    wvalid_o,
    input  logic                    wready_i,
    input  logic [             1:0] bresp_i,
    input  logic                    bvalid_i,
    output logic                    bready_o,

    output logic waiting_o  // a write is offered and not taken
);

  localparam int unsigned ANSWERS = 32;
  localparam int unsigned INSIDE = 11;  // beats in the pipeline and on their way into it
  localparam int unsigned LINES = 64;  // written, not answered yet
  localparam int unsigned SLOTS = 8;  // completions in a line
  localparam int unsigned ANSWER_BITS = $bits(answer_t);

  // Answers wait here.
  logic queued_valid, queued_pop, queued_void;
  logic [LANES-1:0] queued_mask;
  answer_t [LANES-1:0] queued;
  logic [$clog2(ANSWERS):0] answer_level;

  stream_fifo #(
      .WIDTH(4 + 1 + LANES + LANES * ANSWER_BITS),
      .DEPTH(ANSWERS)
  ) i_answers (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .push_i (valid_i && mask_i != '0),
      .data_i ({pair_i, void_i, mask_i, answers_i}),
      .valid_o(queued_valid),
      .ready_i(queued_pop),
      .data_o ({look_pair_o, queued_void, queued_mask, queued}),
      .level_o(answer_level)
  );
  always_ff @(posedge clk_i) begin
    room_o <= rst_ni && answer_level < ($clog2(ANSWERS) + 1)'(ANSWERS - INSIDE);
  end

  // Answers with what their pair's ring looks like. What the answers before them write in
  // this very clock is not there to be read yet, and is taken from them.
  logic answer_valid_q, answer_void_q, second_q;
  logic [LANES-1:0] answer_mask_q;
  answer_t [LANES-1:0] answers_q;
  pair_t pair_q;
  index_t tail_q;
  logic [3:0] log_q;
  logic [63:0] base_q;
  logic answer_pop;
  assign queued_pop = queued_valid && (!answer_valid_q || answer_pop);

  always_ff @(posedge clk_i) begin
    if (answer_pop) answer_valid_q <= 1'b0;
    if (written_o) tail_q <= next_tail_o;
    if (queued_pop) begin
      answer_valid_q <= 1'b1;
      answer_void_q <= queued_void;
      answer_mask_q <= queued_mask;
      answers_q <= queued;
      pair_q <= look_pair_o;
      if (!written_o || pair_q != look_pair_o) tail_q <= tail_i;
      log_q  <= log_i;
      base_q <= base_i;
    end
    if (!rst_ni) answer_valid_q <= 1'b0;
  end
  assign pair_o = pair_q;
  assign next_o = queued_pop;

  // Place: where an answer or two go. A pair of them that ends one line and begins the
  // next takes two turns.
  logic place_valid_q, place_void_q;
  pair_t place_pair_q;
  logic [12:0] place_line_q;
  logic place_follows_q;  // it is of the same pair and line as the one before
  logic [63:0] place_base_q;
  logic [31:0] place_offset_q;
  logic [2:0] place_slot_q;
  logic [1:0] place_count_q;
  logic [1:0][63:0] place_data_q;
  logic place_ready;

  wire drop = answer_void_q || failed_i;
  wire both = &answer_mask_q;
  wire splits = both && !drop && !second_q && tail_q[2:0] == 3'd7;
  wire takes = answer_valid_q && place_ready;
  wire [1:0] count = both && !splits && !second_q ? 2'd2 : 2'd1;
  assign written_o  = takes && !drop;
  assign answer_pop = takes && !splits;

  wire index_t next_place = tail_q + index_t'(1);
  // How many is known late: behind the carry.
  wire [14:0] carried = tail_q[15:1] + 15'd1;
  assign next_tail_o = {
    count[1] || tail_q[0] ? carried : tail_q[15:1], count[1] ? tail_q[0] : !tail_q[0]
  };
  wire answer_t first_answer = second_q || !answer_mask_q[0] ? answers_q[1] : answers_q[0];
  wire [12:0] line_of_ring = tail_q[15:3] & ~(13'h1FFF << (log_q - COMPLETIONS_LOG_MIN));

  always_ff @(posedge clk_i) begin
    if (place_ready) place_valid_q <= answer_valid_q;
    if (takes) begin
      second_q <= splits;
      place_void_q <= drop;
      place_pair_q <= pair_q;
      place_line_q <= tail_q[15:3];
      place_follows_q <= pair_q == place_pair_q && tail_q[15:3] == place_line_q && !drop && !place_void_q;
      place_slot_q <= tail_q[2:0];
      place_base_q <= base_q;
      place_offset_q <= {13'h0, line_of_ring, 6'h0};
      place_count_q <= count;
      place_data_q[0] <= completion(first_answer, !tail_q[log_q]);
      place_data_q[1] <= completion(answers_q[1], !next_place[log_q]);
    end
    if (!rst_ni) begin
      place_valid_q <= 1'b0;
      second_q <= 1'b0;
    end
  end

  // Line: gathers.
  logic line_valid_q, line_void_q;
  pair_t line_pair_q;
  logic [63:0] line_address_q;
  logic line_carry_q;  // into the address's upper half, still to be added
  logic [SLOTS-1:0] line_mask_q;
  logic [SLOTS-1:0][63:0] line_data_q;
  logic [3:0] line_count_q;
  logic line_pop;

  // The line holds what was placed last.
  wire joins = line_valid_q && place_valid_q && place_follows_q;
  wire begins = place_valid_q && !joins && (!line_valid_q || line_pop);
  assign place_ready = !place_valid_q || joins || begins;

  always_ff @(posedge clk_i) begin
    if (line_pop) line_valid_q <= 1'b0;
    if (begins) begin
      line_valid_q <= 1'b1;
      line_void_q <= place_void_q;
      line_pair_q <= place_pair_q;
      {line_carry_q, line_address_q[31:0]} <= {1'b0, place_base_q[31:0]} + {1'b0, place_offset_q};
      line_address_q[63:32] <= place_base_q[63:32];
      line_mask_q <= '0;
      line_count_q <= 4'(place_count_q);
    end
    if (joins) line_count_q <= line_count_q + 4'(place_count_q);
    if (begins || joins) begin
      for (int unsigned s = 0; s < SLOTS; s++) begin
        if (place_slot_q == 3'(s)) begin
          line_mask_q[s] <= 1'b1;
          line_data_q[s] <= place_data_q[0];
        end
        if (s > 0 && place_slot_q == 3'(s - 1) && place_count_q[1]) begin
          line_mask_q[s] <= 1'b1;
          line_data_q[s] <= place_data_q[1];
        end
      end
    end
    if (!rst_ni) line_valid_q <= 1'b0;
  end

  // Bus: one beat a line, address and data each at its own pace.
  logic awvalid_q, wvalid_q;
  logic [63:0] awaddr_q;
  logic [SLOTS-1:0] strb_q;
  logic [DATA_WIDTH-1:0] wdata_q;
  logic [$clog2(LINES):0] sent_level;
  wire bus_free = (!awvalid_q || awready_i) && (!wvalid_q || wready_i);
  wire sent_room = !sent_level[$clog2(LINES)];
  // A line that is still growing stays.
  assign line_pop = line_valid_q && !joins && sent_room && (line_void_q || bus_free);
  wire line_goes = line_pop && !line_void_q;

  always_ff @(posedge clk_i) begin
    if (awready_i) awvalid_q <= 1'b0;
    if (wready_i) wvalid_q <= 1'b0;
    if (line_goes) begin
      awvalid_q <= 1'b1;
      wvalid_q <= 1'b1;
      awaddr_q <= {line_address_q[63:32] + 32'(line_carry_q), line_address_q[31:0]};
      wdata_q <= line_data_q;
      strb_q <= line_mask_q;
    end
    if (!rst_ni) begin
      awvalid_q <= 1'b0;
      wvalid_q  <= 1'b0;
    end
  end

  assign awaddr_o  = awaddr_q;
  assign awvalid_o = awvalid_q;
  assign wvalid_o  = wvalid_q;
  assign wdata_o   = wdata_q;
  for (genvar s = 0; s < SLOTS; s++) begin : g_strobe
    assign wstrb_o[8*s+:8] = {8{strb_q[s]}};
  end
  assign waiting_o = (awvalid_q && !awready_i) || (wvalid_q && !wready_i);

  // Responses, in the order of the lines.
  logic sent_valid, sent_void;
  pair_t sent_pair;
  logic [3:0] sent_count;

  stream_fifo #(
      .WIDTH(4 + 1 + 4),
      .DEPTH(LINES)
  ) i_sent (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .push_i (line_pop),
      .data_i ({line_pair_q, line_void_q, line_count_q}),
      .valid_o(sent_valid),
      .ready_i(done_o),
      .data_o ({sent_pair, sent_void, sent_count}),
      .level_o(sent_level)
  );

  assign bready_o = sent_valid && !sent_void;
  assign done_o = sent_valid && (sent_void || bvalid_i);
  assign done_pair_o = sent_pair;
  assign done_void_o = sent_void;
  assign done_count_o = sent_count;
  assign done_error_o = !sent_void && bresp_i != 2'b00;

endmodule
