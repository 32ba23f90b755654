// AXI4-Lite slave to a plain register bus, one access at a time, so that the
// register files behind it need no protocol of their own.
//
// Register bus: `req_o` is high for one clock with the access; the register file
// answers `rdata_i` and `error_i` in the clock after, or one later if it is LATE. Reads
// and writes alternate when both wait, so neither starves. An access takes 4 clocks, or
// 5. Accesses are to whole words (with byte strobes): the two low address bits mean
// nothing.
module axil_slave #(
    parameter int unsigned ADDR_WIDTH = 12,
    parameter bit LATE = 1'b0
) (
    input logic clk_i,
    input logic rst_ni,

    /* verilator lint_off UNUSEDSIGNAL */
    input  logic [ADDR_WIDTH-1:0] awaddr_i,
    input  logic [ADDR_WIDTH-1:0] araddr_i,
    /* verilator lint_on UNUSEDSIGNAL */
    input  logic                  awvalid_i,
    output logic                  awready_o,
    input  logic [          31:0] wdata_i,
    input  logic [           3:0] wstrb_i,
    input  logic                  wvalid_i,
    output logic                  wready_o,
    output logic [           1:0] bresp_o,
    output logic                  bvalid_o,
    input  logic                  bready_i,
    input  logic                  arvalid_i,
    output logic                  arready_o,
    output logic [          31:0] rdata_o,
    output logic [           1:0] rresp_o,
    output logic                  rvalid_o,
    input  logic                  rready_i,

    output logic                  req_o,
    output logic                  write_o,
    output logic [ADDR_WIDTH-1:2] addr_o,
    output logic [          31:0] wdata_o,
    output logic [           3:0] wstrb_o,
    input  logic [          31:0] rdata_i,
    input  logic                  error_i
);

  typedef enum logic [1:0] {
    IDLE,
    REQUEST,
    ANSWER,
    RESPOND
  } state_e;

  state_e state_q;
  logic write_q, resp_error_q;
  logic waited_q;  // in ANSWER
  logic [ADDR_WIDTH-1:2] addr_q;
  logic [31:0] data_q;
  logic [3:0] strb_q;

  wire write_waits = awvalid_i && wvalid_i;
  // write_q still tells what the access before was.
  wire take_write = write_waits && !(arvalid_i && write_q);

  always_ff @(posedge clk_i) begin
    case (state_q)
      IDLE: begin
        if (write_waits || arvalid_i) begin
          write_q <= take_write;
          addr_q  <= take_write ? awaddr_i[ADDR_WIDTH-1:2] : araddr_i[ADDR_WIDTH-1:2];
          data_q  <= wdata_i;
          strb_q  <= wstrb_i;
          state_q <= REQUEST;
        end
      end
      REQUEST: state_q <= ANSWER;
      ANSWER: begin
        data_q <= rdata_i;
        resp_error_q <= error_i;
        waited_q <= LATE && !waited_q;
        if (!LATE || waited_q) state_q <= RESPOND;
      end
      RESPOND: if (write_q ? bready_i : rready_i) state_q <= IDLE;
    endcase
    if (!rst_ni) begin
      state_q <= IDLE;
      write_q <= 1'b0;
      waited_q <= 1'b0;
      resp_error_q <= 1'b0;
    end
  end

  // The address and data handshakes fall into the clock of the request.
  assign awready_o = state_q == REQUEST && write_q;
  assign wready_o = awready_o;
  assign arready_o = state_q == REQUEST && !write_q;
  assign bvalid_o = state_q == RESPOND && write_q;
  assign rvalid_o = state_q == RESPOND && !write_q;
  assign bresp_o = {resp_error_q, 1'b0};  // OKAY or SLVERR
  assign rresp_o = {resp_error_q, 1'b0};
  assign rdata_o = data_q;

  assign req_o = state_q == REQUEST;
  assign write_o = write_q;
  assign addr_o = addr_q;
  assign wdata_o = data_q;
  assign wstrb_o = strb_q;

endmodule
