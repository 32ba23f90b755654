// descriptor_checksum gives, two clocks later, what the second description gives over bytes
// 0..21, for descriptors whose magic and version are right.
//
// The sum is compared for any body. A CRC is a parity of the body's bits and a constant, on
// both sides (descriptor_checksum.ys proves that of the gates themselves), so equality for the
// body of zeros and the 128 bodies with a single one is equality for all 2^128: no solver
// finds that out by itself.
module descriptor_checksum_formal
  import tcp_pkg::*;
#(
    parameter bit SUM = 1'b0
) (
    input logic                      clk_i,
    input logic      [          7:0] place_i,     // of the one; 128 and more: none
    input logic      [BODY_BITS-1:0] any_body_i,
    input checksum_e                 algorithm_i
);

  wire [BODY_BITS-1:0] body = SUM ? any_body_i : BODY_BITS'(256'd1 << place_i);

  logic [15:0] checksum;
  descriptor_checksum dut (
      .clk_i,
      .algorithm_i,
      .body_i    (body),
      .checksum_o(checksum)
  );

  // Bytes 0..5 are 54 43 50 02 00 02; 22 and 23 are not summed up.
  wire [191:0] descriptor = {16'h0, body, 48'h0200_0250_4354};

  logic [15:0] expected_1_q, expected_2_q;
  checksum_e algorithm_1_q, algorithm_2_q;
  logic [1:0] clocks_q = 2'd0;
  always_ff @(posedge clk_i) begin
    case (algorithm_i)
      CHECKSUM_SUM: expected_1_q <= descriptor_reference::byte_sum(descriptor);
      CHECKSUM_MODBUS: expected_1_q <= descriptor_reference::crc16_modbus(descriptor);
      default: expected_1_q <= descriptor_reference::crc32_low(descriptor);
    endcase
    expected_2_q  <= expected_1_q;
    algorithm_1_q <= algorithm_i;
    algorithm_2_q <= algorithm_1_q;
    if (clocks_q != 2'd2) clocks_q <= clocks_q + 2'd1;
  end

  // Stage 2 adds a constant to what stage 1 made, whatever that was.
  logic [15:0] crc32_q, modbus_q;
  checksum_e algorithm_q;
  always_ff @(posedge clk_i) begin
    algorithm_q <= dut.algorithm_q;
    crc32_q <= dut.crc32_q;
    modbus_q <= dut.modbus_q;
  end
  localparam logic [191:0] ZEROS = 192'h0200_0250_4354;
  localparam logic [15:0] CRC32_OF_ZEROS = descriptor_reference::crc32_low(ZEROS);
  localparam logic [15:0] MODBUS_OF_ZEROS = descriptor_reference::crc16_modbus(ZEROS);

  always_comb begin
    if (clocks_q != 2'd0 && !SUM) begin
      if (algorithm_q == CHECKSUM_CRC32) assert (checksum == (crc32_q ^ CRC32_OF_ZEROS));
      if (algorithm_q == CHECKSUM_MODBUS) assert (checksum == (modbus_q ^ MODBUS_OF_ZEROS));
    end
    if (clocks_q == 2'd2) begin
      if (algorithm_2_q == CHECKSUM_SUM ? SUM : algorithm_2_q != CHECKSUM_NONE && !SUM) begin
        assert (checksum == expected_2_q);
      end
    end
  end

endmodule
