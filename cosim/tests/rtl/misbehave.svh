// The ways in which the copy kernel can be told to misbehave, included into its body.
// The numbers are those of the tests.
localparam logic [31:0] ArvalidDropped = 1, AraddrChanges = 2, AwvalidDropped = 3, AwaddrChanges = 4,
    WvalidDropped = 5, WdataChanges = 6, SizeTooWide = 7, BurstReserved = 8, WrapLength = 9,
    WrapUnaligned = 10, FixedTooLong = 11, CrossesBoundary = 12, LastEarly = 13, LastMissing = 14,
    StrobeOutside = 15, ReadOutside = 16, WriteOutside = 17, ValidInReset = 18, RvalidUnasked = 19,
    BvalidUnasked = 20, RvalidDropped = 21, RdataChanges = 22, BvalidDropped = 23, BrespExokay = 24,
    Hangs = 25, NeverDone = 26, Fatal = 27, Finish = 28, Stop = 29, Asserts = 30, Prints = 31,
    BrespChanges = 32, RrespExokay = 33,
    // Legal, though unusual: must not be reported.
    Narrow = 100, Wrap = 101, Fixed = 102;

// Replaces the read burst just asked for by a bad, or unusual, one.
task automatic break_read();
  case (misbehave)
    SizeTooWide:     m_axi_gmem0_arsize <= 3'(Size + 1);
    BurstReserved:   m_axi_gmem0_arburst <= 2'b11;
    WrapLength: begin
      m_axi_gmem0_arburst <= 2'b10;
      m_axi_gmem0_arlen   <= 2;
    end
    WrapUnaligned: begin
      m_axi_gmem0_arburst <= 2'b10;
      m_axi_gmem0_arlen   <= 3;
      m_axi_gmem0_araddr  <= read_address + 1;
    end
    FixedTooLong: begin
      m_axi_gmem0_arburst <= 2'b00;
      m_axi_gmem0_arlen   <= 16;
    end
    CrossesBoundary: m_axi_gmem0_araddr <= read_address + 4096 - 64'(Bytes);
    ReadOutside:     m_axi_gmem0_araddr <= 64'hdead_0000_0000;
    Wrap:            m_axi_gmem0_arburst <= 2'b10;
    Fixed:           m_axi_gmem0_arburst <= 2'b00;
    default: ;
  endcase
endtask

// Breaks the handshake of an address that waits.
task automatic break_waiting();
  if (m_axi_gmem0_arvalid && !m_axi_gmem0_arready) begin
    if (misbehave == ArvalidDropped) m_axi_gmem0_arvalid <= 0;
    if (misbehave == AraddrChanges) m_axi_gmem0_araddr <= m_axi_gmem0_araddr ^ 64'd4096;
  end
  if (m_axi_gmem1_awvalid && !m_axi_gmem1_awready) begin
    if (misbehave == AwvalidDropped) m_axi_gmem1_awvalid <= 0;
    if (misbehave == AwaddrChanges) m_axi_gmem1_awaddr <= m_axi_gmem1_awaddr ^ 64'd4096;
  end
endtask

// Ends or comments on the simulation when a run starts.
task automatic stop_if_asked();
  case (misbehave)
    Fatal:   $fatal(1, "the copy kernel gave up");
    Finish:  $finish;
    Stop:    $stop;
    Asserts: assert (beats == 0) else $error("there are %0d beats", beats);
    Prints:  $display("copying %0d beats", beats);
    default: ;
  endcase
endtask
