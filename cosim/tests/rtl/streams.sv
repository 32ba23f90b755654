// Kernels without registers: a sender and a receiver of a stream, and one with two clocks.

// Sends 0, 1, 2... in packets of four, with gaps. MISBEHAVE 1 drops VALID, 2 changes the payload while waiting, 3
// asserts VALID in reset.
module sender #(
    parameter int WIDTH = 32,
    parameter int MISBEHAVE = 0
) (
    input  logic             ap_clk,
    input  logic             ap_rst_n,
    output logic             out_tvalid,
    input  logic             out_tready,
    output logic [WIDTH-1:0] out_tdata,
    output logic             out_tlast
);
  logic [31:0] count;
  logic [3:0] gap;
  logic waited;
  assign out_tdata = WIDTH'(count) + ((MISBEHAVE == 2 && waited) ? WIDTH'(1) : '0);
  assign out_tlast = count[1:0] == 3;
  always_ff @(posedge ap_clk) begin
    gap <= gap + 1;
    if (out_tvalid && out_tready) begin
      count <= count + 1;
      out_tvalid <= gap[1:0] != 0;
    end else out_tvalid <= !(MISBEHAVE == 1 && out_tvalid);
    waited <= out_tvalid && !out_tready;
    if (!ap_rst_n) begin
      count <= 0;
      gap <= 0;
      waited <= 0;
      out_tvalid <= MISBEHAVE == 3;
    end
  end
endmodule

// Counts beats and packets, and beats that are not the next number; ready three clocks of eight, or never.
module receiver #(
    parameter int WIDTH = 32
) (
    input  logic             ap_clk,
    input  logic             ap_rst_n,
    input  logic             stop,
    input  logic             IN_TVALID,
    output logic             IN_TREADY,
    input  logic [WIDTH-1:0] IN_TDATA,
    input  logic [WIDTH/8-1:0] IN_TKEEP,
    input  logic             IN_TLAST,
    output logic [31:0]      beats,
    output logic [31:0]      packets,
    output logic [31:0]      wrong
);
  logic [2:0] phase;
  assign IN_TREADY = phase < 3 && !stop;
  always_ff @(posedge ap_clk) begin
    phase <= phase + 1;
    if (IN_TVALID && IN_TREADY) begin
      beats <= beats + 1;
      packets <= packets + 32'(IN_TLAST);
      wrong <= wrong + 32'(IN_TDATA != WIDTH'(beats) || IN_TKEEP != '1);
    end
    if (!ap_rst_n) begin
      phase <= 0;
      beats <= 0;
      packets <= 0;
      wrong <= 0;
    end
  end
endmodule

// Counts both clocks, and carries the count of the second over to the first.
module two_clocks (
    input  logic        ap_clk,
    input  logic        ap_rst_n,
    input  logic        ap_clk_2,
    input  logic        ap_rst_n_2,
    output logic [31:0] first,
    output logic [31:0] second,
    output logic [31:0] seen
);
  always_ff @(posedge ap_clk) begin
    first <= ap_rst_n ? first + 1 : 0;
    seen  <= ap_rst_n ? second : 0;
  end
  always_ff @(posedge ap_clk_2) second <= ap_rst_n_2 ? second + 1 : 0;
endmodule
