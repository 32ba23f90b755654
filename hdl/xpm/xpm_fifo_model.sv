// What xpm_fifo_sync and xpm_fifo_async have in common, behaviourally (AMD UG974): both read modes, latency, widths that
// differ, counts and flags. SYNC_STAGES is 0 for a common clock.
//
// Words are kept in units of the narrower side; the first unit written or read is the least significant.
`default_nettype wire
module xpm_fifo_model #(
    parameter integer SYNC_STAGES = 0,
    parameter integer FIFO_WRITE_DEPTH = 2048,
    parameter integer WRITE_DATA_WIDTH = 32,
    parameter integer READ_DATA_WIDTH = 32,
    parameter integer FIRST_WORD_FALL_THROUGH = 0,
    parameter integer FIFO_READ_LATENCY = 1,
    parameter integer FULL_RESET_VALUE = 0,
    parameter integer PROG_FULL_THRESH = 10,
    parameter integer PROG_EMPTY_THRESH = 10,
    parameter integer WR_DATA_COUNT_WIDTH = 1,
    parameter integer RD_DATA_COUNT_WIDTH = 1,
    parameter [31:0] USE_ADV_FEATURES = "0707",
    parameter DOUT_RESET_VALUE = "0"
) (
    input  logic                           rst,
    input  logic                           wr_clk,
    input  logic                           wr_en,
    input  logic [   WRITE_DATA_WIDTH-1:0] din,
    output logic                           full,
    output logic                           prog_full,
    output logic                           almost_full,
    output logic                           overflow,
    output logic                           wr_ack,
    output logic                           wr_rst_busy,
    output logic [WR_DATA_COUNT_WIDTH-1:0] wr_data_count,
    input  logic                           rd_clk,
    input  logic                           rd_en,
    output logic [    READ_DATA_WIDTH-1:0] dout,
    output logic                           empty,
    output logic                           prog_empty,
    output logic                           almost_empty,
    output logic                           underflow,
    output logic                           data_valid,
    output logic                           rd_rst_busy,
    // As far as the reader knows there is no room left.
    output logic                           rd_filled,
    output logic [RD_DATA_COUNT_WIDTH-1:0] rd_data_count
);
  localparam integer Unit = WRITE_DATA_WIDTH < READ_DATA_WIDTH ? WRITE_DATA_WIDTH : READ_DATA_WIDTH;
  localparam integer WriteUnits = WRITE_DATA_WIDTH / Unit;
  localparam integer ReadUnits = READ_DATA_WIDTH / Unit;
  localparam integer Depth = FIFO_WRITE_DEPTH * WriteUnits;
  // An asynchronous FIFO cannot tell its last place from its first.
  localparam integer Capacity = SYNC_STAGES == 0 ? Depth : Depth - WriteUnits;
  localparam integer WriteCountBits = $clog2(FIFO_WRITE_DEPTH) + 1;
  localparam integer ReadCountBits = $clog2(Depth / ReadUnits) + 1;

  // The features come as four hexadecimal digits in a string.
  function automatic logic [3:0] digit(input logic [7:0] c);
    return c >= "a" ? 4'(c - "a" + 8'd10) : c >= "A" ? 4'(c - "A" + 8'd10) : 4'(c - "0");
  endfunction
  localparam logic [15:0] Features = {
    digit(USE_ADV_FEATURES[31:24]),
    digit(USE_ADV_FEATURES[23:16]),
    digit(USE_ADV_FEATURES[15:8]),
    digit(USE_ADV_FEATURES[7:0])
  };

  // So does the value of `dout` in reset, with any number of digits.
  localparam integer ResetDigits = $bits(DOUT_RESET_VALUE) / 8;
  localparam logic [8*ResetDigits-1:0] ResetText = DOUT_RESET_VALUE;
  function automatic logic [READ_DATA_WIDTH-1:0] reset_value();
    reset_value = '0;
    for (int i = ResetDigits - 1; i >= 0; i--)
      reset_value = READ_DATA_WIDTH'({reset_value, digit(ResetText[8*i+:8])});
  endfunction
  localparam logic [READ_DATA_WIDTH-1:0] ResetValue = reset_value();

  logic [Unit-1:0] units[Depth];
  // Units written, taken from the memory, and handed to the reader, since the reset; and what each side knows of
  // the other's.
  logic [31:0] written = '0, fetched = '0, handed = '0;
  logic [31:0] written_seen, fetched_seen, handed_seen;

  // Reset: the write side holds it until the read side has seen it.
  logic hold = '0, ack_seen, rd_reset;
  logic wr_reset;
  assign wr_reset = rst || hold;
  assign wr_rst_busy = wr_reset || ack_seen;
  assign rd_rst_busy = rd_reset;

  if (SYNC_STAGES == 0) begin : g_common
    always_ff @(posedge wr_clk) hold <= rst;
    assign ack_seen = '0;
    assign rd_reset = wr_reset;
    assign written_seen = written;
    assign fetched_seen = fetched;
    assign handed_seen = handed;
  end else begin : g_independent
    logic [SYNC_STAGES-1:0] request = '0, ack = '0;
    logic [SYNC_STAGES*32-1:0] w = '0, f = '0, h = '0;
    always_ff @(posedge wr_clk) begin
      if (rst) hold <= 1'b1;
      else if (ack_seen) hold <= 1'b0;
      ack <= {ack[SYNC_STAGES-2:0], rd_reset};
      f <= wr_reset ? '0 : {f[(SYNC_STAGES-1)*32-1:0], fetched};
      h <= wr_reset ? '0 : {h[(SYNC_STAGES-1)*32-1:0], handed};
    end
    always_ff @(posedge rd_clk) begin
      request <= {request[SYNC_STAGES-2:0], hold};
      w <= rd_reset ? '0 : {w[(SYNC_STAGES-1)*32-1:0], written};
    end
    assign ack_seen = ack[SYNC_STAGES-1];
    assign rd_reset = request[SYNC_STAGES-1];
    assign written_seen = w[(SYNC_STAGES-1)*32+:32];
    assign fetched_seen = f[(SYNC_STAGES-1)*32+:32];
    assign handed_seen = h[(SYNC_STAGES-1)*32+:32];
  end

  // Write side.
  logic [31:0] used, kept;
  logic write, no_room;
  assign used = written - fetched_seen;
  assign kept = written - handed_seen;
  assign no_room = used + 32'(WriteUnits) > 32'(Capacity);
  assign full = wr_rst_busy ? FULL_RESET_VALUE != 0 : no_room;
  assign write = wr_en && !no_room && !wr_rst_busy;
  logic acked = '0, refused = '0, filled = '0;
  always_ff @(posedge wr_clk) begin
    acked   <= write;
    refused <= wr_en && !write;
    if (write) begin
      for (int i = 0; i < WriteUnits; i++)
        units[(written + 32'(i)) % 32'(Depth)] <= din[i*Unit+:Unit];
      written <= written + 32'(WriteUnits);
    end
    if (!full) filled <= kept / 32'(WriteUnits) >= 32'(PROG_FULL_THRESH);
    if (wr_rst_busy) begin
      written <= '0;
      acked   <= '0;
      refused <= '0;
      filled  <= FULL_RESET_VALUE != 0;
    end
  end
  logic [WriteCountBits-1:0] write_count;
  assign write_count = WriteCountBits'(kept / 32'(WriteUnits));

  // Read side.
  logic [31:0] there, left;
  assign there = written_seen - fetched;
  assign left  = (written_seen - handed) / 32'(ReadUnits);
  assign rd_filled = written_seen - handed >= 32'(Capacity);
  logic [READ_DATA_WIDTH-1:0] front;
  always_comb
    for (int i = 0; i < ReadUnits; i++)
      front[i*Unit+:Unit] = units[(fetched + 32'(i)) % 32'(Depth)];
  logic pop, fetch;
  assign pop = rd_en && !empty && !rd_reset;

  if (FIRST_WORD_FALL_THROUGH != 0) begin : g_fall_through
    // Two words wait outside the memory, as in the macro: its output register, and `dout`.
    logic first = '0, second = '0, move;
    logic [READ_DATA_WIDTH-1:0] register, shown = ResetValue;
    assign move  = first && (!second || pop);
    assign fetch = there >= 32'(ReadUnits) && (!first || move) && !rd_reset;
    always_ff @(posedge rd_clk) begin
      first  <= fetch || (first && !move);
      second <= move || (second && !pop);
      if (fetch) register <= front;
      if (move) shown <= register;
      if (rd_reset) begin
        first  <= '0;
        second <= '0;
        shown  <= ResetValue;
      end
    end
    assign empty = !second;
    assign dout = shown;
    assign data_valid = second && Features[12];
  end else begin : g_standard
    localparam integer Latency = FIFO_READ_LATENCY < 1 ? 1 : FIFO_READ_LATENCY;
    logic [Latency*READ_DATA_WIDTH-1:0] words = {Latency{ResetValue}};
    logic [Latency-1:0] valid = '0;
    assign empty = there < 32'(ReadUnits);
    assign fetch = pop;
    always_ff @(posedge rd_clk) begin
      for (int i = 0; i < Latency; i++) begin
        if (i == 0) begin
          if (pop) words[0+:READ_DATA_WIDTH] <= front;
          valid[0] <= pop;
        end else begin
          words[i*READ_DATA_WIDTH+:READ_DATA_WIDTH] <= words[(i-1)*READ_DATA_WIDTH+:READ_DATA_WIDTH];
          valid[i] <= valid[i-1];
        end
      end
      if (rd_reset) begin
        words <= {Latency{ResetValue}};
        valid <= '0;
      end
    end
    assign dout = words[(Latency-1)*READ_DATA_WIDTH+:READ_DATA_WIDTH];
    assign data_valid = valid[Latency-1] && Features[12];
  end

  logic starved = '0, drained = '1;
  always_ff @(posedge rd_clk) begin
    starved <= rd_en && !pop;
    if (fetch) fetched <= fetched + 32'(ReadUnits);
    if (pop) handed <= handed + 32'(ReadUnits);
    if (!empty) drained <= left <= 32'(PROG_EMPTY_THRESH);
    if (rd_reset) begin
      fetched <= '0;
      handed  <= '0;
      starved <= '0;
      drained <= '1;
    end
  end
  logic [ReadCountBits-1:0] read_count;
  assign read_count = ReadCountBits'(left);

  // A feature that is not asked for is low. Counts narrower than the FIFO show their upper bits.
  assign overflow = refused && Features[0];
  assign prog_full = filled && Features[1];
  assign almost_full = Features[3] && (full || used + 32'(2 * WriteUnits) > 32'(Capacity));
  assign wr_ack = acked && Features[4];
  assign underflow = starved && Features[8];
  assign prog_empty = drained && Features[9];
  assign almost_empty = Features[11] && (empty || left <= 32'd1);
  assign wr_data_count = !Features[2] ? '0 : WR_DATA_COUNT_WIDTH >= WriteCountBits
      ? WR_DATA_COUNT_WIDTH'(write_count)
      : WR_DATA_COUNT_WIDTH'(write_count >> (WriteCountBits - WR_DATA_COUNT_WIDTH));
  assign rd_data_count = !Features[10] ? '0 : RD_DATA_COUNT_WIDTH >= ReadCountBits
      ? RD_DATA_COUNT_WIDTH'(read_count)
      : RD_DATA_COUNT_WIDTH'(read_count >> (ReadCountBits - RD_DATA_COUNT_WIDTH));
endmodule
