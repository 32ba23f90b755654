// One checking lane: a descriptor in, its result LATENCY clocks later, one a clock,
// never stalled. Each descriptor brings its policy and options, so that neighbours in
// the pipeline may be checked by different ones.
//
// Stage 1 looks at the bytes (compares, masks, checksum), stage 2 reduces (maxima,
// checksum), stage 3 compares the checksum and finds the decision, stage 4 puts the
// verdict together.
module check_lane
  import tcp_pkg::*;
(
    input logic                            clk_i,
    input logic      [DESCRIPTOR_BITS-1:0] descriptor_i,
    input policy_t                         policy_i,
    input checksum_e                       checksum_i,
    input logic                            wide_i,        // performance layout

    output result_t result_o
);

  // Fields, big-endian in the descriptor.
  wire [31:0] flags = {
    descriptor_i[80+:8], descriptor_i[88+:8], descriptor_i[96+:8], descriptor_i[104+:8]
  };
  wire [15:0] half_14 = {descriptor_i[112+:8], descriptor_i[120+:8]};
  wire [15:0] half_16 = {descriptor_i[128+:8], descriptor_i[136+:8]};
  wire [15:0] half_18 = {descriptor_i[144+:8], descriptor_i[152+:8]};
  wire [15:0] half_20 = {descriptor_i[160+:8], descriptor_i[168+:8]};
  wire [15:0] stored = {descriptor_i[176+:8], descriptor_i[184+:8]};

  typedef struct packed {
    logic magic_ok;
    logic version_ok;
    logic risk_ok;
    logic reserved_hit;
    logic deny_hit;
    logic approval_hit;
    logic [2:0] risk;
    logic [15:0] flags;
  } looked_t;

  // Stage 1.
  looked_t looked_1_q, looked_2_q, looked_3_q;
  logic [31:0] exec_q;
  logic [15:0] memory_q, output_q;
  // What later stages need of the policy.
  logic [31:0] max_exec_q, max_sizes_q;
  logic [31:0] risk_table_1_q, risk_table_2_q;
  logic [1:0] floor_1_q, floor_2_q;
  logic [15:0] stored_1_q, stored_2_q;

  function automatic logic [2:0] risk_level(input logic [4:1] one_hot);
    risk_level = {one_hot[4], one_hot[3] | one_hot[2], one_hot[3] | one_hot[1]};
  endfunction

  always_ff @(posedge clk_i) begin
    looked_1_q.magic_ok <= descriptor_i[31:0] == MAGIC;
    looked_1_q.version_ok <= descriptor_i[47:32] == VERSION;
    looked_1_q.risk_ok <= flags[4:0] != 5'd0 && (flags[4:0] & (flags[4:0] - 5'd1)) == 5'd0;
    looked_1_q.risk <= risk_level(flags[4:1]);
    looked_1_q.reserved_hit <= |(flags & policy_i[POLICY_RESERVED]);
    looked_1_q.deny_hit <= |(flags & policy_i[POLICY_DENY]);
    looked_1_q.approval_hit <= |(flags & policy_i[POLICY_APPROVAL]);
    looked_1_q.flags <= flags[15:0];
    exec_q <= wide_i ? {half_14, half_16} : {16'h0, half_14};
    memory_q <= wide_i ? half_18 : half_16;
    output_q <= wide_i ? half_20 : half_18;
    stored_1_q <= stored;
    max_exec_q <= policy_i[POLICY_MAX_EXEC];
    max_sizes_q <= policy_i[POLICY_MAX_SIZES];
    risk_table_1_q <= policy_i[POLICY_RISK_TABLE];
    floor_1_q <= policy_i[POLICY_FLOOR][1:0];
  end

  logic [15:0] checksum;  // of stage 2
  descriptor_checksum i_checksum (
      .clk_i,
      .algorithm_i(checksum_i),
      .body_i     (descriptor_i[8*BODY_FIRST_BYTE+:BODY_BITS]),
      .checksum_o (checksum)
  );

  // Stage 2.
  logic [2:0] over_2_q;
  always_ff @(posedge clk_i) begin
    looked_2_q <= looked_1_q;
    stored_2_q <= stored_1_q;
    risk_table_2_q <= risk_table_1_q;
    floor_2_q <= floor_1_q;
    over_2_q <= {exec_q > max_exec_q, memory_q > max_sizes_q[15:0], output_q > max_sizes_q[31:16]};
  end

  // Stage 3. The decision is the most severe that anything asks for; severity is
  // the code's own order.
  logic checksum_ok_q, over_3_q;
  logic [1:0] decision_q;
  logic [1:0] by_risk, by_maximum, by_approval, decision;

  always_comb begin
    by_risk = risk_table_2_q[2*looked_2_q.risk+:2];
    by_maximum = |over_2_q ? floor_2_q : APPROVE;
    by_approval = looked_2_q.approval_hit ? REQUIRE_APPROVAL : APPROVE;
    decision = by_risk > by_maximum ? by_risk : by_maximum;
    if (by_approval > decision) decision = by_approval;
    if (looked_2_q.deny_hit) decision = REJECT;
  end

  always_ff @(posedge clk_i) begin
    looked_3_q <= looked_2_q;
    checksum_ok_q <= checksum == stored_2_q;
    over_3_q <= |over_2_q;
    decision_q <= decision;
  end

  // Stage 4. The first check that fails names the cause.
  cause_e  cause;
  result_t result_q;
  always_comb begin
    if (!looked_3_q.magic_ok) cause = BAD_MAGIC;
    else if (!looked_3_q.version_ok) cause = BAD_VERSION;
    else if (!checksum_ok_q) cause = BAD_CHECKSUM;
    else if (!looked_3_q.risk_ok) cause = BAD_RISK;
    else if (looked_3_q.reserved_hit) cause = RESERVED_FLAGS;
    else cause = CAUSE_NONE;
  end

  always_ff @(posedge clk_i) begin
    result_q.cause <= cause;
    result_q.flags <= looked_3_q.flags;
    result_q.verdict <= cause != CAUSE_NONE ? 8'h00 : {
        looked_3_q.deny_hit || looked_3_q.approval_hit,
        over_3_q,
        looked_3_q.risk,
        decision_q,
        1'b1};
  end

  assign result_o = result_q;

endmodule
