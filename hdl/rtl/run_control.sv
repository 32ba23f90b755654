// The course of a run: check the arguments, start the movers, wait for both, report.
module run_control
  import tcp_pkg::*;
#(
    parameter int unsigned DATA_WIDTH = 512
) (
    input logic clk_i,
    input logic rst_ni,

    // From and to the control registers.
    input  logic           start_i,
    input  logic    [63:0] descriptors_i,
    input  logic    [63:0] verdicts_i,
    input  logic    [31:0] count_i,
    input  logic    [31:0] options_i,
    output logic           idle_o,
    output logic           done_o,         // one clock, with status and address
    output status_e        status_o,
    output logic    [63:0] fail_address_o,

    // The policy slot of the run that starts.
    output logic       load_policy_o,
    output logic [3:0] policy_slot_o,

    // To the stream, constant during a run.
    output logic clear_o,  // forget the run before; with launch_o if there is work
    output logic launch_o,
    output logic [63:0] read_address_o,
    output logic [32:0] read_last_beat_o,
    output logic [63:0] write_address_o,
    output logic [1:0] last_lanes_o,
    output checksum_e checksum_o,
    output logic wide_o,
    output logic detail_o,

    input logic        read_busy_i,
    input logic        read_failed_i,
    input logic [63:0] read_fail_address_i,
    input logic        write_finished_i,
    input logic        write_failed_i,
    input logic [63:0] write_fail_address_i
);

  localparam int unsigned GROUP = group_size(DATA_WIDTH);
  localparam int unsigned BEAT_SHIFT = $clog2(DATA_WIDTH / 8);

  typedef enum logic [1:0] {
    IDLE,
    CHECK,
    RUN,
    DONE
  } state_e;

  state_e  state_q;
  status_e status_q;
  logic [63:0] read_address_q, write_address_q, fail_address_q;
  logic [3:0] options_q;
  logic bad_options_q, nothing_q;
  logic [32:0] last_beat_q;
  logic [ 1:0] last_lanes_q;

  // Descriptors that the last beat of a run completes, by the count's rest.
  function automatic logic [1:0] last_lanes(input logic [$clog2(GROUP)-1:0] rest);
    int unsigned place;
    place = rest == '0 ? GROUP : 32'(rest);
    last_lanes = 2'd0;
    for (int unsigned p = 0; p < 3; p++) begin
      if (place > descriptors_in(DATA_WIDTH, p)) begin
        last_lanes = 2'(place - descriptors_in(DATA_WIDTH, p));
      end
    end
  endfunction

  wire misaligned = read_address_q[5:0] != '0 || write_address_q[5:0] != '0;

  always_ff @(posedge clk_i) begin
    case (state_q)
      IDLE: begin
        if (start_i) begin
          read_address_q <= descriptors_i;
          write_address_q <= verdicts_i;
          options_q <= options_i[3:0];
          bad_options_q <= options_i[31:8] != '0 || checksum_e'(options_i[1:0]) == CHECKSUM_NONE;
          nothing_q <= count_i == '0;
          // 24 bytes each, in units of 8 bytes, to the beat that holds the last one.
          last_beat_q <= 33'((34'(count_i) + {1'b0, count_i, 1'b0} - 34'd1) >> (BEAT_SHIFT - 3));
          last_lanes_q <= last_lanes(count_i[$clog2(GROUP)-1:0]);
          state_q <= CHECK;
        end
      end
      CHECK: begin
        fail_address_q <= '0;
        state_q <= DONE;
        if (bad_options_q) status_q <= STATUS_BAD_OPTIONS;
        else if (misaligned) status_q <= STATUS_MISALIGNED;
        else begin
          status_q <= STATUS_OK;
          if (!nothing_q) state_q <= RUN;
        end
      end
      RUN: begin
        // The first failure is the one that is reported.
        if (status_q == STATUS_OK) begin
          if (read_failed_i) begin
            status_q <= STATUS_READ_ERROR;
            fail_address_q <= read_fail_address_i;
          end else if (write_failed_i) begin
            status_q <= STATUS_WRITE_ERROR;
            fail_address_q <= write_fail_address_i;
          end
        end
        if (write_finished_i && !read_busy_i) state_q <= DONE;
      end
      DONE: state_q <= IDLE;
    endcase
    if (!rst_ni) begin
      state_q <= IDLE;
      status_q <= STATUS_OK;
      fail_address_q <= '0;
    end
  end

  assign idle_o = state_q == IDLE;
  assign done_o = state_q == DONE;
  assign status_o = status_q;
  assign fail_address_o = fail_address_q;
  assign load_policy_o = state_q == IDLE && start_i;
  assign policy_slot_o = options_i[7:4];

  assign clear_o = state_q == CHECK;
  assign launch_o = state_q == CHECK && !bad_options_q && !misaligned && !nothing_q;
  assign read_address_o = read_address_q;
  assign read_last_beat_o = last_beat_q;
  assign write_address_o = write_address_q;
  assign last_lanes_o = last_lanes_q;
  assign checksum_o = checksum_e'(options_q[1:0]);
  assign wide_o = options_q[2];
  assign detail_o = options_q[3];

endmodule
