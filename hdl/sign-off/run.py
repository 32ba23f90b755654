"""Runs the steps of a sign-off and writes its report: what scripts/sign-off starts (docs/sign-off.md)."""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import check
import place
import report
import tables
from steps import STEPS

WORK = place.ROOT / "target" / "sign-off"


class Trouble(Exception):
    """What its user can mend; told without a traceback."""


def arguments(argv=None):
    names = ", ".join(step.name for step in STEPS)
    parser = argparse.ArgumentParser(
        prog="scripts/sign-off",
        description="Checks the hardware with all that there is, and writes docs/hardware-report.md. About an hour on two processors.",
        epilog=f"A step is one of: {names}. What a step says is in target/sign-off/STEP.log. Exit 0 if all that was run holds.",
    )
    parser.add_argument("--only", metavar="STEP,...", help="these steps; the report takes the others' last results")
    parser.add_argument("--skip", metavar="STEP,...", help="all but these")
    parser.add_argument("--resume", action="store_true", help="not those that passed on these very files")
    parser.add_argument("--quick", action="store_true", help="a part of each, to try it: minutes; its report is target/sign-off/quick")
    parser.add_argument("--at-once", type=int, default=min(2, len(os.sched_getaffinity(0))), help="steps at a time (2)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processors for all of them")
    parser.add_argument("--through", metavar="COMMAND", default="", help="start each step by this, say `nice` or that of a queue")
    parser.add_argument("--list", action="store_true", help="list the steps, with the command of each")
    parser.add_argument("--check", action="store_true", help="run nothing: is the committed report whole, and of this RTL?")
    parser.add_argument("--render", action="store_true", help="run nothing: make the pages from the results again")
    options = parser.parse_args(argv)
    if options.at_once < 1 or options.jobs < 1:
        parser.error("--at-once and --jobs want a number from 1 on")
    return options


def say(text):
    print(f"sign-off: {text}", flush=True)


def named(text):
    """The steps of a list of names."""
    known = {step.name: step for step in STEPS}
    for name in text.split(","):
        if name not in known:
            raise Trouble(f"there is no step {name}: say some of {', '.join(known)}")
    return [known[name] for name in text.split(",")]


def chosen(options):
    steps = named(options.only) if options.only else list(STEPS)
    if options.skip:
        left_out = named(options.skip)
        steps = [step for step in steps if step not in left_out]
    if not steps:
        raise Trouble("nothing is left to run")
    return [step for step in STEPS if step in steps]


class Run:
    """A run of some steps: processes that an interrupt ends, and results that are stored as soon as they are there."""

    def __init__(self, options, work=WORK):
        self.options, self.work = options, work
        self.results = work / "quick" if options.quick else report.RESULTS
        self.processes, self.ended = set(), threading.Event()
        self.share = max(1, options.jobs // options.at_once)

    def command(self, step):
        """As somebody runs it by hand."""
        return (self.options.quick and step.quick) or step.command

    def started(self, step, rows):
        """As it is run here."""
        script, *rest = self.command(step)
        given = ["--results", rows] if step.results else []
        jobs = [step.jobs, self.share] if step.jobs else []
        return [str(part) for part in (*shlex.split(self.options.through), script, *given, *jobs, *rest)]

    def step(self, step):
        """Runs a step and stores its result; whether it passed."""
        if self.ended.is_set():
            return False
        log, rows = self.work / f"{step.name}.log", self.work / f"{step.name}.jsonl"
        rows.unlink(missing_ok=True)
        command = shlex.join(self.command(step))
        say(f"{step.name}: {command}")
        result = {
            "step": step.name,
            "command": command,
            "commit": place.commit(),
            "changed": place.changed(),
            "inputs": place.inputs(step),
            "rtl": place.rtl(),
        }
        start = time.monotonic()
        status = self.process(self.started(step, rows), log, 60 * step.minutes)
        seconds = round(time.monotonic() - start)
        if self.ended.is_set():
            return False
        found = tables.read(rows) if rows.exists() else []
        if not step.results:
            found = [{"check": command, "holds": status == 0}]
        # Tools end with 1 for a goal that is missed; any other end says nothing of the goals.
        sound = status in (0, 1) and bool(found)
        if place.inputs(step) != result["inputs"]:
            sound = False
            say(f"{step.name}: its files were changed while it ran")
        passed = sound and status == 0 and all(row.get("holds", True) for row in found)
        result |= {
            "sound": sound,
            "passed": passed,
            "seconds": seconds,
            "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M"),
            "machine": place.machine(),
            "tools": place.versions(step),
            "rows": found,
        }
        report.store(result, self.results)
        if passed:
            say(f"{step.name}: ok, {seconds} s")
        else:
            say(f"{step.name}: FAILED, status {status} after {seconds} s: {command}")
            say(f"  all that it said is in {log.relative_to(place.ROOT) if log.is_relative_to(place.ROOT) else log}; its end:")
            for line in log.read_text(errors="replace").splitlines()[-8:]:
                say(f"  | {line}")
        return passed

    def process(self, command, log, seconds):
        """Exit status; 124 if it took too long."""
        with open(log, "w") as output:
            process = subprocess.Popen(
                command, cwd=place.ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
            self.processes.add(process)
            try:
                return process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                return 124
            finally:
                self.kill(process)
                self.processes.discard(process)

    def kill(self, process):
        """Its whole group: a step may leave some behind."""
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=10)
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass

    def end(self, *_):
        """What an interrupt does: no step starts any more, and those that run are ended."""
        self.ended.set()
        for process in list(self.processes):
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass

    def all(self, steps):
        """Runs steps, some at a time; the names of those that failed."""
        self.work.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(self.options.at_once) as pool:
            passed = list(pool.map(self.step, steps))
        return [step.name for step, good in zip(steps, passed) if not good]


def passed_before(step):
    """Whether the stored result is a success on the files that are here."""
    result = report.load().get(step.name)
    return (
        result is not None
        and result["passed"]
        and not result["changed"]
        and result["inputs"] == place.inputs(step)
        and result["command"] == shlex.join(step.command)
    )


def tell(errors, warnings):
    for warning in warnings:
        say(f"warning: {warning}")
    for error in errors:
        say(f"error: {error}")
    if not errors:
        say("the report is whole" + (", but for the warnings above" if warnings else ", and of these files"))
    return int(bool(errors))


def main(argv=None):
    options = arguments(argv)
    if options.check:
        return tell(*check.check())
    if options.render:
        report.write(report.load())
        return 0
    steps = chosen(options)
    if options.list:
        for step in steps:
            print(f"{step.name}: {shlex.join(step.quick if options.quick and step.quick else step.command)}")
        return 0
    if options.resume and not options.quick:
        for step in [step for step in steps if passed_before(step)]:
            say(f"{step.name}: passed before, on these files")
            steps.remove(step)
    run = Run(options)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, run.end)
    if options.quick:
        shutil.rmtree(run.results, ignore_errors=True)
    failed = run.all(steps)
    pages = run.results if options.quick else report.PAGES
    results = report.load(run.results)
    report.write(results, pages)
    say(f"the report is {(pages / 'hardware-report.md').relative_to(place.ROOT)}")
    if run.ended.is_set():
        say("interrupted; --resume goes on")
        return 130
    if failed:
        say(f"FAILED: {', '.join(failed)}")
        return 1
    say(f"{len(steps)} steps passed")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        say(trouble)
        sys.exit(2)
