// A kernel that copies memory, to test the engine with: `ap_ctrl_hs`, one read port, one write port, bursts
// that stop at 4 KiB boundaries. A write to MISBEHAVE makes it break one rule; the codes are in misbehave.svh.
//
// 0x00 control, 0x10/0x14 source, 0x1c/0x20 destination, 0x28 beats, 0x30 clocks of the last run,
// 0x38 error responses of the last run (read beats, and write bursts from bit 8 up),
// 0x40 MISBEHAVE (not reset by ap_rst_n), 0x44 answers SLVERR.
module copy #(
    parameter int DATA_WIDTH = 512,
    parameter int ID_WIDTH   = 1,
    parameter int MAX_BURST  = 16
) (
    input  logic                    ap_clk,
    input  logic                    ap_rst_n,
    output logic                    interrupt,
    // registers
    input  logic                    s_axi_control_awvalid,
    output logic                    s_axi_control_awready,
    input  logic [11:0]             s_axi_control_awaddr,
    input  logic                    s_axi_control_wvalid,
    output logic                    s_axi_control_wready,
    input  logic [31:0]             s_axi_control_wdata,
    input  logic [3:0]              s_axi_control_wstrb,
    output logic                    s_axi_control_bvalid,
    input  logic                    s_axi_control_bready,
    output logic [1:0]              s_axi_control_bresp,
    input  logic                    s_axi_control_arvalid,
    output logic                    s_axi_control_arready,
    input  logic [11:0]             s_axi_control_araddr,
    output logic                    s_axi_control_rvalid,
    input  logic                    s_axi_control_rready,
    output logic [31:0]             s_axi_control_rdata,
    output logic [1:0]              s_axi_control_rresp,
    // source
    output logic                    m_axi_gmem0_arvalid,
    input  logic                    m_axi_gmem0_arready,
    output logic [63:0]             m_axi_gmem0_araddr,
    output logic [ID_WIDTH-1:0]     m_axi_gmem0_arid,
    output logic [7:0]              m_axi_gmem0_arlen,
    output logic [2:0]              m_axi_gmem0_arsize,
    output logic [1:0]              m_axi_gmem0_arburst,
    input  logic                    m_axi_gmem0_rvalid,
    output logic                    m_axi_gmem0_rready,
    input  logic [DATA_WIDTH-1:0]   m_axi_gmem0_rdata,
    input  logic [ID_WIDTH-1:0]     m_axi_gmem0_rid,
    input  logic                    m_axi_gmem0_rlast,
    input  logic [1:0]              m_axi_gmem0_rresp,
    // destination
    output logic                    m_axi_gmem1_awvalid,
    input  logic                    m_axi_gmem1_awready,
    output logic [63:0]             m_axi_gmem1_awaddr,
    output logic [ID_WIDTH-1:0]     m_axi_gmem1_awid,
    output logic [7:0]              m_axi_gmem1_awlen,
    output logic [2:0]              m_axi_gmem1_awsize,
    output logic [1:0]              m_axi_gmem1_awburst,
    output logic                    m_axi_gmem1_wvalid,
    input  logic                    m_axi_gmem1_wready,
    output logic [DATA_WIDTH-1:0]   m_axi_gmem1_wdata,
    output logic [DATA_WIDTH/8-1:0] m_axi_gmem1_wstrb,
    output logic                    m_axi_gmem1_wlast,
    input  logic                    m_axi_gmem1_bvalid,
    output logic                    m_axi_gmem1_bready,
    input  logic [ID_WIDTH-1:0]     m_axi_gmem1_bid,
    input  logic [1:0]              m_axi_gmem1_bresp
);
  localparam int Bytes = DATA_WIDTH / 8;
  localparam int Size = $clog2(Bytes);
  localparam int Depth = 8 * MAX_BURST;
  localparam int Lanes = Bytes < 8 ? 1 : Bytes / 8;  // of a narrow beat

  `include "misbehave.svh"

  // ---- registers
  logic [63:0] source, destination;
  logic [31:0] beats, clocks, clock_count;
  logic [7:0] read_errors, write_errors;
  logic busy, done, start;
  logic aw_taken, w_taken;
  logic [11:0] awaddr;
  logic [31:0] wdata, misbehave;

  initial misbehave = 0;

  wire write = aw_taken && w_taken && !s_axi_control_bvalid;
  wire read = s_axi_control_arvalid && s_axi_control_arready;

  assign s_axi_control_awready = !aw_taken;
  assign s_axi_control_wready = !w_taken;
  assign s_axi_control_arready = !s_axi_control_rvalid;

  logic stray_pulse;

  always_ff @(posedge ap_clk) begin
    start <= 0;
    stray_pulse <= 0;
    if (!ap_rst_n) begin
      {aw_taken, w_taken, s_axi_control_bvalid, s_axi_control_rvalid} <= '0;
      {source, destination, beats} <= '0;
    end else begin
      if (s_axi_control_awvalid && s_axi_control_awready) begin
        aw_taken <= 1;
        awaddr   <= s_axi_control_awaddr;
      end
      if (s_axi_control_wvalid && s_axi_control_wready) begin
        w_taken <= 1;
        wdata   <= s_axi_control_wdata;
      end
      if (s_axi_control_bvalid && s_axi_control_bready) s_axi_control_bvalid <= 0;
      if (write) begin
        aw_taken <= 0;
        w_taken <= 0;
        s_axi_control_bvalid <= 1;
        s_axi_control_bresp <= awaddr == 12'h44 ? 2'b10 : 2'b00;
        case (awaddr)
          12'h00: start <= wdata[0];
          12'h10: source[31:0] <= wdata;
          12'h14: source[63:32] <= wdata;
          12'h1c: destination[31:0] <= wdata;
          12'h20: destination[63:32] <= wdata;
          12'h28: beats <= wdata;
          12'h40: misbehave <= wdata;
          default: ;
        endcase
      end
      if (s_axi_control_rvalid && s_axi_control_rready) s_axi_control_rvalid <= 0;
      if (read) begin
        s_axi_control_rvalid <= 1;
        s_axi_control_rresp  <= s_axi_control_araddr == 12'h44 ? 2'b10 : 2'b00;
        case (s_axi_control_araddr)
          12'h00: s_axi_control_rdata <= {29'd0, !busy && !start, done, busy || start};
          12'h10: s_axi_control_rdata <= source[31:0];
          12'h28: s_axi_control_rdata <= beats;
          12'h30: s_axi_control_rdata <= clocks;
          12'h38: s_axi_control_rdata <= {16'd0, write_errors, read_errors};
          default: s_axi_control_rdata <= 0;
        endcase
      end
      // What a broken register port does.
      if (start && misbehave == RvalidUnasked) s_axi_control_rvalid <= 1;
      if (start && misbehave == BvalidUnasked) stray_pulse <= 1;
      if (stray_pulse) s_axi_control_bvalid <= 1;
      if (misbehave == RvalidDropped && s_axi_control_rvalid && !s_axi_control_rready)
        s_axi_control_rvalid <= 0;
      if (misbehave == RdataChanges && s_axi_control_rvalid && !s_axi_control_rready)
        s_axi_control_rdata <= ~s_axi_control_rdata;
      if (misbehave == BvalidDropped && s_axi_control_bvalid && !s_axi_control_bready)
        s_axi_control_bvalid <= 0;
      if (misbehave == BrespChanges && s_axi_control_bvalid && !s_axi_control_bready)
        s_axi_control_bresp <= ~s_axi_control_bresp;
      if (misbehave == RrespExokay && read) s_axi_control_rresp <= 2'b01;
      if (misbehave == BrespExokay && write) s_axi_control_bresp <= 2'b01;
    end
  end

  // ---- reading
  logic [63:0] read_address, write_address;
  logic [31:0] read_left, write_left;  // beats that no burst has asked for yet
  logic [31:0] reserved;               // beats asked for and not yet written

  function automatic logic [7:0] burst(logic [63:0] address, logic [31:0] left);
    logic [31:0] room = (32'd4096 - {20'd0, address[11:0]}) >> Size;
    logic [31:0] length = left < MAX_BURST ? left : MAX_BURST;
    return 8'((length < room ? length : room) - 1);
  endfunction

  wire ar_fire = m_axi_gmem0_arvalid && m_axi_gmem0_arready;
  wire aw_fire = m_axi_gmem1_awvalid && m_axi_gmem1_awready;
  wire r_fire = m_axi_gmem0_rvalid && m_axi_gmem0_rready;
  wire w_fire = m_axi_gmem1_wvalid && m_axi_gmem1_wready;
  wire b_fire = m_axi_gmem1_bvalid && m_axi_gmem1_bready;

  wire [7:0] next_arlen = burst(read_address, read_left);
  wire [7:0] next_awlen = burst(write_address, write_left);
  wire ar_free = !m_axi_gmem0_arvalid || m_axi_gmem0_arready;
  wire aw_free = !m_axi_gmem1_awvalid || m_axi_gmem1_awready;
  wire ask_read = busy && read_left != 0 && ar_free && reserved + 32'(next_arlen) < Depth
                  && misbehave != Hangs;
  // The lengths of the write bursts asked for, for WLAST.
  logic [7:0] lengths[32];
  logic [4:0] length_head, length_tail;
  logic [31:0] bursts_open;  // write bursts without a response
  wire ask_write = busy && write_left != 0 && aw_free && bursts_open < 30;

  logic [DATA_WIDTH-1:0] fifo[Depth];
  logic [$clog2(Depth)-1:0] fifo_head, fifo_tail;
  logic [$clog2(Depth):0] fifo_count;
  logic [7:0] beat;

  assign m_axi_gmem0_rready = 1;
  assign m_axi_gmem1_bready = 1;
  assign m_axi_gmem0_arid = '0;
  assign m_axi_gmem1_awid = '0;

  wire wvalid = fifo_count != 0 && length_head != length_tail;
  wire last = beat == lengths[length_head];
  wire w_waits = m_axi_gmem1_wvalid && !m_axi_gmem1_wready;
  logic w_waited;
  assign m_axi_gmem1_wvalid = (wvalid && !(misbehave == WvalidDropped && w_waited))
                              || (misbehave == ValidInReset && !ap_rst_n);
  assign m_axi_gmem1_wdata = fifo[fifo_head] ^ DATA_WIDTH'(misbehave == WdataChanges && w_waited);
  assign m_axi_gmem1_wstrb = misbehave == StrobeOutside ? '1
      : misbehave == Narrow ? Bytes'({Lanes{1'b1}}) << write_lane(beat) : '1;
  assign m_axi_gmem1_wlast = misbehave == LastEarly ? beat == 1
                             : misbehave == LastMissing ? 0 : last;

  function automatic int write_lane(logic [7:0] index);
    return int'(index % 8) * Lanes;
  endfunction

  always_ff @(posedge ap_clk) begin
    w_waited <= w_waits;
    if (!ap_rst_n) begin
      busy <= 0;
      done <= 0;
      interrupt <= 0;
      {m_axi_gmem0_arvalid, m_axi_gmem1_awvalid} <= '0;
      {reserved, fifo_head, fifo_tail, fifo_count, length_head, length_tail, beat, bursts_open} <= '0;
    end else begin
      interrupt <= 0;
      if (start) begin
        busy <= 1;
        done <= 0;
        read_address <= source;
        write_address <= destination;
        read_left <= beats;
        write_left <= beats;
        clock_count <= 0;
        {read_errors, write_errors} <= '0;
        stop_if_asked();
      end
      if (r_fire && m_axi_gmem0_rresp != 0) read_errors <= read_errors + 1;
      if (b_fire && m_axi_gmem1_bresp != 0) write_errors <= write_errors + 1;
      if (busy) clock_count <= clock_count + 1;
      // Address channels.
      if (ar_fire) m_axi_gmem0_arvalid <= 0;
      if (ask_read) begin
        m_axi_gmem0_arvalid <= 1;
        m_axi_gmem0_araddr  <= read_address;
        m_axi_gmem0_arlen   <= next_arlen;
        m_axi_gmem0_arsize  <= 3'(Size);
        m_axi_gmem0_arburst <= 2'b01;
        read_address <= read_address + ((64'(next_arlen) + 1) << Size);
        read_left <= read_left - 32'(next_arlen) - 1;
        break_read();
      end
      if (aw_fire) m_axi_gmem1_awvalid <= 0;
      if (ask_write) begin
        m_axi_gmem1_awvalid <= 1;
        m_axi_gmem1_awaddr  <= write_address;
        m_axi_gmem1_awlen   <= next_awlen;
        m_axi_gmem1_awsize  <= 3'(Size);
        m_axi_gmem1_awburst <= 2'b01;
        write_address <= write_address + ((64'(next_awlen) + 1) << Size);
        write_left <= write_left - 32'(next_awlen) - 1;
        lengths[length_tail] <= next_awlen;
        length_tail <= length_tail + 1;
        if (misbehave == StrobeOutside || misbehave == Narrow) m_axi_gmem1_awsize <= 3'(Size - 3);
        if (misbehave == WriteOutside) m_axi_gmem1_awaddr <= 64'hdead_0000_0000;
      end
      bursts_open <= bursts_open + 32'(ask_write) - 32'(b_fire);
      // Data.
      reserved <= reserved + (ask_read ? 32'(next_arlen) + 1 : 0) - 32'(w_fire);
      fifo_count <= fifo_count + ($bits(fifo_count))'(r_fire) - ($bits(fifo_count))'(w_fire);
      if (r_fire) begin
        fifo[fifo_tail] <= m_axi_gmem0_rdata;
        fifo_tail <= fifo_tail + 1;
      end
      if (w_fire) begin
        fifo_head <= fifo_head + 1;
        beat <= last ? 0 : beat + 1;
        if (last) length_head <= length_head + 1;
      end
      if (busy && read_left == 0 && write_left == 0 && bursts_open == 0 && !m_axi_gmem1_awvalid
          && !ask_write && misbehave != NeverDone) begin
        busy <= 0;
        done <= 1;
        interrupt <= 1;
        clocks <= clock_count;
      end
      break_waiting();
    end
  end
endmodule
