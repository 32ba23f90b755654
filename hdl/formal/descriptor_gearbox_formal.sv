// descriptor_gearbox: descriptor i of a run is bytes 24i..24i+23 of the beats it accepted, in
// every phase and whatever pauses there are; each comes out once, in order, in the clock after
// the beat that completes it; the last beat gives what it was told to.
//
// i is any number, as a group of three beats (modulo 2^TAG) and a place in the group. A group
// is a whole number of descriptors, so descriptor i's bytes are at a fixed place in its group.
module descriptor_gearbox_formal
  import tcp_pkg::*;
#(
    parameter int unsigned DATA_WIDTH = 512
) (
    input logic                  clk_i,
    input logic                  rst_ni,
    input logic                  clear_i,
    input logic [           1:0] last_lanes_i,
    input logic                  beat_valid_i,
    input logic [DATA_WIDTH-1:0] beat_data_i,
    input logic                  beat_last_i,
    input logic                  beat_void_i,
    input logic                  room_i
);

  localparam int unsigned BYTES = DATA_WIDTH / 8;
  localparam int unsigned LANES = (DATA_WIDTH + 191) / 192;
  localparam int unsigned GROUP = 3 * BYTES / 24;
  localparam int unsigned TAG = 2;
  localparam int unsigned NUMBER = TAG + $clog2(GROUP);

  logic ready, valid, last;
  logic [LANES-1:0] mask;
  logic [LANES-1:0][191:0] descriptors;
  logic [1:0] phase;

  descriptor_gearbox #(
      .DATA_WIDTH(DATA_WIDTH)
  ) dut (
      .clk_i,
      .rst_ni,
      .clear_i,
      .last_lanes_i,
      .beat_valid_i,
      .beat_ready_o (ready),
      .beat_data_i,
      .beat_last_i,
      .beat_void_i,
      .valid_o      (valid),
      .room_i,
      .mask_o       (mask),
      .descriptors_o(descriptors),
      .phase_o      (phase),
      .last_o       (last)
  );

  // Descriptors that are complete after so many beats of a group.
  function automatic int unsigned complete(input int unsigned beats);
    complete = BYTES * beats / 24;
  endfunction

  // The input: beats accepted, as group and phase, and the bytes of descriptor i among them.
  wire  accept = beat_valid_i && ready;
  logic running_q = 1'b0;
  logic ended_q, was_accepted_q, was_last_q, was_void_q;
  logic [1:0] phase_q, was_phase_q, was_lanes_q;
  logic [TAG-1:0] group_q;
  logic [NUMBER-1:0] tag;  // i
  logic [23:0][7:0] bytes_q;
  wire [TAG-1:0] tag_group = tag[NUMBER-1-:TAG];
  wire [$clog2(GROUP)-1:0] tag_place = tag[$clog2(GROUP)-1:0];

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    tag <= tag;
    was_accepted_q <= accept && rst_ni && !clear_i;
    was_phase_q <= phase_q;
    was_last_q <= beat_last_i;
    was_void_q <= beat_void_i;
    was_lanes_q <= last_lanes_i;
    if (accept) begin
      phase_q <= phase_q == 2'd2 ? 2'd0 : phase_q + 2'd1;
      if (phase_q == 2'd2) group_q <= group_q + 1'b1;
      ended_q <= beat_last_i;
      for (int unsigned p = 0; p < 3; p++) begin
        for (int unsigned r = 0; r < GROUP; r++) begin
          for (int unsigned j = 0; j < 24; j++) begin
            if (phase_q == 2'(p) && group_q == tag_group && tag_place == ($clog2(
                    GROUP
                ))'(r) && (24 * r + j) / BYTES == p) begin
              bytes_q[j] <= beat_data_i[8*((24*r+j)%BYTES)+:8];
            end
          end
        end
      end
    end
    if (!rst_ni || clear_i) begin
      phase_q <= 2'd0;
      group_q <= '0;
      ended_q <= 1'b0;
    end
  end

  // The output: descriptors that came out.
  logic [NUMBER-1:0] emitted_q;
  logic [1:0] emits;
  always_comb begin
    emits = 2'd0;
    for (int unsigned l = 0; l < LANES; l++) emits += 2'(valid && mask[l]);
  end
  always_ff @(posedge clk_i) begin
    emitted_q <= emitted_q + NUMBER'(emits);
    if (!rst_ni || clear_i) emitted_q <= '0;
  end

  // Those that beats before this phase completed.
  function automatic logic [NUMBER-1:0] complete_before(input logic [TAG-1:0] group,
                                                        input logic [1:0] in_phase);
    complete_before = NUMBER'(GROUP) * NUMBER'(group);
    for (int unsigned p = 1; p < 3; p++) begin
      if (in_phase == 2'(p)) complete_before += NUMBER'(complete(p));
    end
  endfunction

  always_comb begin
    if (!running_q) assume (!rst_ni);
    // The reader stops at the last beat, which never completes more than a whole beat does.
    if (ended_q) assume (!beat_valid_i);
    for (int unsigned p = 0; p < 3; p++) begin
      if (phase_q == 2'(p)) assume (last_lanes_i <= 2'(complete(p + 1) - complete(p)));
    end

    if (running_q) begin
      assert (ready == room_i);
      assert (valid == was_accepted_q);
      if (valid) begin
        assert (phase == was_phase_q && last == was_last_q);
        // In order from lane 0 on; as many as the beat completes.
        for (int unsigned l = 1; l < LANES; l++) assert (!mask[l] || mask[l-1]);
        if (was_last_q)
          assert (emits == (was_void_q ? 2'd0 : was_lanes_q));
          else begin
            assert (NUMBER'(emitted_q + NUMBER'(emits)) == complete_before(group_q, phase_q));
          end
        for (int unsigned l = 0; l < LANES; l++) begin
          if (mask[l] && NUMBER'(emitted_q + NUMBER'(l)) == tag) assert (descriptors[l] == bytes_q);
        end
      end

      // What the induction stands on.
      assert (phase_q != 2'd3);
      assert (dut.phase_q == phase_q);
      if (!valid && !ended_q) assert (emitted_q == complete_before(group_q, phase_q));
      if (valid) begin
        assert (ended_q == was_last_q);
        assert (phase_q == (was_phase_q == 2'd2 ? 2'd0 : was_phase_q + 2'd1));
        assert (emitted_q == complete_before(group_q - TAG'(phase_q == 2'd0), was_phase_q));
      end
      // The beginning of a descriptor whose end is to come.
      for (int unsigned p = 1; p < 3; p++) begin
        if (phase_q == 2'(p) && group_q == tag_group && tag_place == ($clog2(
                GROUP
            ))'(complete(
                p
            ))) begin
          for (int unsigned j = 0; j < BYTES * p - 24 * complete(p); j++) begin
            assert (bytes_q[j] == dut.carry_q[8*(16-(BYTES*p-24*complete(p))+j)+:8]);
          end
        end
      end
      // A word that is coming out now.
      if (valid) begin
        for (int unsigned p = 0; p < 3; p++) begin
          for (int unsigned l = 0; l < LANES; l++) begin
            if (was_phase_q == 2'(p) && mask[l] && tag == complete_before(
                    group_q - TAG'(phase_q == 2'd0), 2'(p)
                ) + NUMBER'(l)) begin
              assert (descriptors[l] == bytes_q);
            end
          end
        end
      end
    end
  end

endmodule
