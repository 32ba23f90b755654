// Beats of DATA_WIDTH bits in, descriptors of 24 bytes out. Three beats hold a whole
// number of descriptors (8, 4 or 2), so there are three phases, each with its own
// fixed cut of {this beat, the last 16 bytes of the beat before}: a 3:1 multiplexer
// per lane instead of a barrel shifter.
//
// A run starts at phase 0 with `clear_i`. Every beat accepted gives one output word
// in the next clock; its mask may be 0 (128 bits, phase 0). The beat marked last
// completes `last_lanes_i` descriptors; a void beat carries nothing and ends a run
// that failed.
module descriptor_gearbox
  import tcp_pkg::*;
#(
    parameter int unsigned DATA_WIDTH = 512,
    parameter int unsigned LANES = lanes_for(DATA_WIDTH)
) (
    input logic clk_i,
    input logic rst_ni,
    input logic clear_i,

    input logic [1:0] last_lanes_i,

    input  logic                  beat_valid_i,
    output logic                  beat_ready_o,
    input  logic [DATA_WIDTH-1:0] beat_data_i,
    input  logic                  beat_last_i,
    input  logic                  beat_void_i,

    output logic                                  valid_o,
    input  logic                                  room_i,         // for one word more
    output logic [LANES-1:0]                      mask_o,
    output logic [LANES-1:0][DESCRIPTOR_BITS-1:0] descriptors_o,
    output logic [      1:0]                      phase_o,
    output logic                                  last_o
);

  localparam int unsigned BEAT_BYTES = DATA_WIDTH / 8;
  localparam int unsigned CARRY_BYTES = 16;

  function automatic int unsigned lanes_in(input int unsigned phase);
    lanes_in = descriptors_in(DATA_WIDTH, phase + 1) - descriptors_in(DATA_WIDTH, phase);
  endfunction
  // First byte of a phase's lane 0 within the window, whose beat starts at CARRY_BYTES.
  function automatic int unsigned first_byte(input int unsigned phase);
    first_byte = CARRY_BYTES -
        (BEAT_BYTES * phase - DESCRIPTOR_BYTES * descriptors_in(DATA_WIDTH, phase));
  endfunction

  logic [1:0] phase_q;
  logic [8*CARRY_BYTES-1:0] carry_q;
  wire [DATA_WIDTH+8*CARRY_BYTES-1:0] window = {beat_data_i, carry_q};

  wire accept = beat_valid_i && beat_ready_o;
  assign beat_ready_o = room_i;

  // The descriptors that a whole beat of a phase completes.
  function automatic logic [LANES-1:0] full_mask(input int unsigned phase);
    for (int unsigned l = 0; l < LANES; l++) full_mask[l] = l < lanes_in(phase);
  endfunction

  // All of it happens on acceptance, registers in and out, so that nothing here hangs on the
  // bus's signals for longer than a multiplexer.
  always_ff @(posedge clk_i) begin
    valid_o <= accept;
    if (accept) begin
      for (int unsigned p = 0; p < 3; p++) begin
        if (phase_q == 2'(p)) begin
          mask_o <= full_mask(p);
          for (int unsigned l = 0; l < LANES; l++) begin
            if (l < lanes_in(p)) begin
              descriptors_o[l] <= window[8*(first_byte(p)+DESCRIPTOR_BYTES*l)+:DESCRIPTOR_BITS];
            end
          end
        end
      end
      if (beat_last_i) begin
        for (int unsigned l = 0; l < LANES; l++) begin
          mask_o[l] <= 2'(l) < last_lanes_i && !beat_void_i;
        end
      end
      phase_o <= phase_q;
      last_o  <= beat_last_i;
      carry_q <= beat_data_i[DATA_WIDTH-1-:8*CARRY_BYTES];
      phase_q <= phase_q == 2'd2 ? 2'd0 : phase_q + 2'd1;
    end
    if (!rst_ni || clear_i) begin
      valid_o <= 1'b0;
      phase_q <= 2'd0;
    end
  end

endmodule
