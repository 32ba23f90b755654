"""Breaks the RTL line by line and demands that the independent bench sees it: what scripts/mutate-hdl starts."""

import argparse
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mutations import sample
from run import MODULES, ROOT, Trouble, tests_of
from simulator import HERE, Build, run

WORK = ROOT / "target" / "mutate"
ARGUED = HERE / "survivors.txt"
# A broken kernel that hangs should not take long to be told so; none of the quick tests waits as long.
PATIENCE, RUN_SECONDS = 30_000, 120
# What a mutant goes through until something fails: the quickest to build first.
STAGES = [("validator", 128), ("queue", 512), ("validator", 512), ("validator", 256)]


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/mutate-hdl",
        description="Breaks copies of the RTL, one line each, and demands that a test of scripts/tb fails.",
        epilog="Exit 0 if every mutant is killed, or argued in hdl/tb/survivors.txt.",
    )
    parser.add_argument("--count", type=int, default=80, help="about how many mutants, over all files (default: 80)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutants that are drawn (default: 1)")
    parser.add_argument("--only", metavar="FILE", action="append", help="mutants of this file of hdl/rtl only")
    parser.add_argument("--list", action="store_true", help="list the mutants")
    parser.add_argument("--table", metavar="FILE", type=Path, help="write what became of each as a Markdown page")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="mutants at a time")
    return parser.parse_args()


@dataclass(frozen=True)
class Fate:
    mutant: object
    kind: str
    """killed, argued, survived, or invalid: no RTL any more."""
    how: str


def stages_of(file):
    """The stages of the kernels that a file is part of."""
    for name, width in STAGES:
        if f"rtl/{file}" in (ROOT / "hdl" / f"{MODULES[name][0]}.f").read_text().split():
            yield name, width


def judge(hdl, work, file, seed):
    """The first thing that fails on an HDL folder: None if nothing does. Raises Trouble if it cannot be built."""
    for name, width in stages_of(file):
        kernel, modules, _ = MODULES[name]
        build = Build(kernel, width, hdl, work / "build" / f"{kernel}-{width}")
        build.make()
        results = run(build, modules, tests_of(modules), seed, False, work / "run", RUN_SECONDS)
        failed = [one for one in results if one.trouble is not None]
        # One that failed for itself says more than those that did not come to run any more.
        failed.sort(key=lambda one: one.seconds == 0)
        if failed:
            return f"{name}/{failed[0].test}, {width} bits"
    return None


def argued():
    """Reasons by mutant's name: each a line with the name, then its reason indented."""
    reasons, name = {}, None
    for line in ARGUED.read_text().splitlines():
        if line.startswith("    ") and name:
            reasons[name] = f"{reasons[name]} {line.strip()}".strip()
        elif line.strip() and not line.startswith("#"):
            name = line.strip()
            reasons[name] = ""
    empty = [name for name, reason in reasons.items() if not reason]
    if empty:
        raise Trouble(f"{ARGUED.relative_to(ROOT)} gives no reason for: {empty[0]}")
    return reasons


def attempt(number, mutant, reasons):
    work = WORK / str(number)
    shutil.rmtree(work, ignore_errors=True)
    hdl = work / "hdl"
    hdl.mkdir(parents=True)
    shutil.copytree(ROOT / "hdl" / "rtl", hdl / "rtl")
    for listing in (ROOT / "hdl").glob("*.f"):
        shutil.copy(listing, hdl)
    broken = hdl / "rtl" / mutant.file
    lines = broken.read_text().splitlines()
    lines[mutant.line - 1] = mutant.after
    broken.write_text("\n".join(lines) + "\n")
    try:
        how = judge(hdl, work, mutant.file, 1)
    except Trouble:
        fate = Fate(mutant, "invalid", "no valid RTL")
    else:
        if how:
            fate = Fate(mutant, "killed", how)
        elif mutant.name in reasons:
            fate = Fate(mutant, "argued", reasons[mutant.name])
        else:
            fate = Fate(mutant, "survived", "")
    shutil.rmtree(work)
    how = f" ({fate.how})" if fate.how else ""
    print(f"mutate-hdl: {fate.kind}: {mutant.file}:{mutant.line}: {mutant.operator}: {mutant.after.strip()}{how}", flush=True)
    return fate


def table(fates, options):
    escaped = lambda text: text.strip().replace("|", "\\|")
    counts = {kind: sum(fate.kind == kind for fate in fates) for kind in ("killed", "argued", "survived")}
    rows = [
        f"| `{fate.mutant.file}` | {fate.mutant.operator} | `{escaped(fate.mutant.before)}` | `{escaped(fate.mutant.after)}` | "
        f"{fate.how if fate.kind == 'killed' else f'{fate.kind}: {fate.how}'} |"
        for fate in fates
    ]
    return (
        f"# Mutants of the RTL\n\nMade by `scripts/mutate-hdl --count {options.count} --seed {options.seed} --table FILE`: "
        f"{len(rows)} mutants, {counts['killed']} killed, {counts['argued']} survived and argued in "
        f"`hdl/tb/survivors.txt`, {counts['survived']} survived without a reason.\n\n"
        "| file | what | before | after | killed by |\n|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def main():
    options = arguments()
    os.environ["TB_PATIENCE"] = str(PATIENCE)
    os.environ["COCOTB_MAX_FAILURES"] = "1"
    files = {path.name: path.read_text() for path in sorted((ROOT / "hdl" / "rtl").glob("*.sv"))}
    if options.only:
        for name in options.only:
            if name not in files:
                raise Trouble(f"there is no file hdl/rtl/{name}")
        files = {name: files[name] for name in options.only}
    mutants = sample(files, options.count, options.seed)
    if options.list:
        for mutant in mutants:
            print(f"{mutant.file}:{mutant.line}: {mutant.operator}: {mutant.before.strip()} => {mutant.after.strip()}")
        return 0
    reasons = argued()
    start = time.monotonic()
    for file in ("tcp_validator.sv", "tcp_queue.sv"):
        wrong = judge(ROOT / "hdl", WORK / "unbroken", file, 1)
        if wrong:
            raise Trouble(f"the RTL fails before it is broken: {wrong}; see scripts/tb")
    with ThreadPoolExecutor(max(options.jobs, 1)) as pool:
        fates = list(pool.map(lambda one: attempt(*one, reasons), enumerate(mutants)))
    fates = [fate for fate in fates if fate.kind != "invalid"]
    survived = [fate for fate in fates if fate.kind == "survived"]
    if options.table:
        options.table.write_text(table(fates, options))
    killed = sum(fate.kind == "killed" for fate in fates)
    print(
        f"mutate-hdl: {len(fates)} mutants, {killed} killed, {len(fates) - killed - len(survived)} argued, "
        f"{len(survived)} survived, in {time.monotonic() - start:.0f} s"
    )
    for fate in survived:
        print(f"mutate-hdl: survived: {fate.mutant.name}")
    return 1 if survived else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        print(f"mutate-hdl: {trouble}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
