// Behavioural model of xpm_fifo_axis (AMD UG974): a FIFO between two AXI4-Stream ports. With PACKET_FIFO a packet is
// sent once it is here whole, or the FIFO is full. Error correction and the choice of memory are without effect.
`default_nettype wire
module xpm_fifo_axis #(
    parameter integer CASCADE_HEIGHT = 0,
    parameter integer CDC_SYNC_STAGES = 2,
    parameter CLOCKING_MODE = "common_clock",
    parameter ECC_MODE = "no_ecc",
    parameter EN_SIM_ASSERT_ERR = "warning",
    parameter integer FIFO_DEPTH = 2048,
    parameter FIFO_MEMORY_TYPE = "auto",
    parameter PACKET_FIFO = "false",
    parameter integer PROG_EMPTY_THRESH = 10,
    parameter integer PROG_FULL_THRESH = 10,
    parameter integer RD_DATA_COUNT_WIDTH = 1,
    parameter integer RELATED_CLOCKS = 0,
    parameter integer SIM_ASSERT_CHK = 0,
    parameter integer TDATA_WIDTH = 32,
    parameter integer TDEST_WIDTH = 1,
    parameter integer TID_WIDTH = 1,
    parameter integer TUSER_WIDTH = 1,
    parameter USE_ADV_FEATURES = "1000",
    parameter integer WR_DATA_COUNT_WIDTH = 1
) (
    input  logic                           s_aresetn,
    input  logic                           s_aclk,
    input  logic                           m_aclk,
    input  logic                           s_axis_tvalid,
    output logic                           s_axis_tready,
    input  logic [        TDATA_WIDTH-1:0] s_axis_tdata,
    input  logic [      TDATA_WIDTH/8-1:0] s_axis_tstrb,
    input  logic [      TDATA_WIDTH/8-1:0] s_axis_tkeep,
    input  logic                           s_axis_tlast,
    input  logic [          TID_WIDTH-1:0] s_axis_tid,
    input  logic [        TDEST_WIDTH-1:0] s_axis_tdest,
    input  logic [        TUSER_WIDTH-1:0] s_axis_tuser,
    output logic                           m_axis_tvalid,
    input  logic                           m_axis_tready,
    output logic [        TDATA_WIDTH-1:0] m_axis_tdata,
    output logic [      TDATA_WIDTH/8-1:0] m_axis_tstrb,
    output logic [      TDATA_WIDTH/8-1:0] m_axis_tkeep,
    output logic                           m_axis_tlast,
    output logic [          TID_WIDTH-1:0] m_axis_tid,
    output logic [        TDEST_WIDTH-1:0] m_axis_tdest,
    output logic [        TUSER_WIDTH-1:0] m_axis_tuser,
    output logic                           prog_full_axis,
    output logic [WR_DATA_COUNT_WIDTH-1:0] wr_data_count_axis,
    output logic                           almost_full_axis,
    output logic                           prog_empty_axis,
    output logic [RD_DATA_COUNT_WIDTH-1:0] rd_data_count_axis,
    output logic                           almost_empty_axis,
    input  logic                           injectsbiterr_axis,
    input  logic                           injectdbiterr_axis,
    output logic                           sbiterr_axis,
    output logic                           dbiterr_axis
);
  localparam integer Width = TDATA_WIDTH + 2 * (TDATA_WIDTH / 8) + 1 + TID_WIDTH + TDEST_WIDTH + TUSER_WIDTH;
  localparam bit Independent = CLOCKING_MODE == "independent_clock";
  localparam bit Packets = PACKET_FIFO == "true";
  assign sbiterr_axis = '0;
  assign dbiterr_axis = '0;

  logic clock;
  assign clock = Independent ? m_aclk : s_aclk;
  logic full, empty, write, read, busy, read_busy;
  assign s_axis_tready = !full && !busy;
  assign write = s_axis_tvalid && s_axis_tready;

  // Packets that are here whole: counted in on the write side, out on the read side.
  logic [31:0] whole_in = '0, whole_out = '0, whole_seen;
  logic filled, go = '0;
  if (Independent) begin : g_independent
    xpm_cdc_gray #(.DEST_SYNC_FF(CDC_SYNC_STAGES), .WIDTH(32)) whole (
        .src_clk(s_aclk), .src_in_bin(whole_in), .dest_clk(m_aclk), .dest_out_bin(whole_seen));
  end else begin : g_common
    assign whole_seen = whole_in;
  end
  always_ff @(posedge s_aclk)
    if (busy) whole_in <= '0;
    else if (write && s_axis_tlast) whole_in <= whole_in + 1;
  // A packet longer than the FIFO goes on once it has begun; its end may be read before it is counted in.
  always_ff @(posedge clock) begin
    if (read && m_axis_tlast) begin
      whole_out <= whole_out + 1;
      go <= '0;
    end else if (filled) go <= 1'b1;
    if (read_busy) begin
      whole_out <= '0;
      go <= '0;
    end
  end
  assign m_axis_tvalid = !empty && (!Packets || go || $signed(whole_seen - whole_out) > 0);
  assign read = m_axis_tvalid && m_axis_tready;

  xpm_fifo_model #(
      .SYNC_STAGES(Independent ? CDC_SYNC_STAGES : 0),
      .FIFO_WRITE_DEPTH(FIFO_DEPTH),
      .WRITE_DATA_WIDTH(Width),
      .READ_DATA_WIDTH(Width),
      .FIRST_WORD_FALL_THROUGH(1),
      .FULL_RESET_VALUE(1),
      .PROG_FULL_THRESH(PROG_FULL_THRESH),
      .PROG_EMPTY_THRESH(PROG_EMPTY_THRESH),
      .WR_DATA_COUNT_WIDTH(WR_DATA_COUNT_WIDTH),
      .RD_DATA_COUNT_WIDTH(RD_DATA_COUNT_WIDTH),
      .USE_ADV_FEATURES(USE_ADV_FEATURES)
  ) fifo (
      .rst(!s_aresetn),
      .wr_clk(s_aclk),
      .wr_en(write),
      .din({s_axis_tuser, s_axis_tdest, s_axis_tid, s_axis_tlast, s_axis_tkeep, s_axis_tstrb, s_axis_tdata}),
      .full(full),
      .prog_full(prog_full_axis),
      .almost_full(almost_full_axis),
      .overflow(),
      .wr_ack(),
      .wr_rst_busy(busy),
      .wr_data_count(wr_data_count_axis),
      .rd_clk(clock),
      .rd_en(read),
      .dout({m_axis_tuser, m_axis_tdest, m_axis_tid, m_axis_tlast, m_axis_tkeep, m_axis_tstrb, m_axis_tdata}),
      .empty(empty),
      .prog_empty(prog_empty_axis),
      .almost_empty(almost_empty_axis),
      .underflow(),
      .data_valid(),
      .rd_rst_busy(read_busy),
      .rd_filled(filled),
      .rd_data_count(rd_data_count_axis)
  );
endmodule
