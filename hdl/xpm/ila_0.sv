// Stands for a logic analyzer (AMD's ILA) under the name that Vivado gives the first: nothing to see in a simulation,
// whose waves show all signals. Widths of probes differ from design to design, and do not matter.
`default_nettype wire
module ila_0 (
    input logic clk,
    input logic [1023:0] probe0, probe1, probe2, probe3, probe4, probe5, probe6, probe7,
    input logic [1023:0] probe8, probe9, probe10, probe11, probe12, probe13, probe14, probe15
);
endmodule
