// Asks for an array of 32-bit words; the beats come back on the port's read channel.
module reader #(
    parameter int DATA_WIDTH = 512
) (
    input  logic        clk,
    input  logic        rst_n,
    input  logic        start,
    input  logic [63:0] address,
    input  logic [31:0] count,
    output logic [63:0] araddr,
    output logic [ 7:0] arlen,
    output logic        arvalid,
    input  logic        arready
);
  bursts #(.DATA_WIDTH(DATA_WIDTH)) split (
      .clk, .rst_n, .start, .address, .count,
      .valid(arvalid), .burst_address(araddr), .burst_len(arlen), .taken(arvalid && arready)
  );
endmodule
