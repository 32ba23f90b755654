// The policy slots of the queue, each with a side in force and a shadow that the host
// writes; a swap is one clock, so that a submission is decided wholly by one of them.
// A slot's version counts the swaps, and its lowest bit says which side is in force.
//
// Each lane has a table of its own, as both may ask for different slots at once.
module queue_policies
  import tcp_pkg::*;
  import queue_pkg::*;
(
    input logic clk_i,
    input logic rst_ni,

    // Host access to the shadow: a word, answered in the clock after the next.
    input  logic        access_i,
    input  logic        write_i,
    input  logic [ 3:0] slot_i,
    input  logic [ 2:0] word_i,
    input  logic [31:0] wdata_i,
    output logic [31:0] rdata_o,
    input  logic [ 3:0] version_slot_i,
    input  logic        swap_i,          // that slot's sides
    output logic [ 7:0] version_o,       // of that slot

    // Lanes: the slot's side in force in this clock, in the clock after the next.
    input  logic    [LANES-1:0][3:0] slots_i,
    output policy_t [LANES-1:0]      policies_o,
    output logic    [LANES-1:0][7:0] versions_o
);

  logic [POLICY_SLOTS-1:0][7:0] version_q;
  /* verilator lint_off UNUSEDSIGNAL */  // the host reads the first lane's
  logic [LANES-1:0][31:0] rdata;
  /* verilator lint_on UNUSEDSIGNAL */

  always_ff @(posedge clk_i) begin
    if (swap_i) version_q[version_slot_i] <= version_o + 8'd1;
    if (!rst_ni) version_q <= '0;
  end
  assign version_o = version_q[version_slot_i];

  // The side is looked up first.
  logic access_q, write_q, side_q;
  logic [ 3:0] slot_q;
  logic [ 2:0] word_q;
  logic [31:0] wdata_q;
  always_ff @(posedge clk_i) begin
    access_q <= access_i && rst_ni;
    write_q  <= write_i;
    side_q   <= !version_q[slot_i][0];
    slot_q   <= slot_i;
    word_q   <= word_i;
    wdata_q  <= wdata_i;
  end

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    logic [3:0] asked_q;
    logic [7:0] version_asked_q;
    always_ff @(posedge clk_i) begin
      asked_q <= slots_i[l];
      version_asked_q <= version_q[slots_i[l]];
      versions_o[l] <= version_asked_q;
    end

    policy_table #(
        .SLOTS(2 * POLICY_SLOTS)
    ) i_table (
        .clk_i,
        .rst_ni,
        .access_i   (access_q),
        .write_i    (write_q),
        .slot_i     ({side_q, slot_q}),
        .word_i     (word_q),
        .wdata_i    (wdata_q),
        .wstrb_i    (4'hF),
        .rdata_o    (rdata[l]),
        .load_i     (1'b1),
        .load_slot_i({version_asked_q[0], asked_q}),
        .policy_o   (policies_o[l])
    );
  end
  assign rdata_o = rdata[0];

endmodule
