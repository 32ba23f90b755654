// Cover points of tcp_validator: where a run can end, what can stall it, where it can fail; bound to its top.
module validator_cover
  import tcp_pkg::*;
#(
    parameter int unsigned DATA_WIDTH = 512,
    parameter int unsigned LANES = 3
) (
    input logic                         ap_clk,
    input logic                         ap_rst_n,
    input logic                         interrupt,
    // The gearbox: descriptors of 24 bytes over beats.
    input logic                         beat_valid,
    input logic                         beat_ready,
    input logic                         beat_last,
    input logic                         beat_void,
    input logic                         cut_valid,
    input logic                         cut_last,
    input logic      [             1:0] cut_phase,
    input logic      [       LANES-1:0] cut_mask,
    input logic                         room,
    // The run.
    input logic                         start,
    input logic                         done,
    input logic                         launch,
    input status_e                      status,
    input logic                         detail,
    input logic                         wide,
    input checksum_e                    checksum,
    input logic      [            31:0] count,
    // The buses.
    input logic                         m_axi_gmem0_arvalid,
    input logic                         m_axi_gmem0_arready,
    input logic      [             7:0] m_axi_gmem0_arlen,
    input logic                         m_axi_gmem0_rvalid,
    input logic                         m_axi_gmem0_rready,
    input logic                         m_axi_gmem0_rlast,
    input logic      [             1:0] m_axi_gmem0_rresp,
    input logic                         m_axi_gmem1_awvalid,
    input logic                         m_axi_gmem1_awready,
    input logic      [             7:0] m_axi_gmem1_awlen,
    input logic                         m_axi_gmem1_wvalid,
    input logic                         m_axi_gmem1_wready,
    input logic                         m_axi_gmem1_wlast,
    input logic      [DATA_WIDTH/8-1:0] m_axi_gmem1_wstrb,
    input logic                         m_axi_gmem1_bvalid,
    input logic                         m_axi_gmem1_bready,
    input logic      [             1:0] m_axi_gmem1_bresp,
    input logic                         s_axi_control_awvalid,
    input logic                         s_axi_control_awready,
    input logic                         s_axi_control_wvalid,
    input logic                         s_axi_control_wready,
    input logic                         s_axi_control_bvalid,
    input logic                         s_axi_control_bready,
    input logic      [             1:0] s_axi_control_bresp,
    input logic                         s_axi_control_arvalid,
    input logic                         s_axi_control_arready,
    input logic                         s_axi_control_rvalid,
    input logic                         s_axi_control_rready
);
  localparam int unsigned PAGE_BEATS = 4096 * 8 / DATA_WIDTH;

  // Boundary phases: in which of three beats, with how many descriptors whole, a run goes on, waits, and ends.
  for (genvar p = 0; p < 3; p++) begin : g_phase
    localparam int unsigned FULL = descriptors_in(
        DATA_WIDTH, p + 1
    ) - descriptors_in(
        DATA_WIDTH, p
    );
    wire here = ap_rst_n && cut_valid && cut_phase == 2'(p);
    goes_on :
    cover property (@(posedge ap_clk) here && !cut_last);
    void_end :
    cover property (@(posedge ap_clk) here && cut_last && cut_mask == '0);
    stalled :
    cover property (@(posedge ap_clk) here && !room);
    for (genvar n = 1; n <= FULL; n++) begin : g_end
      ends :
      cover property (@(posedge ap_clk) here && cut_last && cut_mask == LANES'((1 << n) - 1));
    end
  end
  stalled_by_the_lanes :
  cover property (@(posedge ap_clk) ap_rst_n && beat_valid && !beat_ready);
  void_after_a_stall :
  cover property (@(posedge ap_clk) ap_rst_n && beat_valid && beat_ready && beat_void && beat_last);

  // Runs: how they end, and with what options.
  for (genvar s = 0; s < 5; s++) begin : g_status
    ended :
    cover property (@(posedge ap_clk) ap_rst_n && done && status == status_e'(3'(s)));
  end
  for (genvar c = 0; c < 3; c++) begin : g_checksum
    for (genvar w = 0; w < 2; w++) begin : g_layout
      for (genvar o = 0; o < 2; o++) begin : g_output
        launched :
        cover property (@(posedge ap_clk) ap_rst_n && launch && checksum == checksum_e'(2'(c)) && wide == 1'(w) &&
                        detail == 1'(o));
      end
    end
  end
  nothing_to_do :
  cover property (@(posedge ap_clk) ap_rst_n && done && count == '0);
  logic done_q;
  always_ff @(posedge ap_clk) done_q <= ap_rst_n && done;
  restarted :
  cover property (@(posedge ap_clk) ap_rst_n && done_q && start);
  interrupted :
  cover property (@(posedge ap_clk) ap_rst_n && interrupt);

  // Bursts: of one beat, a whole page, and something between.
  wire ar = ap_rst_n && m_axi_gmem0_arvalid && m_axi_gmem0_arready;
  wire aw = ap_rst_n && m_axi_gmem1_awvalid && m_axi_gmem1_awready;
  read_of_a_beat :
  cover property (@(posedge ap_clk) ar && m_axi_gmem0_arlen == 8'd0);
  read_of_a_page :
  cover property (@(posedge ap_clk) ar && m_axi_gmem0_arlen == 8'(PAGE_BEATS - 1));
  read_between :
  cover property (@(posedge ap_clk) ar && m_axi_gmem0_arlen != 8'd0 && m_axi_gmem0_arlen != 8'(PAGE_BEATS - 1));
  write_of_a_beat :
  cover property (@(posedge ap_clk) aw && m_axi_gmem1_awlen == 8'd0);
  write_of_a_page :
  cover property (@(posedge ap_clk) aw && m_axi_gmem1_awlen == 8'(PAGE_BEATS - 1));
  write_between :
  cover property (@(posedge ap_clk) aw && m_axi_gmem1_awlen != 8'd0 && m_axi_gmem1_awlen != 8'(PAGE_BEATS - 1));
  wire w = ap_rst_n && m_axi_gmem1_wvalid && m_axi_gmem1_wready;
  part_of_a_beat_written :
  cover property (@(posedge ap_clk) w && m_axi_gmem1_wlast && m_axi_gmem1_wstrb != '1);
  whole_beat_written :
  cover property (@(posedge ap_clk) w && m_axi_gmem1_wstrb == '1);

  // Errors: both kinds, and where in a burst.
  logic first_q;
  wire  r = ap_rst_n && m_axi_gmem0_rvalid && m_axi_gmem0_rready;
  wire  b = ap_rst_n && m_axi_gmem1_bvalid && m_axi_gmem1_bready;
  always_ff @(posedge ap_clk) begin
    if (r) first_q <= m_axi_gmem0_rlast;
    if (!ap_rst_n) first_q <= 1'b1;
  end
  for (genvar e = 2; e < 4; e++) begin : g_error
    read_failed_first :
    cover property (@(posedge ap_clk) r && m_axi_gmem0_rresp == 2'(e) && first_q && !m_axi_gmem0_rlast);
    read_failed_between :
    cover property (@(posedge ap_clk) r && m_axi_gmem0_rresp == 2'(e) && !first_q && !m_axi_gmem0_rlast);
    read_failed_last :
    cover property (@(posedge ap_clk) r && m_axi_gmem0_rresp == 2'(e) && m_axi_gmem0_rlast);
    write_failed :
    cover property (@(posedge ap_clk) b && m_axi_gmem1_bresp == 2'(e));
  end
  policy_refused :
  cover property (@(posedge ap_clk) ap_rst_n && s_axi_control_bvalid && s_axi_control_bready && s_axi_control_bresp[1]);

  // Stalls of each channel.
  masters_cover i_masters (.*);
  request_cover i_control_aw (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(s_axi_control_awvalid),
      .ready_i(s_axi_control_awready)
  );
  request_cover i_control_w (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(s_axi_control_wvalid),
      .ready_i(s_axi_control_wready)
  );
  channel_cover i_control_b (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(s_axi_control_bvalid),
      .ready_i(s_axi_control_bready)
  );
  request_cover i_control_ar (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(s_axi_control_arvalid),
      .ready_i(s_axi_control_arready)
  );
  channel_cover i_control_r (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(s_axi_control_rvalid),
      .ready_i(s_axi_control_rready)
  );
endmodule

bind tcp_validator validator_cover #(
    .DATA_WIDTH(DATA_WIDTH),
    .LANES(LANES)
) i_cover (.*);
