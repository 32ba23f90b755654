// What the xpm_memory macros have in common, behaviourally (AMD UG974): two ports of any widths, byte writes, the three
// write modes, read latency from 0 on.
//
// Content is kept in units of the narrower port.
`default_nettype wire
module xpm_memory_model #(
    parameter integer MEMORY_SIZE = 2048,
    parameter MEMORY_INIT_FILE = "none",
    parameter MEMORY_INIT_PARAM = "0",
    parameter integer ADDR_WIDTH_A = 6,
    parameter integer ADDR_WIDTH_B = 6,
    parameter integer WIDTH_A = 32,
    parameter integer WIDTH_B = 32,
    parameter integer BYTE_A = 32,
    parameter integer BYTE_B = 32,
    parameter integer LATENCY_A = 2,
    parameter integer LATENCY_B = 2,
    parameter integer WRITE_FIRST_A = 0,
    parameter integer WRITE_FIRST_B = 0,
    parameter integer NO_CHANGE_A = 0,
    parameter integer NO_CHANGE_B = 0
) (
    input  logic                      clka,
    input  logic                      ena,
    input  logic [  ADDR_WIDTH_A-1:0] addra,
    input  logic [WIDTH_A/BYTE_A-1:0] wea,
    input  logic [       WIDTH_A-1:0] dina,
    input  logic                      rsta,
    input  logic                      regcea,
    output logic [       WIDTH_A-1:0] douta,
    input  logic                      clkb,
    input  logic                      enb,
    input  logic [  ADDR_WIDTH_B-1:0] addrb,
    input  logic [WIDTH_B/BYTE_B-1:0] web,
    input  logic [       WIDTH_B-1:0] dinb,
    input  logic                      rstb,
    input  logic                      regceb,
    output logic [       WIDTH_B-1:0] doutb
);
  localparam integer Unit = WIDTH_A < WIDTH_B ? WIDTH_A : WIDTH_B;
  localparam integer Units = MEMORY_SIZE / Unit;
  localparam integer UnitsA = WIDTH_A / Unit;
  localparam integer UnitsB = WIDTH_B / Unit;

  logic [Unit-1:0] units[Units];
  initial begin
    for (int i = 0; i < Units; i++) units[i] = '0;
    if (MEMORY_INIT_FILE != "none" && MEMORY_INIT_FILE != "") begin
      if (WIDTH_A != Unit) $fatal(1, "MEMORY_INIT_FILE needs a port A that is not the wider one");
      $readmemh(MEMORY_INIT_FILE, units);
    end
    if (MEMORY_INIT_PARAM != "0" && MEMORY_INIT_PARAM != "")
      $fatal(1, "MEMORY_INIT_PARAM is not modelled; use MEMORY_INIT_FILE");
  end

  logic [WIDTH_A-1:0] old_a, new_a;
  logic [WIDTH_B-1:0] old_b, new_b;
  always_comb begin
    for (int i = 0; i < UnitsA; i++)
      old_a[i*Unit+:Unit] = units[(32'(addra)*32'(UnitsA)+32'(i))%32'(Units)];
    for (int i = 0; i < UnitsB; i++)
      old_b[i*Unit+:Unit] = units[(32'(addrb)*32'(UnitsB)+32'(i))%32'(Units)];
    for (int i = 0; i < WIDTH_A; i++) new_a[i] = wea[i/BYTE_A] ? dina[i] : old_a[i];
    for (int i = 0; i < WIDTH_B; i++) new_b[i] = web[i/BYTE_B] ? dinb[i] : old_b[i];
  end
  always @(posedge clka)
    if (ena && |wea)
      for (int i = 0; i < UnitsA; i++)
        units[(32'(addra)*32'(UnitsA)+32'(i))%32'(Units)] <= new_a[i*Unit+:Unit];
  always @(posedge clkb)
    if (enb && |web)
      for (int i = 0; i < UnitsB; i++)
        units[(32'(addrb)*32'(UnitsB)+32'(i))%32'(Units)] <= new_b[i*Unit+:Unit];

  xpm_memory_read #(
      .WIDTH  (WIDTH_A),
      .LATENCY(LATENCY_A)
  ) read_a (
      .clk (clka),
      .en  (ena && !(NO_CHANGE_A != 0 && |wea)),
      .word(WRITE_FIRST_A != 0 ? new_a : old_a),
      .now (old_a),
      .rst (rsta),
      .ce  (regcea),
      .dout(douta)
  );
  xpm_memory_read #(
      .WIDTH  (WIDTH_B),
      .LATENCY(LATENCY_B)
  ) read_b (
      .clk (clkb),
      .en  (enb && !(NO_CHANGE_B != 0 && |web)),
      .word(WRITE_FIRST_B != 0 ? new_b : old_b),
      .now (old_b),
      .rst (rstb),
      .ce  (regceb),
      .dout(doutb)
  );
endmodule

// The registers between a memory and its output: the first follows `en`, the last `ce` and `rst`.
module xpm_memory_read #(
    parameter integer WIDTH = 32,
    parameter integer LATENCY = 2
) (
    input  logic             clk,
    input  logic             en,
    input  logic [WIDTH-1:0] word,
    input  logic [WIDTH-1:0] now,
    input  logic             rst,
    input  logic             ce,
    output logic [WIDTH-1:0] dout
);
  if (LATENCY == 0) begin : g_direct
    assign dout = now;
  end else begin : g_registered
    logic [LATENCY*WIDTH-1:0] stages = '0;
    logic [LATENCY-1:0] enabled = '0;
    always_ff @(posedge clk) begin
      enabled <= LATENCY'({enabled, en});
      for (int i = 0; i < LATENCY; i++) begin
        if (i == 0) begin
          if (en) stages[0+:WIDTH] <= word;
        end else if (i == LATENCY - 1 ? ce : enabled[i-1])
          stages[i*WIDTH+:WIDTH] <= stages[(i-1)*WIDTH+:WIDTH];
      end
      if (rst) stages[(LATENCY-1)*WIDTH+:WIDTH] <= '0;
    end
    assign dout = stages[(LATENCY-1)*WIDTH+:WIDTH];
  end
endmodule
