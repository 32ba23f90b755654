// The queue's own 32-bit counters, in the order of docs/queue.md. Increments are
// registered before they are added.
module queue_counters
  import queue_pkg::*;
(
    input logic clk_i,
    input logic rst_ni,

    input logic [5:0] ring_i,      // submissions
    input logic [1:0] push_i,      // submissions
    input logic       refused_i,   // a push
    input logic [1:0] bad_i,       // submissions with BAD_OPTIONS
    input logic [3:0] answered_i,  // completions
    input logic       write_i,     // a burst
    input logic       read_i,      // a burst
    input logic       interrupt_i,

    input  logic        access_i,
    input  logic [ 2:0] word_i,
    output logic [31:0] rdata_o    // in the next clock; 0 without access
);

  localparam int unsigned COUNTERS = 8;

  logic [COUNTERS-1:0][ 5:0] increment_q;
  logic [COUNTERS-1:0][31:0] count_q;

  always_ff @(posedge clk_i) begin
    increment_q <= {
      6'(interrupt_i),
      6'(read_i),
      6'(write_i),
      6'(answered_i),
      6'(bad_i),
      6'(refused_i),
      6'(push_i),
      ring_i
    };
    for (int unsigned n = 0; n < COUNTERS; n++) count_q[n] <= count_q[n] + 32'(increment_q[n]);
    if (!rst_ni) begin
      increment_q <= '0;
      count_q <= '0;
    end
  end

  always_ff @(posedge clk_i) rdata_o <= access_i ? count_q[word_i] : '0;

endmodule
