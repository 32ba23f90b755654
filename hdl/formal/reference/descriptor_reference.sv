// A second description of a descriptor's verdict, in the words of the specification and from
// nothing of the kernel: byte i of the descriptor is byte_of(i), big-endian fields are put
// together byte by byte, checks and decision are in the specification's order. Slow and plain.
package descriptor_reference;

  typedef logic [191:0] descriptor_bits_t;  // byte i in bits 8i+7..8i

  typedef struct packed {
    logic [15:0] flags;
    logic [2:0]  cause;
    logic [7:0]  verdict;
  } outcome_t;

  // CRC-32 (IEEE 802.3) of bytes 0..21, low 16 bits: a bit at a time, least significant first.
  // AND instead of a choice, so that what is synthesized has XOR gates only.
  function automatic logic [15:0] crc32_low(input descriptor_bits_t d);
    logic [31:0] crc;
    crc = 32'hFFFF_FFFF;
    for (int i = 0; i < 176; i++) begin
      crc = {1'b0, crc[31:1]} ^ ({32{crc[0] ^ d[i]}} & 32'hEDB8_8320);
    end
    crc32_low = ~crc[15:0];
  endfunction

  // CRC-16/MODBUS of bytes 0..21.
  function automatic logic [15:0] crc16_modbus(input descriptor_bits_t d);
    crc16_modbus = 16'hFFFF;
    for (int i = 0; i < 176; i++) begin
      crc16_modbus = {1'b0, crc16_modbus[15:1]} ^ ({16{crc16_modbus[0] ^ d[i]}} & 16'hA001);
    end
  endfunction

  // The sum of bytes 0..21, modulo 2^16.
  function automatic logic [15:0] byte_sum(input descriptor_bits_t d);
    byte_sum = 16'd0;
    for (int i = 0; i < 22; i++) byte_sum = byte_sum + {8'd0, d[8*i+:8]};
  endfunction

  function automatic logic [7:0] byte_of(input descriptor_bits_t d, input int i);
    byte_of = d[8*i+:8];
  endfunction

  // The verdict, with the checksum that was computed over bytes 0..21.
  function automatic outcome_t outcome(input descriptor_bits_t d, input logic [15:0] checksum,
                                       input logic wide, input logic [255:0] policy);
    logic [31:0] flags, exec_ms;
    logic [15:0] memory_mb, output_kb, stored;
    logic [31:0] risk_table, reserved, deny, approval, max_exec;
    logic [15:0] max_memory, max_output;
    logic [1:0] floor_over, decision;
    logic [2:0] risk;
    logic [2:0] cause;
    logic over, hit;
    int levels;

    flags = {byte_of(d, 10), byte_of(d, 11), byte_of(d, 12), byte_of(d, 13)};
    if (wide) begin
      exec_ms   = {byte_of(d, 14), byte_of(d, 15), byte_of(d, 16), byte_of(d, 17)};
      memory_mb = {byte_of(d, 18), byte_of(d, 19)};
      output_kb = {byte_of(d, 20), byte_of(d, 21)};
    end else begin
      exec_ms   = {16'd0, byte_of(d, 14), byte_of(d, 15)};
      memory_mb = {byte_of(d, 16), byte_of(d, 17)};
      output_kb = {byte_of(d, 18), byte_of(d, 19)};
    end
    stored = {byte_of(d, 22), byte_of(d, 23)};

    risk_table = policy[31:0];
    reserved = policy[63:32];
    deny = policy[95:64];
    approval = policy[127:96];
    max_exec = policy[159:128];
    max_memory = policy[175:160];
    max_output = policy[191:176];
    floor_over = policy[193:192];

    levels = 0;
    risk = 3'd0;
    for (int i = 0; i < 5; i++) begin
      if (flags[i]) begin
        levels = levels + 1;
        risk   = 3'(i);
      end
    end

    if (byte_of(
            d, 0
        ) != 8'h54 || byte_of(
            d, 1
        ) != 8'h43 || byte_of(
            d, 2
        ) != 8'h50 || byte_of(
            d, 3
        ) != 8'h02) begin
      cause = 3'd1;
    end else if (byte_of(d, 4) != 8'h00 || byte_of(d, 5) != 8'h02) begin
      cause = 3'd2;
    end else if (stored != checksum) begin
      cause = 3'd3;
    end else if (levels != 1) begin
      cause = 3'd4;
    end else if ((flags & reserved) != 32'd0) begin
      cause = 3'd5;
    end else begin
      cause = 3'd0;
    end

    over = exec_ms > max_exec || memory_mb > max_memory || output_kb > max_output;
    hit  = (flags & deny) != 32'd0 || (flags & approval) != 32'd0;
    case (risk)
      3'd0: decision = risk_table[1:0];
      3'd1: decision = risk_table[3:2];
      3'd2: decision = risk_table[5:4];
      3'd3: decision = risk_table[7:6];
      default: decision = risk_table[9:8];
    endcase
    if (over && floor_over > decision) decision = floor_over;
    if ((flags & approval) != 32'd0 && decision < 2'd2) decision = 2'd2;
    if ((flags & deny) != 32'd0) decision = 2'd3;

    outcome.flags   = flags[15:0];
    outcome.cause   = cause;
    outcome.verdict = cause != 3'd0 ? 8'h00 : {hit, over, risk, decision, 1'b1};
  endfunction

endpackage
