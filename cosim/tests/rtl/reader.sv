// Shows what it read from files: a memory each by $readmemh, by $readmemb with a name put together, and by $fscanf.
module reader #(
    parameter FILE = "words.mem",
    parameter FOLDER = "somewhere"
) (
    input  logic        ap_clk,
    input  logic [ 1:0] address,
    output logic [31:0] word,
    output logic [31:0] bits,
    output logic [31:0] number
);
  logic [31:0] words[4];
  logic [31:0] patterns[4];
  integer file, count;
  initial begin
    $readmemh(FILE, words);
    $readmemb({FOLDER, "/patterns.mem"}, patterns);
    file = $fopen("number.txt", "r");
    count = $fscanf(file, "%d", number);
    $fclose(file);
  end
  always_ff @(posedge ap_clk) begin
    word <= words[address];
    bits <= patterns[address];
  end
endmodule
