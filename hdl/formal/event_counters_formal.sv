// event_counters: each counter is the number of its events since reset, modulo 2^64; a low word is
// read as it was a clock before the access, a high word as it was two.
//
// `counter` is any counter, so what holds for its events holds for all.
module event_counters_formal
  import tcp_pkg::*;
#(
    parameter int unsigned LANES = 3
) (
    input logic                clk_i,
    input logic                rst_ni,
    input logic    [LANES-1:0] mask_i,
    input result_t [LANES-1:0] results_i,
    input logic                active_i,
    input logic                read_wait_i,
    input logic                write_wait_i,
    input logic                access_i,
    input logic    [      4:0] word_i
);

  logic [31:0] rdata;

  event_counters #(
      .LANES(LANES)
  ) dut (
      .clk_i,
      .rst_ni,
      .mask_i,
      .results_i,
      .active_i,
      .read_wait_i,
      .write_wait_i,
      .access_i,
      .word_i,
      .rdata_o(rdata)
  );

  // Whether a descriptor counts in a counter, as docs/registers.md has it; a verdict's bits as
  // docs of the verdict have them: 0 valid, 2:1 decision, 6 over a maximum, 7 flag hit.
  function automatic logic is_counted(input logic [3:0] number, input result_t result);
    case (number)
      4'd0: is_counted = 1'b1;
      4'd1: is_counted = result.verdict[0];
      4'd2: is_counted = result.verdict[0] && result.verdict[2:1] == APPROVE;
      4'd3: is_counted = result.verdict[0] && result.verdict[2:1] == CAUTION;
      4'd4: is_counted = result.verdict[0] && result.verdict[2:1] == REQUIRE_APPROVAL;
      4'd5: is_counted = result.verdict[0] && result.verdict[2:1] == REJECT;
      4'd6: is_counted = result.cause == BAD_MAGIC;
      4'd7: is_counted = result.cause == BAD_VERSION;
      4'd8: is_counted = result.cause == BAD_CHECKSUM;
      4'd9: is_counted = result.cause == BAD_RISK;
      4'd10: is_counted = result.cause == RESERVED_FLAGS;
      4'd11: is_counted = result.verdict[6];
      default: is_counted = result.verdict[7];
    endcase
  endfunction

  logic [3:0] counter;
  logic [2:0] events;
  always_comb begin
    events = '0;
    case (counter)
      4'd13: events = 3'(active_i);
      4'd14: events = 3'(read_wait_i);
      4'd15: events = 3'(write_wait_i);
      default:
      for (int unsigned l = 0; l < LANES; l++)
      events += 3'(mask_i[l] && is_counted(counter, results_i[l]));
    endcase
  end

  logic running_q = 1'b0, was_access_q = 1'b0, was_running_q = 1'b0;
  logic [4:0] was_word_q;
  logic [2:0] events_q;  // of the clock before
  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    counter <= counter;
    was_access_q <= access_i;
    was_running_q <= running_q && rst_ni;
    was_word_q <= word_i;
    events_q <= rst_ni ? events : '0;
  end

  // What has been counted before the clock before this one, and its halves of one and two clocks
  // earlier. Halves, so that the solver sees the sums that it has to compare.
  for (genvar n = 0; n < 16; n++) begin : g_counter
    logic [31:0] low_q, high_q, low_1_q, high_1_q, high_2_q;
    logic over_q;  // the low half, in the last sum
    wire over;
    wire [31:0] low;
    assign {over, low} = {1'b0, low_q} + 33'(dut.increment_q[n]);
    always_ff @(posedge clk_i) begin
      low_q <= low;
      high_q <= high_q + 32'(over);
      over_q <= over;
      low_1_q <= low_q;
      high_1_q <= high_q;
      high_2_q <= high_1_q;
      if (!rst_ni) begin
        low_q <= '0;
        high_q <= '0;
        over_q <= 1'b0;
        high_1_q <= '0;
      end
    end

    always_comb begin
      if (running_q) begin
        if (was_access_q && was_running_q && was_word_q == 5'(2 * n)) assert (rdata == low_1_q);
        if (was_access_q && was_running_q && was_word_q == 5'(2 * n + 1)) begin
          assert (rdata == high_2_q);
        end

        // What the induction stands on.
        assert (dut.low_q[n] == low_q && dut.high_q[n] == high_1_q && dut.carry_q[n] == over_q);
        assert (high_q == high_1_q + 32'(over_q));
      end
    end
  end

  always_comb begin
    if (!running_q) assume (!rst_ni);
    if (running_q) begin
      assert (events_q == 3'(dut.increment_q[counter]));
      if (!was_access_q) assert (rdata == '0);
    end
  end

endmodule
