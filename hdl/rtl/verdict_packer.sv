// Results of the lanes in, beats of verdict bytes or detail words out. First three
// lane words make a group (8, 4 or 2 results, at fixed places by phase), then groups
// fill a beat: eight groups of verdict bytes, or two of detail words. All places are
// fixed, so there is no barrel shifter here either.
//
// The run's last word flushes what there is; bytes without a result have no strobe.
// A last word that finds an empty beat gives a void one: the stream ends with the
// beat before.
module verdict_packer
  import tcp_pkg::*;
#(
    parameter int unsigned DATA_WIDTH = 512,
    parameter int unsigned LANES = lanes_for(DATA_WIDTH)
) (
    input logic clk_i,
    input logic rst_ni,
    input logic clear_i,

    input logic detail_i,  // constant during a run

    input logic                valid_i,
    input logic    [LANES-1:0] mask_i,
    input result_t [LANES-1:0] results_i,
    input logic    [      1:0] phase_i,
    input logic                last_i,

    output logic                    valid_o,
    output logic [  DATA_WIDTH-1:0] data_o,
    output logic [DATA_WIDTH/8-1:0] strb_o,
    output logic                    last_o,
    output logic                    void_o
);

  localparam int unsigned GROUP = group_size(DATA_WIDTH);
  localparam int unsigned SLICES = 8;  // of GROUP bytes in a beat

  // Group.
  logic group_valid_q, group_last_q;
  logic [GROUP-1:0] group_mask_q;
  logic [GROUP-1:0][31:0] group_q;

  always_ff @(posedge clk_i) begin
    group_valid_q <= valid_i && (phase_i == 2'd2 || last_i);
    group_last_q  <= last_i;
    if (valid_i) begin
      if (phase_i == 2'd0) group_mask_q <= '0;
      for (int unsigned p = 0; p < 3; p++) begin
        if (phase_i == 2'(p)) begin
          for (int unsigned l = 0; l < LANES; l++) begin
            if (descriptors_in(DATA_WIDTH, p) + l < descriptors_in(DATA_WIDTH, p + 1)) begin
              group_q[descriptors_in(DATA_WIDTH, p)+l] <= detail_word(results_i[l]);
              group_mask_q[descriptors_in(DATA_WIDTH, p)+l] <= mask_i[l];
            end
          end
        end
      end
    end
    if (!rst_ni || clear_i) group_valid_q <= 1'b0;
  end

  // Beat.
  logic [2:0] slice_q;  // where the next group goes
  logic fresh_q;  // the next group opens a beat
  logic [SLICES-1:0][8*GROUP-1:0] beat_q;
  logic [SLICES-1:0][GROUP-1:0] strb_q;
  logic [GROUP-1:0][7:0] verdicts;
  logic [4*GROUP-1:0] detail_strb;

  always_comb begin
    for (int unsigned i = 0; i < GROUP; i++) begin
      verdicts[i] = group_q[i][7:0];
      detail_strb[4*i+:4] = {4{group_mask_q[i]}};
    end
  end

  wire full = detail_i ? slice_q[2] : slice_q == 3'd7;
  wire nothing = fresh_q && group_mask_q == '0;
  wire [32*GROUP-1:0] details = group_q;

  always_ff @(posedge clk_i) begin
    valid_o <= 1'b0;
    if (group_valid_q) begin
      valid_o <= full || group_last_q;
      last_o  <= group_last_q;
      void_o  <= group_last_q && nothing;
      slice_q <= slice_q + (detail_i ? 3'd4 : 3'd1);
      fresh_q <= full || group_last_q;
      for (int unsigned s = 0; s < SLICES; s++) begin
        if (fresh_q) strb_q[s] <= '0;
        if (detail_i ? slice_q[2] == 1'(s / 4) : slice_q == 3'(s)) begin
          beat_q[s] <= detail_i ? details[8*GROUP*(s%4)+:8*GROUP] : verdicts;
          strb_q[s] <= detail_i ? detail_strb[GROUP*(s%4)+:GROUP] : group_mask_q;
        end
      end
    end
    if (!rst_ni || clear_i) begin
      valid_o <= 1'b0;
      slice_q <= 3'd0;
      fresh_q <= 1'b1;
    end
  end

  assign data_o = beat_q;
  assign strb_o = strb_q;

endmodule
