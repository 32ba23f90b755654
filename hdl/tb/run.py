"""Runs the independent bench: what scripts/tb starts once its tools are there."""

import argparse
import ast
import json
import os
import random
import re
import shlex
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from simulator import HERE, Build, Trouble, run

ROOT = HERE.parent.parent
WORK = ROOT / "target" / "tb"
# By the kernel's short name: its module, those of the tests, and its widths.
MODULES = {
    "validator": ("tcp_validator", ("test_validator", "test_validator_control"), (128, 256, 512)),
    "queue": ("tcp_queue", ("test_queue", "test_queue_errors", "test_queue_control", "test_queue_clocks"), (512,)),
}
QUICK_SECONDS, LONG_SECONDS = 300, 3600


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/tb",
        description="Drives the kernels by cocotb and cocotbext-axi, against a model written from the specification alone.",
        epilog="A test is KERNEL or KERNEL/NAME, say validator/random_runs; all without one.",
    )
    parser.add_argument("tests", nargs="*", metavar="TEST", help="validator, queue, or one test of them, KERNEL/NAME")
    parser.add_argument("--width", type=int, action="append", choices=(128, 256, 512), help="data width; all widths without")
    parser.add_argument("--seed", action="append", help="of random tests: a number, or `random`; several, one after the other (default: 1)")
    parser.add_argument("--long", action="store_true", help="many more rounds of the random tests")
    parser.add_argument("--waves", action="store_true", help="record waves; their place is told")
    parser.add_argument("--coverage", metavar="FOLDER", type=Path, help="count coverage, with a file for each run in FOLDER")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="put logs and waves there")
    parser.add_argument("--results", metavar="FILE", type=Path, help="tell what became of each test, a JSON object a line")
    parser.add_argument("--list", action="store_true", help="list the tests")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="simulations at a time")
    parser.add_argument("--hdl", type=Path, default=ROOT / "hdl", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, default=WORK, help=argparse.SUPPRESS)
    return parser.parse_args()


def tests_of(modules):
    """Names of the modules' cocotb tests, in their order, read without running them."""
    return [
        item.name
        for module in modules
        for item in ast.parse((HERE / f"{module}.py").read_text()).body
        if isinstance(item, ast.AsyncFunctionDef)
        and any("cocotb.test" in ast.unparse(decorator) for decorator in item.decorator_list)
    ]


def chosen(wanted, widths):
    """(module, width, names of tests) to run."""
    groups = []
    for name, (_, modules, all_widths) in MODULES.items():
        known = tests_of(modules)
        tests = [test for test in known if not wanted or name in wanted or f"{name}/{test}" in wanted]
        groups += [(name, width, tests) for width in all_widths if tests and (not widths or width in widths)]
        for one in wanted:
            if one.startswith(f"{name}/") and one.split("/", 1)[1] not in known:
                raise Trouble(f"there is no test {one}: scripts/tb --list lists them")
    for one in wanted:
        if one.split("/", 1)[0] not in MODULES:
            raise Trouble(f"there is no kernel {one.split('/', 1)[0]}: say one of {', '.join(MODULES)}")
    if not groups:
        raise Trouble("nothing to run at this width: tcp_queue has 512 bits only")
    return groups


def say(text):
    print(f"tb: {text}", flush=True)


def replay(name, width, test, seed, long, extra=()):
    return shlex.join(
        ["scripts/tb", "--width", str(width), "--seed", str(seed), *(["--long"] if long else []), *extra, f"{name}/{test}"]
    )


class Bench:
    """Runs groups of tests by the same options; `rows` is what became of each test."""

    def __init__(self, options):
        self.options, self.rows = options, []
        self.variant = "waves" if options.waves else "coverage" if options.coverage else ""

    def group(self, group):
        """Builds a kernel and runs its tests by a seed; how many failed."""
        name, width, tests, seed = group
        kernel, modules, _ = MODULES[name]
        variant = f"-{self.variant}" if self.variant else ""
        build = Build(kernel, width, self.options.hdl, self.options.work / "build" / f"{kernel}-{width}{variant}", self.variant)
        start = time.monotonic()
        build.make()
        built = time.monotonic() - start
        if built > 1:
            say(f"built {kernel}, {width} bits, in {built:.0f} s")
        where = (self.options.keep or self.options.work / "runs").absolute() / f"{name}-{width}{variant}-{seed}-{os.getpid()}"
        seconds = LONG_SECONDS if self.options.long else QUICK_SECONDS
        failed = 0
        for result in run(build, modules, tests, seed, self.options.long, where, seconds):
            what = f"{name}/{result.test}, {width} bits, seed {seed}"
            self.rows.append({
                "test": f"{name}/{result.test}",
                "bits": width,
                "seed": seed,
                "holds": result.trouble is None,
                "seconds": round(result.seconds, 1),
            })
            if result.trouble is None:
                say(f"ok: {what}, {result.seconds:.1f} s")
                continue
            failed += 1
            say(f"FAILED: {what}: {result.trouble}")
            say(f"  again: {replay(name, width, result.test, seed, self.options.long)}")
            if not self.options.waves:
                say(f"  waves: {replay(name, width, result.test, seed, self.options.long, ['--waves'])}")
        if failed:
            say(f"  all that it said: {shown(where / 'log')}")
        if self.options.waves:
            say(f"waves: {shown(where / 'waves.vcd')}")
        if self.options.coverage:
            self.options.coverage.mkdir(parents=True, exist_ok=True)
            shutil.move(where / "coverage.dat", self.options.coverage / f"{where.name}.dat")
        if not failed and not self.options.waves:
            shutil.rmtree(where)
        return failed


def shown(path):
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def main():
    options = arguments()
    groups = chosen(options.tests, options.width)
    if options.list:
        for name, test in dict.fromkeys((name, test) for name, _, tests in groups for test in tests):
            print(f"{name}/{test}")
        return 0
    seeds = [str(random.SystemRandom().getrandbits(32)) if seed == "random" else seed for seed in options.seed or ["1"]]
    for seed in seeds:
        if not re.fullmatch(r"\d+", seed):
            raise Trouble(f"--seed {seed}: say a number, or random")
    bench = Bench(options)
    work = [(*group, int(seed)) for seed in dict.fromkeys(seeds) for group in groups]
    with ThreadPoolExecutor(max(options.jobs, 1)) as pool:
        failed = sum(pool.map(bench.group, work))
    if options.results:
        options.results.write_text("".join(json.dumps(row) + "\n" for row in sorted(bench.rows, key=lambda row: (row["seed"], row["bits"]))))
    told = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}"
    if failed:
        say(f"{failed} of {len(bench.rows)} tests failed, {told}")
        return 1
    say(f"{len(bench.rows)} tests passed, {told}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        say(trouble)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
