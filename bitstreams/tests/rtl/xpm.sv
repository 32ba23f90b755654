// Harnesses that show the XPM models' ports to the tests in ../xpm.rs.

module fifo #(
    parameter int ASYNC = 0,
    parameter int FWFT = 0,
    parameter int LATENCY = 1,
    parameter int WRITE = 32,
    parameter int READ = 32
) (
    input  logic             ap_clk,
    input  logic             ap_clk_2,
    input  logic             rst,
    input  logic             wr_en,
    input  logic [WRITE-1:0] din,
    input  logic             rd_en,
    output logic [ READ-1:0] dout,
    output logic             full,
    output logic             empty,
    output logic             busy,
    output logic             data_valid,
    output logic             wr_ack,
    output logic             overflow,
    output logic             underflow,
    output logic             prog_full,
    output logic             prog_empty,
    output logic             almost_full,
    output logic             almost_empty,
    output logic [      4:0] wr_count,
    output logic [      6:0] rd_count
);
  logic write_busy, read_busy;
  assign busy = write_busy || read_busy;
  if (ASYNC != 0) begin : g_async
    xpm_fifo_async #(
        .FIFO_WRITE_DEPTH(16), .READ_MODE(FWFT != 0 ? "fwft" : "std"), .FIFO_READ_LATENCY(LATENCY),
        .WRITE_DATA_WIDTH(WRITE), .READ_DATA_WIDTH(READ), .USE_ADV_FEATURES("1F1F"),
        .PROG_FULL_THRESH(12), .PROG_EMPTY_THRESH(4), .WR_DATA_COUNT_WIDTH(5), .RD_DATA_COUNT_WIDTH(7)
    ) fifo (
        .wr_clk(ap_clk), .rd_clk(ap_clk_2), .wr_rst_busy(write_busy), .rd_rst_busy(read_busy),
        .wr_data_count(wr_count), .rd_data_count(rd_count), .sleep(1'b0), .injectsbiterr(1'b0),
        .injectdbiterr(1'b0), .sbiterr(), .dbiterr(), .*
    );
  end else begin : g_sync
    xpm_fifo_sync #(
        .FIFO_WRITE_DEPTH(16), .READ_MODE(FWFT != 0 ? "fwft" : "std"), .FIFO_READ_LATENCY(LATENCY),
        .WRITE_DATA_WIDTH(WRITE), .READ_DATA_WIDTH(READ), .USE_ADV_FEATURES("1F1F"),
        .PROG_FULL_THRESH(12), .PROG_EMPTY_THRESH(4), .WR_DATA_COUNT_WIDTH(5), .RD_DATA_COUNT_WIDTH(7)
    ) fifo (
        .wr_clk(ap_clk), .wr_rst_busy(write_busy), .rd_rst_busy(read_busy),
        .wr_data_count(wr_count), .rd_data_count(rd_count), .sleep(1'b0), .injectsbiterr(1'b0),
        .injectdbiterr(1'b0), .sbiterr(), .dbiterr(), .*
    );
  end
endmodule

module axis #(
    parameter int INDEPENDENT = 0,
    parameter int PACKETS = 0
) (
    input  logic       ap_clk,
    input  logic       ap_clk_2,
    input  logic       rst_n,
    input  logic       put,
    output logic       ready,
    input  logic [7:0] data,
    input  logic       last,
    output logic       valid,
    input  logic       get,
    output logic [7:0] result,
    output logic       result_last
);
  xpm_fifo_axis #(
      .CLOCKING_MODE(INDEPENDENT != 0 ? "independent_clock" : "common_clock"),
      .PACKET_FIFO(PACKETS != 0 ? "true" : "false"), .FIFO_DEPTH(16), .TDATA_WIDTH(8)
  ) fifo (
      .s_aresetn(rst_n), .s_aclk(ap_clk), .m_aclk(ap_clk_2),
      .s_axis_tvalid(put), .s_axis_tready(ready), .s_axis_tdata(data), .s_axis_tstrb('1), .s_axis_tkeep('1),
      .s_axis_tlast(last), .s_axis_tid('0), .s_axis_tdest('0), .s_axis_tuser('0),
      .m_axis_tvalid(valid), .m_axis_tready(get), .m_axis_tdata(result), .m_axis_tstrb(), .m_axis_tkeep(),
      .m_axis_tlast(result_last), .m_axis_tid(), .m_axis_tdest(), .m_axis_tuser(),
      .prog_full_axis(), .wr_data_count_axis(), .almost_full_axis(), .prog_empty_axis(), .rd_data_count_axis(),
      .almost_empty_axis(), .injectsbiterr_axis(1'b0), .injectdbiterr_axis(1'b0), .sbiterr_axis(), .dbiterr_axis()
  );
endmodule

// Three memories on the same addresses: KIND 0 has one port, 1 a port to write and one to read, 2 two ports.
module memory #(
    parameter int KIND = 0,
    parameter int MODE = 0,
    parameter int LATENCY = 1
) (
    input  logic        ap_clk,
    input  logic        en,
    input  logic [ 3:0] we,
    input  logic [ 3:0] address,
    input  logic [31:0] data,
    output logic [31:0] result,
    input  logic        en_b,
    input  logic [ 3:0] we_b,
    input  logic [ 3:0] address_b,
    input  logic [31:0] data_b,
    output logic [31:0] result_b
);
  if (KIND == 0) begin : g_single
    xpm_memory_spram #(
        .MEMORY_SIZE(512), .ADDR_WIDTH_A(4), .BYTE_WRITE_WIDTH_A(8), .READ_LATENCY_A(LATENCY),
        .WRITE_MODE_A(MODE == 0 ? "read_first" : MODE == 1 ? "write_first" : "no_change")
    ) memory (
        .sleep(1'b0), .clka(ap_clk), .ena(en), .addra(address), .wea(we), .dina(data), .injectsbiterra(1'b0),
        .injectdbiterra(1'b0), .rsta(1'b0), .regcea(1'b1), .douta(result), .sbiterra(), .dbiterra()
    );
    assign result_b = '0;
  end else if (KIND == 1) begin : g_simple
    xpm_memory_sdpram #(
        .MEMORY_SIZE(512), .ADDR_WIDTH_A(4), .ADDR_WIDTH_B(4), .BYTE_WRITE_WIDTH_A(8), .READ_LATENCY_B(LATENCY),
        .WRITE_MODE_B("read_first")
    ) memory (
        .sleep(1'b0), .clka(ap_clk), .ena(en), .addra(address), .wea(we), .dina(data), .injectsbiterra(1'b0),
        .injectdbiterra(1'b0), .clkb(ap_clk), .enb(en_b), .addrb(address_b), .rstb(1'b0), .regceb(1'b1),
        .doutb(result_b), .sbiterrb(), .dbiterrb()
    );
    assign result = '0;
  end else begin : g_dual
    xpm_memory_tdpram #(
        .MEMORY_SIZE(512), .ADDR_WIDTH_A(4), .ADDR_WIDTH_B(4), .BYTE_WRITE_WIDTH_A(8), .BYTE_WRITE_WIDTH_B(8),
        .READ_LATENCY_A(LATENCY), .READ_LATENCY_B(LATENCY),
        .WRITE_MODE_A(MODE == 0 ? "read_first" : MODE == 1 ? "write_first" : "no_change"),
        .WRITE_MODE_B(MODE == 0 ? "read_first" : MODE == 1 ? "write_first" : "no_change")
    ) memory (
        .sleep(1'b0), .clka(ap_clk), .ena(en), .addra(address), .wea(we), .dina(data), .injectsbiterra(1'b0),
        .injectdbiterra(1'b0), .rsta(1'b0), .regcea(1'b1), .douta(result), .sbiterra(), .dbiterra(),
        .clkb(ap_clk), .enb(en_b), .addrb(address_b), .web(we_b), .dinb(data_b), .injectsbiterrb(1'b0),
        .injectdbiterrb(1'b0), .rstb(1'b0), .regceb(1'b1), .doutb(result_b), .sbiterrb(), .dbiterrb()
    );
  end
endmodule

// Memories with initial content and values of their outputs in reset; `list` shows them from a string, `file` and
// `pair` from a file, `half` halves of the words of a string. `copy` is written.
module contents (
    input  logic        ap_clk,
    input  logic        rst,
    input  logic        we,
    input  logic [ 2:0] address,
    input  logic [15:0] data,
    output logic [15:0] list,
    output logic [15:0] file,
    output logic [15:0] pair,
    output logic [15:0] half,
    output logic [15:0] copy,
    output logic [15:0] copy_b,
    output logic [11:0] dout
);
  xpm_memory_sprom #(
      .MEMORY_SIZE(128), .ADDR_WIDTH_A(3), .READ_DATA_WIDTH_A(16), .READ_LATENCY_A(1),
      .MEMORY_INIT_PARAM("12, aB,0,FFFF"), .READ_RESET_VALUE_A("5A"), .RST_MODE_A("ASYNC")
  ) from_list (
      .sleep(1'b0), .clka(ap_clk), .ena(1'b1), .addra(address), .injectsbiterra(1'b0), .injectdbiterra(1'b0),
      .rsta(rst), .regcea(1'b1), .douta(list), .sbiterra(), .dbiterra()
  );
  xpm_memory_dprom #(
      .MEMORY_SIZE(128), .ADDR_WIDTH_A(3), .ADDR_WIDTH_B(3), .READ_DATA_WIDTH_A(16), .READ_DATA_WIDTH_B(16),
      .READ_LATENCY_A(1), .READ_LATENCY_B(2), .MEMORY_INIT_FILE("xpm.mem"), .READ_RESET_VALUE_B("C0DE")
  ) from_file (
      .sleep(1'b0), .clka(ap_clk), .ena(1'b1), .addra(address), .injectsbiterra(1'b0), .injectdbiterra(1'b0),
      .rsta(rst), .regcea(1'b1), .douta(file), .sbiterra(), .dbiterra(),
      .clkb(ap_clk), .enb(1'b1), .addrb(address), .injectsbiterrb(1'b0), .injectdbiterrb(1'b0),
      .rstb(rst), .regceb(1'b1), .doutb(pair), .sbiterrb(), .dbiterrb()
  );
  xpm_memory_sdpram #(
      .MEMORY_SIZE(128), .ADDR_WIDTH_A(2), .ADDR_WIDTH_B(3), .WRITE_DATA_WIDTH_A(32), .BYTE_WRITE_WIDTH_A(32),
      .READ_DATA_WIDTH_B(16), .READ_LATENCY_B(1), .MEMORY_INIT_PARAM("10002,30004")
  ) narrow (
      .sleep(1'b0), .clka(ap_clk), .ena(1'b1), .addra('0), .wea('0), .dina('0), .injectsbiterra(1'b0),
      .injectdbiterra(1'b0), .clkb(ap_clk), .enb(1'b1), .addrb(address), .rstb(1'b0), .regceb(1'b1),
      .doutb(half), .sbiterrb(), .dbiterrb()
  );
  xpm_memory_dpdistram #(
      .MEMORY_SIZE(128), .ADDR_WIDTH_A(3), .ADDR_WIDTH_B(3), .WRITE_DATA_WIDTH_A(16), .BYTE_WRITE_WIDTH_A(16),
      .READ_DATA_WIDTH_A(16), .READ_DATA_WIDTH_B(16), .READ_LATENCY_A(0), .READ_LATENCY_B(1)
  ) written (
      .clka(ap_clk), .ena(1'b1), .addra(address), .wea(we), .dina(data), .rsta(rst), .regcea(1'b1), .douta(copy),
      .clkb(ap_clk), .enb(1'b1), .addrb(address), .rstb(rst), .regceb(1'b1), .doutb(copy_b)
  );
  xpm_fifo_sync #(
      .FIFO_WRITE_DEPTH(16), .WRITE_DATA_WIDTH(12), .READ_DATA_WIDTH(12), .DOUT_RESET_VALUE("b0c")
  ) fifo (
      .sleep(1'b0), .rst(rst), .wr_clk(ap_clk), .wr_en(1'b0), .din('0), .rd_en(1'b0), .dout, .full(), .prog_full(),
      .wr_data_count(), .overflow(), .wr_rst_busy(), .almost_full(), .wr_ack(), .empty(), .prog_empty(),
      .rd_data_count(), .underflow(), .rd_rst_busy(), .almost_empty(), .data_valid(), .injectsbiterr(1'b0),
      .injectdbiterr(1'b0), .sbiterr(), .dbiterr()
  );
endmodule

module crossings (
    input  logic       ap_clk,
    input  logic       ap_clk_2,
    input  logic       bit_in,
    output logic       bit_out,
    input  logic [7:0] bits_in,
    output logic [7:0] bits_out,
    output logic [7:0] gray_out,
    input  logic       reset_in,
    output logic       sync_reset,
    output logic       async_reset,
    input  logic       pulse_in,
    output logic       pulse_out,
    input  logic       send,
    output logic       received,
    output logic       request,
    output logic [7:0] word
);
  ila_0 probe (.clk(ap_clk), .probe0(bit_in), .probe3(bits_in));
  xpm_cdc_single #(.DEST_SYNC_FF(3)) single (
      .src_clk(ap_clk), .src_in(bit_in), .dest_clk(ap_clk_2), .dest_out(bit_out));
  xpm_cdc_array_single #(.DEST_SYNC_FF(3), .WIDTH(8)) array (
      .src_clk(ap_clk), .src_in(bits_in), .dest_clk(ap_clk_2), .dest_out(bits_out));
  xpm_cdc_gray #(.DEST_SYNC_FF(3), .WIDTH(8)) gray (
      .src_clk(ap_clk), .src_in_bin(bits_in), .dest_clk(ap_clk_2), .dest_out_bin(gray_out));
  xpm_cdc_sync_rst #(.DEST_SYNC_FF(3)) sync (.src_rst(reset_in), .dest_clk(ap_clk_2), .dest_rst(sync_reset));
  xpm_cdc_async_rst #(.DEST_SYNC_FF(3), .RST_ACTIVE_HIGH(1)) async (
      .src_arst(reset_in), .dest_clk(ap_clk_2), .dest_arst(async_reset));
  xpm_cdc_pulse #(.DEST_SYNC_FF(3)) pulse (
      .src_clk(ap_clk), .src_rst(reset_in), .src_pulse(pulse_in), .dest_clk(ap_clk_2), .dest_rst(reset_in),
      .dest_pulse(pulse_out));
  xpm_cdc_handshake #(.DEST_EXT_HSK(0), .DEST_SYNC_FF(3), .SRC_SYNC_FF(3), .WIDTH(8)) handshake (
      .src_clk(ap_clk), .src_in(bits_in), .src_send(send), .src_rcv(received), .dest_clk(ap_clk_2),
      .dest_out(word), .dest_req(request), .dest_ack(1'b0));
endmodule
