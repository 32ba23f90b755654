// The checksum of a descriptor whose magic and version are right, by any of the
// three algorithms, two clocks after the body. (A descriptor with another magic or
// version is refused before its checksum matters.) The CRCs are XOR matrices, not
// shift loops: half the logic in hardware and a sixth of the work in simulation.
module descriptor_checksum
  import tcp_pkg::*;
(
    input  logic                      clk_i,
    input  checksum_e                 algorithm_i,  // of this body
    input  logic      [BODY_BITS-1:0] body_i,
    output logic      [         15:0] checksum_o
);

  localparam logic [31:0] CRC32_POLY = 32'hEDB8_8320;  // IEEE 802.3, reflected
  localparam logic [31:0] MODBUS_POLY = 32'h0000_A001;  // 0x8005, reflected
  localparam crc_rows_t CRC32_ROWS = crc_rows(CRC32_POLY);
  localparam crc_rows_t MODBUS_ROWS = crc_rows(MODBUS_POLY);
  localparam logic [15:0] CRC32_CONSTANT = crc_constant(CRC32_POLY, 32'hFFFF_FFFF, 32'hFFFF_FFFF);
  localparam logic [15:0] MODBUS_CONSTANT = crc_constant(MODBUS_POLY, 32'h0000_FFFF, 32'h0);
  // Magic and version, added up.
  localparam logic [15:0] SUM_CONSTANT = 16'h54 + 16'h43 + 16'h50 + 16'h02 + 16'h00 + 16'h02;

  checksum_e algorithm_q;
  logic [15:0] crc32_q, modbus_q;
  logic [3:0][9:0] partial_q;  // four bytes each
  logic [15:0] checksum_q;

  always_ff @(posedge clk_i) begin
    // Only the chosen algorithm is computed: less switching in hardware, less work
    // in simulation. Two 64-bit halves for the same reason.
    if (algorithm_i == CHECKSUM_CRC32) begin
      for (int unsigned k = 0; k < 16; k++) begin
        crc32_q[k] <= ^((body_i[63:0] & CRC32_ROWS[k][63:0]) ^
                        (body_i[127:64] & CRC32_ROWS[k][127:64]));
      end
    end
    if (algorithm_i == CHECKSUM_MODBUS) begin
      for (int unsigned k = 0; k < 16; k++) begin
        modbus_q[k] <= ^((body_i[63:0] & MODBUS_ROWS[k][63:0]) ^
                         (body_i[127:64] & MODBUS_ROWS[k][127:64]));
      end
    end
    if (algorithm_i == CHECKSUM_SUM) begin
      for (int unsigned i = 0; i < 4; i++) begin
        partial_q[i] <= (10'(body_i[32*i+:8]) + 10'(body_i[32*i+8+:8])) +
                        (10'(body_i[32*i+16+:8]) + 10'(body_i[32*i+24+:8]));
      end
    end
    algorithm_q <= algorithm_i;
    case (algorithm_q)
      CHECKSUM_SUM:
      checksum_q <= (16'(partial_q[0]) + 16'(partial_q[1])) +
                    (16'(partial_q[2]) + 16'(partial_q[3])) + SUM_CONSTANT;
      CHECKSUM_MODBUS: checksum_q <= modbus_q ^ MODBUS_CONSTANT;
      default: checksum_q <= crc32_q ^ CRC32_CONSTANT;
    endcase
  end

  assign checksum_o = checksum_q;

endmodule
