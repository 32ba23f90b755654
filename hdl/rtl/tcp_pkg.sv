// Formats shared by every module of the validator: the descriptor's fields, the
// policy slot, the verdict, and the two CRCs as GF(2) matrices. Descriptor byte i
// is held in bits [8*i+7 : 8*i], the order in which an AXI beat carries it;
// fields inside a descriptor are big-endian.
package tcp_pkg;

  localparam int unsigned DESCRIPTOR_BYTES = 24;
  localparam int unsigned DESCRIPTOR_BITS = 8 * DESCRIPTOR_BYTES;

  // Bytes 0..3 and 4..5 as they lie in memory: "TCP", 2 and a big-endian 2.
  localparam logic [31:0] MAGIC = 32'h02_50_43_54;
  localparam logic [15:0] VERSION = 16'h02_00;

  // Bytes 6..21 are the ones that vary in a well-formed descriptor and that the
  // checksum covers; magic and version are constants to it.
  localparam int unsigned BODY_FIRST_BYTE = 6;
  localparam int unsigned BODY_BYTES = 16;
  localparam int unsigned BODY_BITS = 8 * BODY_BYTES;

  typedef enum logic [1:0] {
    CHECKSUM_CRC32  = 2'd0,
    CHECKSUM_SUM    = 2'd1,
    CHECKSUM_MODBUS = 2'd2,
    CHECKSUM_NONE   = 2'd3
  } checksum_e;

  typedef enum logic [2:0] {
    CAUSE_NONE     = 3'd0,
    BAD_MAGIC      = 3'd1,
    BAD_VERSION    = 3'd2,
    BAD_CHECKSUM   = 3'd3,
    BAD_RISK       = 3'd4,
    RESERVED_FLAGS = 3'd5
  } cause_e;

  typedef enum logic [1:0] {
    APPROVE          = 2'd0,
    CAUTION          = 2'd1,
    REQUIRE_APPROVAL = 2'd2,
    REJECT           = 2'd3
  } decision_e;

  // Status register: how the last run ended.
  typedef enum logic [2:0] {
    STATUS_OK          = 3'd0,
    STATUS_BAD_OPTIONS = 3'd1,
    STATUS_MISALIGNED  = 3'd2,
    STATUS_READ_ERROR  = 3'd3,
    STATUS_WRITE_ERROR = 3'd4
  } status_e;

  // A policy slot: eight 32-bit words, word 0 in the low bits.
  localparam int unsigned POLICY_SLOTS = 16;
  localparam int unsigned POLICY_WORDS = 8;
  typedef logic [POLICY_WORDS-1:0][31:0] policy_t;
  localparam int unsigned POLICY_RISK_TABLE = 0;
  localparam int unsigned POLICY_RESERVED = 1;
  localparam int unsigned POLICY_DENY = 2;
  localparam int unsigned POLICY_APPROVAL = 3;
  localparam int unsigned POLICY_MAX_EXEC = 4;
  localparam int unsigned POLICY_MAX_SIZES = 5;
  localparam int unsigned POLICY_FLOOR = 6;
  localparam policy_t POLICY_RESET = {
    32'h0000_0000,  // 7: must be 0
    32'h0000_0001,  // 6: a maximum exceeded is at least CAUTION
    32'hFFFF_FFFF,  // 5: max output_kb, max memory_mb
    32'hFFFF_FFFF,  // 4: max exec_ms
    32'h0000_0000,  // 3: approval mask
    32'h0000_0000,  // 2: deny mask
    32'h0000_F020,  // 1: reserved mask of the compact profile
    32'h0000_0390  // 0: risk table
  };

  // What a checking lane says of one descriptor.
  typedef struct packed {
    logic [15:0] flags;
    cause_e      cause;
    logic [7:0]  verdict;
  } result_t;

  // A result as the host sees it: the detail word.
  function automatic logic [31:0] detail_word(input result_t result);
    detail_word = {result.flags, 5'b0, result.cause, result.verdict};
  endfunction

  // How a run of beats divides into descriptors. Three beats of any width hold a
  // whole number of them, a group; after fewer beats, this many are complete.
  function automatic int unsigned descriptors_in(input int unsigned data_width,
                                                 input int unsigned beats);
    descriptors_in = (data_width / 8 * beats) / DESCRIPTOR_BYTES;
  endfunction
  function automatic int unsigned group_size(input int unsigned data_width);
    group_size = descriptors_in(data_width, 3);
  endfunction
  // The most descriptors that one beat can complete: 1, 2 or 3.
  function automatic int unsigned lanes_for(input int unsigned data_width);
    lanes_for = (data_width + DESCRIPTOR_BITS - 1) / DESCRIPTOR_BITS;
  endfunction

  // One step of a reflected CRC: eight bits of zero input.
  function automatic logic [31:0] crc_advance_byte(input logic [31:0] crc, input logic [31:0] poly);
    crc_advance_byte = crc;
    for (int unsigned i = 0; i < 8; i++) begin
      crc_advance_byte = (crc_advance_byte >> 1) ^ (crc_advance_byte[0] ? poly : 32'h0);
    end
  endfunction

  // The reflected CRC as a matrix over the descriptor's body: bit k of the CRC's
  // low 16 is the parity of (body AND row k), XOR the constant of crc_constant().
  // Column by column: the register after a single 1 bit, carried on to the end.
  typedef logic [15:0][BODY_BITS-1:0] crc_rows_t;
  function automatic crc_rows_t crc_rows(input logic [31:0] poly);
    logic [31:0] column;
    for (int unsigned bit_index = 0; bit_index < 8; bit_index++) begin
      column = 32'h1 << bit_index;
      for (int unsigned i = 0; i < BODY_BYTES; i++) begin
        column = crc_advance_byte(column, poly);
        for (int unsigned k = 0; k < 16; k++) begin
          crc_rows[k][8*(BODY_BYTES-1-i)+bit_index] = column[k];
        end
      end
    end
  endfunction

  // The CRC of a descriptor whose body is all zero: init, magic and version.
  function automatic logic [15:0] crc_constant(input logic [31:0] poly, input logic [31:0] init,
                                               input logic [31:0] final_xor);
    logic [31:0] crc;
    logic [47:0] head;
    crc  = init;
    head = {VERSION, MAGIC};
    for (int unsigned i = 0; i < BODY_FIRST_BYTE; i++) begin
      crc = crc_advance_byte(crc ^ {24'h0, head[8*i+:8]}, poly);
    end
    for (int unsigned i = 0; i < BODY_BYTES; i++) begin
      crc = crc_advance_byte(crc, poly);
    end
    crc = crc ^ final_xor;
    crc_constant = crc[15:0];
  endfunction

endpackage
