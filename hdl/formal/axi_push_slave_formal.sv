// axi_push_slave: each beat is a push for the pair of its burst's address, with the halves that
// its strobes and options say; each burst gets one response, with its own identity, in order,
// after its last beat: OKAY if all its beats were taken. What is offered stays. Which pair's turn is
// next is told a clock before.
module axi_push_slave_formal
  import queue_pkg::*;
(
    input logic                    clk_i,
    input logic                    rst_ni,
    input logic [             3:0] awid_i,
    input logic [            15:0] awaddr_i,
    input logic                    awvalid_i,
    input logic [  DATA_WIDTH-1:0] wdata_i,
    input logic [DATA_WIDTH/8-1:0] wstrb_i,
    input logic                    wlast_i,
    input logic                    wvalid_i,
    input logic                    bready_i,
    input logic                    room_i,
    input logic                    taken_i
);

  localparam int unsigned COUNT = 6;

  logic awready, wready, bvalid, push, torn;
  logic [3:0] bid;
  logic [1:0] bresp;
  pair_t pair, next_pair;
  logic waits, next;
  logic [LANES-1:0] mask;
  logic [DATA_WIDTH-1:0] data;

  axi_push_slave dut (
      .clk_i,
      .rst_ni,
      .awid_i,
      .awaddr_i,
      .awvalid_i,
      .awready_o  (awready),
      .wdata_i,
      .wstrb_i,
      .wlast_i,
      .wvalid_i,
      .wready_o   (wready),
      .bid_o      (bid),
      .bresp_o    (bresp),
      .bvalid_o   (bvalid),
      .bready_i,
      .waits_o    (waits),
      .room_i,
      .push_o     (push),
      .pair_o     (pair),
      .next_o     (next),
      .next_pair_o(next_pair),
      .mask_o     (mask),
      .torn_o     (torn),
      .data_o     (data),
      .taken_i
  );

  // Bursts are numbered, modulo more than there can be at once; `tag` is any of them.
  logic running_q = 1'b0;
  logic [COUNT-1:0] tag, addressed_q, ended_q, answered_q;
  logic [15:0] address_q;
  logic [3:0] id_q;
  logic taken_q;  // all beats of the tagged burst so far
  wire [COUNT-1:0] waiting = addressed_q - ended_q;  // bursts that have not ended
  wire [COUNT-1:0] owed = ended_q - answered_q;  // responses
  wire [COUNT-1:0] tag_waits = tag - ended_q;  // as many before it
  wire [COUNT-1:0] tag_owed = tag - answered_q;
  logic b_held_q = 1'b0;
  logic [3:0] bid_q;
  logic [1:0] bresp_q;
  pair_t told_pair_q;
  wire aw = awvalid_i && awready;
  wire w = wvalid_i && wready;
  wire b = bvalid && bready_i;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    tag <= tag;
    b_held_q <= bvalid && !bready_i && rst_ni;
    bid_q <= bid;
    told_pair_q <= next ? next_pair : pair;
    bresp_q <= bresp;
    addressed_q <= addressed_q + COUNT'(aw);
    ended_q <= ended_q + COUNT'(w && wlast_i);
    answered_q <= answered_q + COUNT'(b);
    if (aw && addressed_q == tag) begin
      address_q <= awaddr_i;
      id_q <= awid_i;
      taken_q <= 1'b1;
    end
    if (w && ended_q == tag) taken_q <= taken_q && taken_i;
    if (!rst_ni) begin
      addressed_q <= '0;
      ended_q <= '0;
      answered_q <= '0;
      taken_q <= 1'b1;
    end
  end

  // Where the tagged burst's address and response are: at the front, at the FIFO's output, or in its memory.
  wire [3:0] address_level = dut.i_addresses.level_q;
  wire [3:0] response_level = dut.i_responses.level_q;
  wire [COUNT-1:0] address_place = tag_waits - COUNT'(dut.front_valid_q) - COUNT'(dut.i_addresses.valid_q);
  wire [COUNT-1:0] response_place = tag_owed - COUNT'(dut.i_responses.valid_q);
  logic [7:0] tag_address;
  logic [4:0] tag_response;
  always_comb begin
    if (dut.front_valid_q && tag_waits == '0) tag_address = {dut.front_pair_q, dut.front_id_q};
    else if (dut.i_addresses.valid_q && tag_waits == COUNT'(dut.front_valid_q))
      tag_address = dut.i_addresses.data_q;
    else tag_address = dut.i_addresses.mem[dut.i_addresses.read_q+address_place[2:0]];
    if (dut.i_responses.valid_q && tag_owed == '0) tag_response = dut.i_responses.data_q;
    else tag_response = dut.i_responses.mem[dut.i_responses.read_q+response_place[2:0]];
  end

  wire [31:0] low_options = wdata_i[255:224];
  wire [31:0] high_options = wdata_i[511:480];

  always_comb begin
    if (!running_q) assume (!rst_ni);
    if (running_q && rst_ni) begin
      assert (push == w && (!push || waits));
      if (waits && !push) assert (!next);
      if (waits) assert (pair == told_pair_q);
      if (w) begin
        assert (room_i && waiting != '0 && data == wdata_i);
        if (ended_q == tag) assert (pair == address_q[15:12]);
        assert (torn == !((&wstrb_i[31:0] || wstrb_i[31:0] == '0) &&
                          (&wstrb_i[63:32] || wstrb_i[63:32] == '0)));
        if (!torn) assert (mask[0] == (&wstrb_i[31:0] && !low_options[31]));
        if (!torn) assert (mask[1] == (&wstrb_i[63:32] && !high_options[31]));
      end
      if (bvalid) assert (owed != '0);
      if (bvalid && answered_q == tag) begin
        assert (bid == id_q && bresp == (taken_q ? 2'b00 : 2'b10));
      end
      if (b_held_q) assert (bvalid && bid == bid_q && bresp == bresp_q);

      // What the induction stands on.
      assert (address_level <= 4'd8 && response_level <= 4'd7);
      assert (dut.i_addresses.write_q == dut.i_addresses.read_q + address_level[2:0]);
      assert (dut.i_responses.write_q == dut.i_responses.read_q + response_level[2:0]);
      assert (waiting == COUNT'(dut.front_valid_q) + COUNT'(dut.i_addresses.valid_q) + COUNT'(address_level));
      assert (owed == COUNT'(dut.i_responses.valid_q) + COUNT'(response_level));
      if (tag_waits < waiting) begin
        assert (tag_address == {address_q[15:12], id_q});
        assert (taken_q == !(tag_waits == '0 && dut.failed_q));
      end else if (tag_owed < owed) assert (tag_response == {!taken_q, id_q});
      if (waiting == '0) assert (!dut.failed_q || ended_q != tag);
    end
  end

endmodule
