// What the xpm_memory macros have in common, behaviourally (AMD UG974): two ports of any widths, byte writes, the three
// write modes, read latency from 0 on, initial content, reset values and modes.
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
    parameter integer NO_CHANGE_B = 0,
    parameter READ_RESET_VALUE_A = "0",
    parameter READ_RESET_VALUE_B = "0",
    parameter integer ASYNC_RESET_A = 0,
    parameter integer ASYNC_RESET_B = 0
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

  // Initial content is in words of port A: in a file, or in a string, separated by commas.
  localparam bit FromFile = MEMORY_INIT_FILE != "none" && MEMORY_INIT_FILE != "";
  localparam integer InitBytes = $bits(MEMORY_INIT_PARAM) / 8;
  localparam logic [8*InitBytes-1:0] InitText = MEMORY_INIT_PARAM;

  function automatic logic [3:0] digit(input logic [7:0] c);
    return c >= "a" ? 4'(c - "a" + 8'd10) : c >= "A" ? 4'(c - "A" + 8'd10) : 4'(c - "0");
  endfunction

  logic [Unit-1:0] units[Units];
  if (FromFile) begin : g_file
    logic [WIDTH_A-1:0] words[MEMORY_SIZE/WIDTH_A];
    initial begin
      for (int i = 0; i < MEMORY_SIZE / WIDTH_A; i++) words[i] = '0;
      $readmemh(MEMORY_INIT_FILE, words);
      for (int i = 0; i < Units; i++) units[i] = words[i/UnitsA][(i%UnitsA)*Unit+:Unit];
    end
  end else begin : g_text
    initial begin
      logic [WIDTH_A-1:0] word;
      integer at;
      for (int i = 0; i < Units; i++) units[i] = '0;
      word = '0;
      at   = 0;
      for (int i = InitBytes - 1; i >= -1; i--) begin
        if (i < 0 || InitText[8*i+:8] == ",") begin
          for (int k = 0; k < UnitsA; k++)
            if (at * UnitsA + k < Units) units[at*UnitsA+k] = word[k*Unit+:Unit];
          word = '0;
          at   = at + 1;
        end else if (InitText[8*i+:8] != " ") word = WIDTH_A'({word, digit(InitText[8*i+:8])});
      end
    end
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
      .WIDTH(WIDTH_A),
      .LATENCY(LATENCY_A),
      .RESET_VALUE(READ_RESET_VALUE_A),
      .ASYNC_RESET(ASYNC_RESET_A)
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
      .WIDTH(WIDTH_B),
      .LATENCY(LATENCY_B),
      .RESET_VALUE(READ_RESET_VALUE_B),
      .ASYNC_RESET(ASYNC_RESET_B)
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

// The registers between a memory and its output: the first follows `en`, the last `ce` and `rst`, which sets it to a
// value that comes as a hexadecimal string.
module xpm_memory_read #(
    parameter integer WIDTH = 32,
    parameter integer LATENCY = 2,
    parameter RESET_VALUE = "0",
    parameter integer ASYNC_RESET = 0
) (
    input  logic             clk,
    input  logic             en,
    input  logic [WIDTH-1:0] word,
    input  logic [WIDTH-1:0] now,
    input  logic             rst,
    input  logic             ce,
    output logic [WIDTH-1:0] dout
);
  localparam integer Digits = $bits(RESET_VALUE) / 8;
  localparam logic [8*Digits-1:0] Text = RESET_VALUE;
  function automatic logic [WIDTH-1:0] value();
    value = '0;
    for (int i = Digits - 1; i >= 0; i--)
      value = WIDTH'({value, Text[8*i+:8] >= "a" ? 4'(Text[8*i+:8] - "a" + 8'd10)
                           : Text[8*i+:8] >= "A" ? 4'(Text[8*i+:8] - "A" + 8'd10)
                           : 4'(Text[8*i+:8] - "0")});
  endfunction
  localparam logic [WIDTH-1:0] ResetValue = value();

  if (LATENCY == 0) begin : g_direct
    assign dout = now;
  end else begin : g_registered
    logic last_enabled;
    logic [WIDTH-1:0] last_word, last = ResetValue;
    if (LATENCY == 1) begin : g_single
      assign last_enabled = en;
      assign last_word = word;
    end else begin : g_several
      logic [(LATENCY-1)*WIDTH-1:0] stages = '0;
      logic [LATENCY-1:0] enabled = '0;
      always_ff @(posedge clk) begin
        enabled <= LATENCY'({enabled, en});
        for (int i = 0; i < LATENCY - 1; i++) begin
          if (i == 0) begin
            if (en) stages[0+:WIDTH] <= word;
          end else if (enabled[i-1]) stages[i*WIDTH+:WIDTH] <= stages[(i-1)*WIDTH+:WIDTH];
        end
      end
      assign last_enabled = ce;
      assign last_word = stages[(LATENCY-2)*WIDTH+:WIDTH];
    end
    if (ASYNC_RESET != 0) begin : g_async
      always_ff @(posedge clk or posedge rst)
        if (rst) last <= ResetValue;
        else if (last_enabled) last <= last_word;
    end else begin : g_sync
      always_ff @(posedge clk)
        if (rst) last <= ResetValue;
        else if (last_enabled) last <= last_word;
    end
    assign dout = last;
  end
endmodule
