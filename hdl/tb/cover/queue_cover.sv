// Cover points of tcp_queue: pushes in each form, completions of each number, errors, stalls; bound to its top.
module queue_cover
  import tcp_pkg::*;
  import queue_pkg::*;
(
    input logic             ap_clk,
    input logic             ap_rst_n,
    input logic             interrupt,
    // Submissions.
    input logic             fetch_asks,
    input logic             fetch_turn,
    input logic             fetch_disturbed,
    input logic             fetch_claim,
    input logic [      5:0] fetch_count,
    input logic             ring_valid,
    input logic             ring_ready,
    input logic             ring_void,
    input logic [LANES-1:0] ring_mask,
    input logic             push_waits,
    input logic             push_turn,
    input logic             push,
    input logic             push_torn,
    input logic             push_taken,
    input logic             push_ready,
    input logic [LANES-1:0] push_mask,
    input logic             policy_swap,
    input logic             pending_rose,
    // Answers and completions.
    input logic             room,
    input logic             checked_valid,
    input logic [LANES-1:0] refused,
    input logic             done,
    input logic             done_void,
    input logic             done_error,
    input logic [      3:0] done_count,
    // The buses.
    input logic             m_axi_gmem0_arvalid,
    input logic             m_axi_gmem0_arready,
    input logic [      7:0] m_axi_gmem0_arlen,
    input logic             m_axi_gmem0_rvalid,
    input logic             m_axi_gmem0_rready,
    input logic             m_axi_gmem0_rlast,
    input logic [      1:0] m_axi_gmem0_rresp,
    input logic             m_axi_gmem1_awvalid,
    input logic             m_axi_gmem1_awready,
    input logic             m_axi_gmem1_wvalid,
    input logic             m_axi_gmem1_wready,
    input logic             m_axi_gmem1_bvalid,
    input logic             m_axi_gmem1_bready,
    input logic [      1:0] m_axi_gmem1_bresp,
    input logic             s_axi_push_awvalid,
    input logic             s_axi_push_awready,
    input logic             s_axi_push_wvalid,
    input logic             s_axi_push_wready,
    input logic             s_axi_push_wlast,
    input logic             s_axi_push_bvalid,
    input logic             s_axi_push_bready,
    input logic [      1:0] s_axi_push_bresp,
    input logic             s_axi_control_bvalid,
    input logic             s_axi_control_bready,
    input logic [      1:0] s_axi_control_bresp,
    input logic             s_axi_control_rvalid,
    input logic             s_axi_control_rready
);
  // Beats of the ring: with one half, the other, both; void after a failed read.
  for (genvar m = 1; m < 4; m++) begin : g_halves
    by_ring :
    cover property (@(posedge ap_clk) ap_rst_n && ring_valid && ring_mask == 2'(m));
    by_push :
    cover property (@(posedge ap_clk) ap_rst_n && push && push_taken && push_mask == 2'(m));
    refused_options :
    cover property (@(posedge ap_clk) ap_rst_n && refused == 2'(m));
  end
  void_beat :
  cover property (@(posedge ap_clk) ap_rst_n && ring_valid && ring_void);
  empty_push :
  cover property (@(posedge ap_clk) ap_rst_n && push && push_taken && push_mask == 2'b00);
  torn_push :
  cover property (@(posedge ap_clk) ap_rst_n && push && push_torn);
  push_not_taken :
  cover property (@(posedge ap_clk) ap_rst_n && push && !push_torn && !push_taken);
  push_in_a_burst :
  cover property (@(posedge ap_clk) ap_rst_n && push && !s_axi_push_wlast);
  push_is_judged :
  cover property (@(posedge ap_clk) ap_rst_n && push_waits && push_ready && !push_turn);
  fetch_waits_for_a_push_to_be_judged :
  cover property (@(posedge ap_clk) ap_rst_n && fetch_asks && !fetch_turn);
  plan_made_untrue_by_a_push :
  cover property (@(posedge ap_clk) ap_rst_n && fetch_asks && fetch_disturbed);
  whole_block_claimed :
  cover property (@(posedge ap_clk) ap_rst_n && fetch_claim && fetch_count == 6'd32);
  one_claimed :
  cover property (@(posedge ap_clk) ap_rst_n && fetch_claim && fetch_count == 6'd1);
  swap_while_checking :
  cover property (@(posedge ap_clk) ap_rst_n && policy_swap && checked_valid);
  no_room_for_answers :
  cover property (@(posedge ap_clk) ap_rst_n && !room);
  push_waits_for_the_pipeline :
  cover property (@(posedge ap_clk) ap_rst_n && s_axi_push_wvalid && !push_ready);
  ring_waits_for_the_pipeline :
  cover property (@(posedge ap_clk) ap_rst_n && m_axi_gmem0_rvalid && !ring_ready);
  both_wait :
  cover property (@(posedge ap_clk) ap_rst_n && m_axi_gmem0_rvalid && s_axi_push_wvalid);

  // Lines of completions: each number of them, and those that are dropped.
  for (genvar n = 1; n <= 8; n++) begin : g_line
    answered :
    cover property (@(posedge ap_clk) ap_rst_n && done && !done_void && done_count == 4'(n));
  end
  dropped :
  cover property (@(posedge ap_clk) ap_rst_n && done && done_void);
  pending :
  cover property (@(posedge ap_clk) ap_rst_n && pending_rose);
  interrupted :
  cover property (@(posedge ap_clk) ap_rst_n && interrupt);

  // Errors.
  wire read_beat = m_axi_gmem0_rvalid && m_axi_gmem0_rready;
  for (genvar e = 2; e < 4; e++) begin : g_error
    read_failed :
    cover property (@(posedge ap_clk) ap_rst_n && read_beat && m_axi_gmem0_rresp == 2'(e));
    write_failed :
    cover property (@(posedge ap_clk) ap_rst_n && done && done_error && m_axi_gmem1_bresp == 2'(e));
  end
  read_failed_within_a_burst :
  cover property (@(posedge ap_clk) ap_rst_n && read_beat && m_axi_gmem0_rresp[1] && !m_axi_gmem0_rlast);
  push_answered_by_an_error :
  cover property (@(posedge ap_clk) ap_rst_n && s_axi_push_bvalid && s_axi_push_bready && s_axi_push_bresp[1]);
  register_answered_by_an_error :
  cover property (@(posedge ap_clk) ap_rst_n && s_axi_control_bvalid && s_axi_control_bready && s_axi_control_bresp[1]);
  read_of_a_beat :
  cover property (@(posedge ap_clk) ap_rst_n && m_axi_gmem0_arvalid && m_axi_gmem0_arready && m_axi_gmem0_arlen == 8'd0);
  read_of_a_block :
  cover property (@(posedge ap_clk) ap_rst_n && m_axi_gmem0_arvalid && m_axi_gmem0_arready && m_axi_gmem0_arlen == 8'd15);

  // Stalls of each channel.
  masters_cover i_masters (.*);
  channel_cover i_push_aw (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(s_axi_push_awvalid),
      .ready_i(s_axi_push_awready)
  );
  channel_cover i_push_w (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(s_axi_push_wvalid),
      .ready_i(s_axi_push_wready)
  );
  channel_cover i_push_b (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(s_axi_push_bvalid),
      .ready_i(s_axi_push_bready)
  );
  channel_cover i_control_b (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(s_axi_control_bvalid),
      .ready_i(s_axi_control_bready)
  );
  channel_cover i_control_r (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(s_axi_control_rvalid),
      .ready_i(s_axi_control_rready)
  );
endmodule

bind tcp_queue queue_cover i_cover (.*);
