// Formats and constants of the queue: entries of the rings, indices, and the reasons
// why a pair stops. docs/queue.md describes them to the host.
package queue_pkg;

  import tcp_pkg::*;

  localparam int unsigned PAIRS = 16;
  typedef logic [3:0] pair_t;

  localparam int unsigned DATA_WIDTH = 512;
  localparam int unsigned LANES = 2;  // submissions in a beat

  // Indices run on through 2^16; a ring's entry is the index modulo its size.
  typedef logic [15:0] index_t;

  // Rings have 2^n entries.
  localparam logic [3:0] SUBMISSIONS_LOG_MIN = 4'd1;  // a beat
  localparam logic [3:0] COMPLETIONS_LOG_MIN = 4'd3;  // a beat

  typedef struct packed {
    logic [31:0] options;
    logic [31:0] tag;
    logic [DESCRIPTOR_BITS-1:0] descriptor;
  } submission_t;

  // A push pads with a submission that has this bit of the options set.
  localparam int unsigned OPTION_NONE = 31;

  // Beside cause_e.
  localparam logic [2:0] BAD_OPTIONS = 3'd6;

  // A completion without its phase.
  typedef struct packed {
    logic [7:0]  version;
    logic        pushed;
    logic [2:0]  cause;
    logic [7:0]  verdict;
    logic [31:0] tag;
  } answer_t;

  function automatic logic [63:0] completion(input answer_t answer, input logic phase);
    completion = {
      answer.version, 6'b0, answer.pushed, phase, 5'b0, answer.cause, answer.verdict, answer.tag
    };
  endfunction

  typedef enum logic [3:0] {
    STOP_NONE    = 4'd0,
    BAD_SIZE     = 4'd1,
    BAD_BASE     = 4'd2,
    BAD_TAIL     = 4'd3,
    BAD_HEAD     = 4'd4,
    READ_ERROR   = 4'd5,
    WRITE_ERROR  = 4'd6,
    PUSH_OVERRUN = 4'd7,
    PUSH_TORN    = 4'd8
  } stop_e;

  // How many answers of a beat there are.
  function automatic logic [1:0] lanes_in(input logic [LANES-1:0] mask);
    lanes_in = 2'(mask[0]) + 2'(mask[1]);
  endfunction

endpackage
