// Splits an array of 32-bit words into bursts: at most 64 beats, none across a 4 KiB boundary.
module bursts #(
    parameter int DATA_WIDTH = 512
) (
    input  logic        clk,
    input  logic        rst_n,
    input  logic        start,
    input  logic [63:0] address,
    input  logic [31:0] count,
    // The next burst, and that it was taken.
    output logic        valid,
    output logic [63:0] burst_address,
    output logic [ 7:0] burst_len,
    input  logic        taken
);
  localparam int Bytes = DATA_WIDTH / 8;
  localparam int Words = Bytes / 4;
  localparam int Longest = 4096 / Bytes < 64 ? 4096 / Bytes : 64;
  logic [63:0] at;
  logic [31:0] left, to_boundary, beats;
  assign valid = left != 0;
  assign to_boundary = (32'd4096 - 32'(at[11:0])) / 32'(Bytes);
  always_comb begin
    beats = left < 32'(Longest) ? left : 32'(Longest);
    if (to_boundary < beats) beats = to_boundary;
  end
  assign burst_address = at;
  assign burst_len = 8'(beats - 1);
  always_ff @(posedge clk) begin
    if (start) begin
      at <= address & ~(64'(Bytes) - 1);
      left <= (count + 32'(Words - 1)) / 32'(Words);
    end else if (taken) begin
      at <= at + 64'(beats) * 64'(Bytes);
      left <= left - beats;
    end
    if (!rst_n) left <= '0;
  end
endmodule
