"""The sign-off itself: a step that fails is told, a report that does not fit is seen. Runs no tool."""

import contextlib
import io
import tempfile
import threading
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

import check
import place
import report
import run
import tables
from steps import STEPS, Step

# A step that tells the rows of its arguments, and ends with the status of its last one.
TELLS = """#!/usr/bin/env bash
results=$2
shift 2
echo "said by the step"
while [ $# -gt 1 ]; do echo "$1" >>"$results"; shift; done
exit "$1"
"""
HOLDS, BROKEN = '{"check": "one", "holds": true}', '{"check": "two", "holds": false}'


class WithFolder(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = Path(held.name)
        (self.folder / "waivers.txt").write_text("")
        for name, value in (
            ("RESULTS", self.folder / "results"), ("PAGES", self.folder), ("WAIVERS", self.folder / "waivers.txt")
        ):
            patch = mock.patch.object(report, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def script(self, text, name="step"):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def step(self, *arguments, name="lint"):
        return Step(name, "it holds", (self.script(TELLS), *arguments), (), 1)

    def run_steps(self, *steps, options=()):
        """(names that failed, what was said)."""
        runner = run.Run(run.arguments(options), self.folder / "work")
        runner.results = self.folder / "results"
        with contextlib.redirect_stdout(io.StringIO()) as said:
            failed = runner.all(steps)
        return failed, said.getvalue()

    def result(self, name):
        return report.load(self.folder / "results")[name]


class Running(WithFolder):
    def test_a_step_that_holds_is_stored_with_what_it_told(self):
        failed, _ = self.run_steps(self.step(HOLDS, "0"))
        self.assertEqual(failed, [])
        result = self.result("lint")
        self.assertTrue(result["passed"])
        self.assertEqual(result["rows"], [{"check": "one", "holds": True}])
        self.assertEqual(result["rtl"], place.rtl())

    def test_a_step_that_fails_is_told_with_its_command_and_its_end(self):
        failed, said = self.run_steps(self.step(HOLDS, "3"), self.step(HOLDS, "0", name="tb"))
        self.assertEqual(failed, ["lint"])
        self.assertIn("lint: FAILED, status 3", said)
        self.assertIn(f"{self.folder / 'step'} '{HOLDS}' 3", said)
        self.assertIn("said by the step", said)
        self.assertFalse(self.result("lint")["passed"])
        self.assertFalse(self.result("lint")["sound"], "3 is no missed goal")

    def test_a_row_that_does_not_hold_fails_whatever_the_status(self):
        self.assertEqual(self.run_steps(self.step(HOLDS, BROKEN, "0"))[0], ["lint"])
        self.assertTrue(self.result("lint")["sound"])

    def test_a_step_that_tells_nothing_fails(self):
        self.assertEqual(self.run_steps(self.step("0"))[0], ["lint"])

    def test_files_that_change_under_a_step_fail_it(self):
        with mock.patch.object(place, "inputs", side_effect=["before", "after"]):
            failed, said = self.run_steps(self.step(HOLDS, "0"))
        self.assertEqual(failed, ["lint"])
        self.assertIn("changed while it ran", said)

    def test_a_step_is_started_through_a_command(self):
        through = self.script('#!/usr/bin/env bash\necho "through"\nexec "$@"\n', "through")
        self.assertEqual(self.run_steps(self.step(HOLDS, "0"), options=["--through", through])[0], [])
        self.assertIn("through", (self.folder / "work" / "lint.log").read_text())

    def test_an_interrupt_ends_a_step_with_all_that_it_started(self):
        """It would go on for ever; nothing of it may be left, nor a result stored."""
        endless = self.script('#!/usr/bin/env bash\ntail -f /dev/null &\necho $! >"$2.child"\nwait\n')
        runner = run.Run(run.arguments([]), self.folder / "work")
        runner.results = self.folder / "results"
        step = Step("lint", "it holds", (endless,), (), 1)
        with contextlib.redirect_stdout(io.StringIO()):
            thread = threading.Thread(target=runner.all, args=([step],))
            thread.start()
            child = self.folder / "work" / "lint.jsonl.child"
            while not child.exists() or not child.read_text().strip():
                thread.join(0.01)
                self.assertTrue(thread.is_alive())
            runner.end()
            thread.join(30)
        self.assertFalse(thread.is_alive())
        left = Path(f"/proc/{child.read_text().strip()}/cmdline")
        # Told to end, it may still be on its way; a zombie has no command line.
        for _ in range(1000):
            try:
                if not left.read_text():
                    break
            except (FileNotFoundError, ProcessLookupError):
                break
            threading.Event().wait(0.01)
        else:
            self.fail("what the step started goes on")
        self.assertEqual(report.load(self.folder / "results"), {})

    def test_only_and_skip_choose(self):
        names = lambda *argv: [step.name for step in run.chosen(run.arguments(argv))]
        self.assertEqual(names("--only", "tb,synth"), ["synth", "tb"])
        self.assertNotIn("synth", names("--skip", "synth"))
        with self.assertRaisesRegex(run.Trouble, "there is no step nothing"):
            names("--only", "nothing")

    def test_resume_leaves_out_what_passed_on_these_files(self):
        step = self.step(HOLDS, "0")
        with mock.patch.object(place, "changed", return_value=False):
            self.run_steps(step)
        with mock.patch.object(report, "load", return_value=report.load(self.folder / "results")):
            self.assertTrue(run.passed_before(step))
            self.assertFalse(run.passed_before(replace(step, inputs=("README.md",))), "other files")
            self.assertFalse(run.passed_before(replace(step, command=(*step.command, "more"))), "another command")
        with mock.patch.object(place, "changed", return_value=True):
            self.run_steps(step)
        with mock.patch.object(report, "load", return_value=report.load(self.folder / "results")):
            self.assertFalse(run.passed_before(step), "files of no commit")


class Checking(WithFolder):
    def setUp(self):
        super().setUp()
        listing = self.script("#!/usr/bin/env bash\nprintf '%s\\n' 'one/short (slow)' two\n", "listing")
        self.proofs = Step("proofs", "all is proved", (self.script(TELLS),), (), 1, listing=(listing,))
        self.results = {"proofs": self.made("one/short", "two")}

    def made(self, *jobs, **other):
        rows = [{"job": job, "how": "induction", "status": "PASS", "seconds": 1, "holds": True} for job in jobs]
        return {
            "step": "proofs", "command": "scripts/formal", "commit": "0" * 40, "changed": False, "inputs": place.inputs(self.proofs),
            "rtl": place.rtl(), "sound": True, "passed": True, "seconds": 1, "date": "2026-01-01 00:00", "machine": "one", "tools": {}, "rows": rows,
        } | other

    def check(self):
        report.write(self.results, self.folder)
        return check.check(self.results, [self.proofs], self.folder)

    def test_a_whole_report_is_whole(self):
        self.assertEqual(self.check(), ([], []))

    def test_a_job_that_the_report_does_not_know(self):
        self.results["proofs"] = self.made("two")
        errors, _ = self.check()
        self.assertEqual(errors, ["proofs does not know one/short: run scripts/sign-off --only proofs"])

    def test_a_job_that_is_not_there_any_more(self):
        self.results["proofs"] = self.made("one/short", "two", "three")
        self.assertIn("tells of three", self.check()[0][0])

    def test_a_step_that_is_missing_or_failed_or_of_no_commit(self):
        self.results = {}
        self.assertIn("has no result", self.check()[0][0])
        self.results = {"proofs": self.made("one/short", "two", passed=False)}
        self.assertIn("failed", self.check()[0][0])
        self.results = {"proofs": self.made("one/short", "two", changed=True)}
        self.assertIn("in no commit", self.check()[0][0])

    def test_a_waiver_makes_a_miss_a_warning_and_may_not_be_idle(self):
        failed = self.made("one/short", "two", passed=False)
        failed["rows"][1]["holds"] = False
        self.results = {"proofs": failed}
        self.assertEqual(self.check()[0], ["proofs failed: scripts/formal"])
        (self.folder / "waivers.txt").write_text("# why\n\nproofs: two\n    Known.\n")
        errors, warnings = self.check()
        self.assertEqual(errors, [])
        self.assertEqual(warnings, ["proofs: two is missed, waived by hdl/sign-off/waivers.txt"])
        self.assertIn("`proofs`, two: Known.", (self.folder / "hardware-report.md").read_text())
        failed["sound"] = False
        self.assertEqual(self.check()[0], ["proofs failed: scripts/formal"], "it also ended badly")
        failed["sound"] = True
        failed["rows"][0]["holds"] = False
        self.assertEqual(self.check()[0], ["proofs failed: scripts/formal"], "another miss beside it")
        self.results = {"proofs": self.made("one/short", "two")}
        self.assertEqual(self.check()[0], ["waivers.txt lists two of proofs, which is reached"])

    def test_other_rtl_is_a_warning(self):
        self.results = {"proofs": self.made("one/short", "two", rtl="of another commit")}
        errors, warnings = self.check()
        self.assertEqual(errors, [])
        self.assertIn("proofs is of other RTL", warnings[0])
        self.results = {"proofs": self.made("one/short", "two", inputs="other")}
        self.assertIn("before its checks were changed", self.check()[1][0])

    def test_a_page_that_was_edited(self):
        report.write(self.results, self.folder)
        page = self.folder / "hardware-report.md"
        page.write_text(page.read_text().replace("pass", "PASS"))
        errors, _ = check.check(self.results, [self.proofs], self.folder)
        self.assertEqual(errors, ["hardware-report.md is not what the results say: run scripts/sign-off --render"])

    def test_a_listing_that_fails_is_told(self):
        broken = replace(self.proofs, listing=("false",))
        report.write(self.results, self.folder)
        self.assertIn("cannot be compared", check.check(self.results, [broken], self.folder)[0][0])


class Pages(unittest.TestCase):
    def test_what_was_missed_is_marked(self):
        row = {"kernel": "k", "bits": 128, "what": "rate", "reached": "90 %", "asked": "99 %", "holds": False}
        self.assertIn("90 % **missed**", tables.figures([row]))
        fate = {"file": "a.sv", "line": 1, "operator": "o", "before": "x", "after": "y", "how": "", "seconds": 1, "fate": "survived"}
        self.assertIn("1 **missed**", tables.mutants([fate]))
        self.assertIn("**survived**", report.mutants_page.page([fate], "command"))

    def test_a_cell_holds_any_code(self):
        self.assertEqual(tables.code("a || b"), r"`a \|\| b`")

    def test_each_step_has_a_title_and_a_table(self):
        for step in STEPS:
            self.assertIn(step.name, report.TITLES)
            self.assertIn(step.name, report.TABLES)


if __name__ == "__main__":
    unittest.main()
