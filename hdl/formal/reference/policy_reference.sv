// What a policy slot reads before anything was written to it, from docs/registers.md alone.
package policy_reference;

  // Word 0 first.
  function automatic logic [31:0] reset_word(input logic [2:0] number);
    case (number)
      3'd0: reset_word = 32'h0000_0390;
      3'd1: reset_word = 32'h0000_F020;
      3'd4, 3'd5: reset_word = 32'hFFFF_FFFF;
      3'd6: reset_word = 32'h1;
      default: reset_word = 32'h0;
    endcase
  endfunction

endpackage
