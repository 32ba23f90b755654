// Reads submissions from the rings: picks a pair that may have work, in turn, plans one
// burst, claims the places of its completions, and asks for it; takes the beats in the
// order asked.
//
// A burst is up to 1 KiB and stays within a 1 KiB block of the ring, so that it
// crosses neither a 4 KiB boundary nor the ring's end. A plan takes six clocks, less
// than its data from the second block on. A push to the pair can take away the room that
// was planned with: then the plan is made anew, and no push is let in until it is done.
//
// A pair that is stopped in the very clock before may still claim once: whoever looks
// whether it is idle has to look at `may_claim_o` too.
module queue_fetch
  import queue_pkg::*;
(
    input logic clk_i,
    input logic rst_ni,

    // Of queue_pairs.
    input logic [PAIRS-1:0] work_i,
    output pair_t pair_o,
    output logic load_o,  // the pair's indices are read in this clock
    input index_t head_i,
    input index_t tail_i,
    input index_t claimed_i,
    input index_t given_back_i,
    input logic [3:0] log_i,
    input logic [3:0] room_log_i,
    input logic [63:0] base_i,
    input logic enabled_i,
    input logic disturbed_i,  // a claim of the pair is being counted
    output logic asks_o,  // to claim in the clock after its turn, and in that clock
    output logic alone_o,  // no pushes meanwhile
    input logic turn_i,
    output logic may_claim_o,  // claims in this clock, if there is something to claim
    output logic claim_o,
    output logic [5:0] count_o,
    output index_t next_head_o,
    output logic more_o,  // the pair still has to be looked at
    input logic restart_i,  // a pair was enabled: plans may be of its life before
    output logic read_error_o,  // in the clock after the beat
    output pair_t read_error_pair_o,
    input logic [PAIRS-1:0] read_failed_i,

    output logic [63:0] araddr_o,
    output logic [ 7:0] arlen_o,
    output logic        arvalid_o,
    input  logic        arready_i,

    input  logic [DATA_WIDTH-1:0] rdata_i,
    input  logic [           1:0] rresp_i,
    input  logic                  rlast_i,
    input  logic                  rvalid_i,
    output logic                  rready_o,

    // Beats, taken when `beat_ready_i` is high, which must not depend on `beat_valid_o`.
    output logic                   beat_valid_o,
    input  logic                   beat_ready_i,
    output pair_t                  beat_pair_o,
    output logic  [     LANES-1:0] beat_mask_o,
    output logic                   beat_void_o,   // keep the place, write nothing
    output logic  [DATA_WIDTH-1:0] beat_data_o
);

  localparam logic [5:0] BLOCK = 6'd32;  // submissions in 1 KiB
  localparam int unsigned BURSTS = 32;  // asked for and not yet here

  typedef enum logic [2:0] {
    PICK,
    LOAD,
    PLAN,
    ROOM,
    CLAMP,
    CLAIM
  } state_e;

  state_e state_q;
  pair_t  pair_q;

  // Round robin: the first with work after the last one picked, else the first. By fours,
  // whose firsts are a clock old: a pair may have no work any more, and its plan none.
  function automatic logic [1:0] first_of_four(input logic [2:0] pairs);
    first_of_four = pairs[0] ? 2'd0 : pairs[1] ? 2'd1 : pairs[2] ? 2'd2 : 2'd3;
  endfunction
  logic [PAIRS-1:0] after_q;  // the pairs after `pair_q`
  logic [3:0] any_q, any_later_q;
  logic [3:0][1:0] first_q, first_later_q;
  wire [1:0] four = first_of_four(any_q[2:0]);
  wire [1:0] four_later = first_of_four(any_later_q[2:0]);
  wire pair_t picked = any_later_q != '0 ?
      {four_later, first_later_q[four_later]} : {four, first_q[four]};

  always_ff @(posedge clk_i) begin
    after_q <= 16'hFFFE << pair_q;
    for (int unsigned f = 0; f < 4; f++) begin
      any_q[f] <= |work_i[4*f+:4];
      any_later_q[f] <= |(work_i[4*f+:4] & after_q[4*f+:4]);
      first_q[f] <= first_of_four(work_i[4*f+:3]);
      first_later_q[f] <= first_of_four(work_i[4*f+:3] & after_q[4*f+:3]);
    end
    if (!rst_ni) begin
      any_q <= '0;
      any_later_q <= '0;
    end
  end

  index_t head_q, tail_q, claimed_q, given_back_q, available_q, used_q, ring_q;
  logic [3:0] log_q, room_log_q;
  logic [63:0] base_q, address_q;
  logic carry_q;  // into the address's upper half, still to be added
  logic [14:0] beat_q;
  logic [5:0] block_left_q, wanted_q, room_q, count_q;
  logic disturbed_q;  // since the indices were read
  logic alone_q;
  logic more_q;  // the burst of the clock before left some
  logic enabled_q;  // the pair, in the clock before
  logic arvalid_q;
  logic [63:0] araddr_q;
  logic [7:0] arlen_q;

  logic burst_valid, burst_pop, burst_odd, burst_end_odd;
  pair_t burst_pair;
  logic [$clog2(BURSTS):0] burst_level;

  // Of a block at most.
  wire available_here = available_q[15:6] == '0 && available_q[5:0] < block_left_q;
  // A ring smaller than a block is one.
  wire small_ring = !log_q[3] && (!log_q[2] || log_q[1:0] == 2'd0);
  wire [5:0] block_mask = small_ring ? ~(6'h3F << log_q) : BLOCK - 6'd1;
  wire index_t room = ring_q - used_q;
  // Half of: the first entry's place in its beat, plus count, less one.
  wire [4:0] beats_less_one = count_q[5:1] - 5'(!(head_q[0] || count_q[0]));
  wire disturbed = disturbed_q || disturbed_i;

  always_ff @(posedge clk_i) begin
    if (arready_i) arvalid_q <= 1'b0;
    disturbed_q <= disturbed_i || (disturbed_q && state_q != LOAD);
    enabled_q <= enabled_i;
    more_q <= claim_o && available_q != index_t'(count_q) && rst_ni;
    case (state_q)
      // Nothing waits from here on but for a push that is being judged.
      PICK: begin
        alone_q <= 1'b0;
        if (any_q != '0 && (!arvalid_q || arready_i) && !burst_level[$clog2(BURSTS)]) begin
          pair_q  <= picked;
          state_q <= LOAD;
        end
      end
      LOAD: begin
        head_q <= head_i;
        tail_q <= tail_i;
        claimed_q <= claimed_i;
        given_back_q <= given_back_i;
        log_q <= log_i;
        room_log_q <= room_log_i;
        base_q <= base_i;
        state_q <= PLAN;
      end
      PLAN: begin
        available_q <= tail_q - head_q;
        used_q <= claimed_q - given_back_q;
        ring_q <= index_t'(1) << room_log_q;
        block_left_q <= block_mask + 6'd1 - (head_q[5:0] & block_mask);
        beat_q <= head_q[15:1] & ~(15'h7FFF << (log_q - 4'd1));
        state_q <= ROOM;
      end
      ROOM: begin
        wanted_q <= available_here ? available_q[5:0] : block_left_q;
        room_q <= room[15:5] != '0 ? BLOCK : {1'b0, room[4:0]};
        {carry_q, address_q[31:0]} <= {1'b0, base_q[31:0]} + {12'h0, beat_q, 6'h0};
        address_q[63:32] <= base_q[63:32];
        state_q <= CLAMP;
      end
      CLAMP: begin
        count_q <= wanted_q < room_q ? wanted_q : room_q;
        if (turn_i) state_q <= CLAIM;
      end
      default: begin
        if (claim_o) begin
          arvalid_q <= 1'b1;
          araddr_q  <= {address_q[63:32] + 32'(carry_q), address_q[31:0]};
          arlen_q   <= {3'b0, beats_less_one};
        end
        alone_q <= disturbed;
        state_q <= disturbed ? LOAD : PICK;
      end
    endcase
    if (restart_i) state_q <= PICK;
    if (!rst_ni) begin
      state_q <= PICK;
      pair_q <= '0;
      arvalid_q <= 1'b0;
      alone_q <= 1'b0;
    end
  end

  assign pair_o = pair_q;
  assign load_o = state_q == LOAD;
  assign asks_o = state_q == CLAMP || state_q == CLAIM;
  assign alone_o = alone_q;
  assign may_claim_o = state_q == CLAIM && enabled_q;
  assign claim_o = may_claim_o && count_q != '0 && !disturbed && !restart_i;
  assign count_o = count_q;
  assign next_head_o = head_q + index_t'(count_q);
  // A plan that is given up leaves all: its pair may be another one than that which was enabled.
  assign more_o = more_q || (restart_i && state_q != PICK);
  assign araddr_o = araddr_q;
  assign arlen_o = arlen_q;
  assign arvalid_o = arvalid_q;

  stream_fifo #(
      .WIDTH(6),
      .DEPTH(BURSTS)
  ) i_bursts (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .push_i (claim_o),
      .data_i ({pair_q, head_q[0], head_q[0] ^ count_q[0]}),
      .valid_o(burst_valid),
      .ready_i(burst_pop),
      .data_o ({burst_pair, burst_odd, burst_end_odd}),
      .level_o(burst_level)
  );

  // Beats.
  logic begins_q;  // the next beat is its burst's first
  wire  beat = rvalid_i && rready_o;
  wire  error = rresp_i != 2'b00;

  always_ff @(posedge clk_i) begin
    if (beat) begins_q <= rlast_i;
    read_error_o <= beat && error && rst_ni;
    read_error_pair_o <= burst_pair;
    if (!rst_ni) begins_q <= 1'b1;
  end

  assign rready_o = burst_valid && beat_ready_i;
  assign burst_pop = beat && rlast_i;
  assign beat_valid_o = beat;
  assign beat_pair_o = burst_pair;
  assign beat_mask_o = {!(rlast_i && burst_end_odd), !(begins_q && burst_odd)};
  assign beat_void_o = error || read_failed_i[burst_pair] ||
      (read_error_o && read_error_pair_o == burst_pair);
  assign beat_data_o = rdata_i;

endmodule
