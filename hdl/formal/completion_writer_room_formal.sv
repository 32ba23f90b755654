// completion_writer: the room that it tells is enough. Neither of its FIFOs is ever given more than it
// holds, though beats that are already in queue_check come after room has fallen.
module completion_writer_room_formal
  import queue_pkg::*;
(
    input logic                clk_i,
    input logic                rst_ni,
    input logic                valid_i,
    input pair_t               pair_i,
    input logic                void_i,
    input logic    [LANES-1:0] mask_i,
    input answer_t [LANES-1:0] answers_i,
    input index_t              tail_i,
    input logic    [      3:0] log_i,
    input logic    [     63:0] base_i,
    input logic                failed_i,
    input logic                awready_i,
    input logic                wready_i,
    input logic    [      1:0] bresp_i,
    input logic                bvalid_i
);

  // The stages of queue_check: a beat comes so many clocks after it was taken, and none is taken
  // without room (queue_check_formal.sv).
  localparam int unsigned STAGES = 7;

  logic room, written, next, done, done_void, done_error, awvalid, wvalid, bready, waiting;
  pair_t look_pair, write_pair, done_pair;
  index_t next_tail;
  logic [3:0] done_count;
  logic [63:0] awaddr;
  logic [DATA_WIDTH-1:0] wdata;
  logic [DATA_WIDTH/8-1:0] wstrb;

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
      .tail_i,
      .log_i,
      .base_i,
      .pair_o      (write_pair),
      .next_o      (next),
      .failed_i,
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

  logic running_q = 1'b0;
  logic [STAGES:1] had_room_q;  // so many clocks ago
  always_ff @(posedge clk_i) begin
    running_q  <= 1'b1;
    had_room_q <= {had_room_q[STAGES-1:1], room};
    if (!rst_ni) had_room_q <= '0;
  end
  // How many beats may still come: those that were taken.
  logic [3:0] coming;
  always_comb begin
    coming = '0;
    for (int unsigned s = 1; s <= STAGES; s++) coming += 4'(had_room_q[s]);
  end

  wire [5:0] level = dut.answer_level;
  always_comb begin
    if (!running_q) assume (!rst_ni);
    if (running_q && valid_i) assume (had_room_q[STAGES]);

    if (running_q && rst_ni) begin
      assert (level <= 6'd32 && dut.sent_level <= 7'd64);
      // What the induction stands on: a beat for each clock since the level was seen to be low.
      if (room)
        assert (level <= 6'd21);
        else assert (7'(level) + 7'(coming) <= 7'd32);
    end
  end

endmodule
