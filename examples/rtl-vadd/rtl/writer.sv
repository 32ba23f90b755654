// Writes a stream of beats to an array of 32-bit words, and says when the memory has them all. Of the last beat only
// the words that belong to the array are written.
module writer #(
    parameter int DATA_WIDTH = 512
) (
    input  logic                    clk,
    input  logic                    rst_n,
    input  logic                    start,
    output logic                    done,
    input  logic [            63:0] address,
    input  logic [            31:0] count,
    input  logic                    valid,
    output logic                    ready,
    input  logic [  DATA_WIDTH-1:0] data,
    output logic [            63:0] awaddr,
    output logic [             7:0] awlen,
    output logic                    awvalid,
    input  logic                    awready,
    output logic [  DATA_WIDTH-1:0] wdata,
    output logic [DATA_WIDTH/8-1:0] wstrb,
    output logic                    wlast,
    output logic                    wvalid,
    input  logic                    wready,
    input  logic                    bvalid,
    output logic                    bready
);
  localparam int Words = DATA_WIDTH / 32;
  logic more, busy, data_due;
  logic [8:0] beats;
  logic [31:0] words, unanswered;

  // One burst's data at a time, its address first.
  bursts #(.DATA_WIDTH(DATA_WIDTH)) split (
      .clk, .rst_n, .start, .address, .count,
      .valid(more), .burst_address(awaddr), .burst_len(awlen), .taken(awvalid && awready)
  );
  assign awvalid = more && !data_due;
  assign data_due = beats != 0;
  assign wvalid = valid && data_due;
  assign ready = wready && data_due;
  assign wdata = data;
  assign wlast = beats == 1;
  always_comb for (int i = 0; i < Words; i++) wstrb[i*4+:4] = {4{words > 32'(i)}};
  assign bready = 1'b1;

  always_ff @(posedge clk) begin
    if (awvalid && awready) beats <= 9'(awlen) + 1;
    else if (wvalid && wready) beats <= beats - 1;
    if (wvalid && wready) words <= words > 32'(Words) ? words - 32'(Words) : '0;
    unanswered <= unanswered + 32'(awvalid && awready) - 32'(bvalid);
    done <= busy && !start && !done && !more && !data_due && unanswered == 0;
    if (done) busy <= 1'b0;
    if (start) begin
      busy  <= 1'b1;
      words <= count;
    end
    if (!rst_n) begin
      beats <= '0;
      unanswered <= '0;
      busy <= 1'b0;
      done <= 1'b0;
    end
  end
endmodule
