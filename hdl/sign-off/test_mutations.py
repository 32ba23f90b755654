"""The mutants of scripts/mutate-hdl: which lines are broken, and that a draw stays as it is. Runs no simulator."""

import sys
import unittest

from place import ROOT

sys.path.append(str(ROOT / "hdl" / "tb"))

from mutations import OPERATORS, draws, mutants_of  # noqa: E402

MODULE = """module one (
    input logic a = 1'b1
);
  // if (a) b <= c;
  wire d = a && !b;
  always_ff @(posedge clk_i) begin
    if (d == 2'd1) e <= f + 1'b1;
    if (!rst_ni) e <= '0;
  end
  assign g = h ? i : j;
  other i_other (
      .a(a && b)
  );
endmodule
"""


class Mutations(unittest.TestCase):
    def test_lines_without_behaviour_are_left_alone(self):
        self.assertEqual({mutant.line for mutant in mutants_of("one.sv", MODULE)}, {5, 7, 8, 10})

    def test_every_operator_finds_something_in_the_rtl(self):
        found = {mutant.operator for path in (ROOT / "hdl/rtl").glob("*.sv") for mutant in mutants_of(path.name, path.read_text())}
        self.assertEqual(found, set(OPERATORS))

    def test_a_mutant_is_one_change_of_its_line(self):
        for mutant in mutants_of("one.sv", MODULE):
            self.assertEqual(mutant.before, MODULE.splitlines()[mutant.line - 1])
            self.assertNotEqual(mutant.before, mutant.after)

    def test_the_mutants_of_a_file_stay_when_others_change(self):
        alone = draws({"one.sv": MODULE}, 10, 1)["one.sv"][0]
        beside = draws({"one.sv": MODULE, "two.sv": MODULE.replace("a &&", "a ||")}, 10, 1)["one.sv"][0]
        self.assertEqual(alone, beside)
        self.assertNotEqual(alone, draws({"one.sv": MODULE}, 10, 2)["one.sv"][0])

    def test_a_name_tells_mutants_of_lines_that_read_alike_apart(self):
        names = [mutant.name for mutant in mutants_of("one.sv", MODULE.replace("  assign g", "  wire d = a && !b;\n  assign g"))]
        self.assertEqual(len(names), len(set(names)))
        self.assertIn("one.sv, 2: wire d = a && !b; => wire d = a || !b;", names)

    def test_every_file_has_two_mutants_at_least(self):
        files = {path.name: path.read_text() for path in (ROOT / "hdl/rtl").glob("*.sv")}
        drawn = draws(files, 80, 1)
        self.assertEqual(set(drawn), set(files) - {name for name in files if not mutants_of(name, files[name])})
        self.assertTrue(all(take >= 2 for _, take in drawn.values()))
        self.assertGreaterEqual(sum(take for _, take in drawn.values()), 80)


if __name__ == "__main__":
    unittest.main()
