"""Breaks the RTL line by line and demands that the independent bench sees it: what scripts/mutate-hdl starts."""

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mutants_page
from mutations import draws, mutants_of
from run import MODULES, ROOT, Trouble, tests_of
from simulator import HERE, Build, run

WORK = ROOT / "target" / "mutate"
# Fates of mutants by all that they depend on, so that a run that was ended goes on where it was.
KNOWN = WORK / "known"
# Of this folder, what the tests of a kernel stand on; beside what both have.
OWN = {"validator": "validator.py", "queue": "queue_host.py"}
SHARED = ("rig.py", "memory.py", "traffic.py", "descriptor.py", "simulator.py", "public.vlt", "requirements.txt")
ARGUED = HERE / "survivors.txt"
# A broken kernel that hangs should not take long to be told so; none of the quick tests waits as long.
PATIENCE, RUN_SECONDS = 30_000, 120
# Of the random tests.
TEST_SEED = 1
# What a mutant goes through until something fails: the quickest to build first.
STAGES = [("validator", 128), ("queue", 512), ("validator", 512), ("validator", 256)]


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/mutate-hdl",
        description="Breaks copies of the RTL, one line each, and demands that a test of scripts/tb fails.",
        epilog="Exit 0 if every mutant is killed, or argued in hdl/tb/survivors.txt.",
    )
    parser.add_argument("--count", type=int, default=60, help="about how many mutants, over all files (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutants that are drawn (default: 1)")
    parser.add_argument("--only", metavar="FILE", action="append", help="of them, those of this file of hdl/rtl only")
    parser.add_argument("--mutant", metavar="NAME", action="append", help="this one, drawn or not: `FILE: BEFORE => AFTER`")
    parser.add_argument("--fresh", action="store_true", help="also those that were tried on the same RTL by the same tests")
    parser.add_argument("--list", action="store_true", help="list the mutants")
    parser.add_argument("--table", metavar="FILE", type=Path, help="write what became of each as a Markdown page")
    parser.add_argument("--results", metavar="FILE", type=Path, help="the same for programs: a JSON object a line")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="mutants at a time")
    return parser.parse_args()


@dataclass(frozen=True)
class Fate:
    mutant: object
    kind: str
    """killed, argued, survived, or invalid: no RTL any more."""
    how: str
    """The test that killed it, or the reason."""
    seconds: float

    def told(self):
        one = self.mutant
        return {
            "file": one.file,
            "line": one.line,
            "operator": one.operator,
            "before": one.before.strip(),
            "after": one.after.strip(),
            "fate": self.kind,
            "how": self.how,
            "seconds": round(self.seconds, 1),
        }


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
            endless = ", no end" if "did not end" in failed[0].trouble else ""
            return f"{name}/{failed[0].test}, {width} bits{endless}"
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


def canonical(path):
    """A source without its comments and layout, which mean nothing; anything else as it is."""
    text = path.read_text()
    if path.suffix == ".sv":
        # Verilator's pragmas stay: they are comments that mean something.
        text = re.sub(r"//.*|/\*(?!\s*verilator).*?\*/", " ", text)
        text = " ".join(text.split())
    return text


def course(hdl, file):
    """What a file's mutants go through, a module of tests after the other: (kernel, module, digest).

    A digest changes with anything that is built and run up to there. So one that was killed stays killed when tests are
    added behind those that killed it.
    """
    whole = hashlib.sha256(repr([TEST_SEED, PATIENCE, RUN_SECONDS, [(HERE / name).read_text() for name in SHARED]]).encode())
    for name, width in stages_of(file):
        kernel, modules, _ = MODULES[name]
        listing = hdl / f"{kernel}.f"
        sources = [listing, *(hdl / line for line in listing.read_text().split())]
        whole.update(repr([name, width, [(path.name, canonical(path)) for path in sources], (HERE / OWN[name]).read_text()]).encode())
        for module in modules:
            whole.update((HERE / f"{module}.py").read_bytes())
            yield name, module, whole.hexdigest()


def remembered(passed):
    """What became of a mutant with this course before: (kind, how, seconds), or None."""
    for _, _, digest in passed:
        entry = KNOWN / digest
        if entry.exists():
            found = json.loads(entry.read_text())
            if found[0] != "survived" or digest == passed[-1][2]:
                return found
    return None


def remember(passed, kind, how, seconds):
    """Keeps it under the part of the course that it depends on."""
    digest = passed[-1][2]
    if kind == "invalid":
        digest = passed[0][2]
    elif kind == "killed":
        kernel, test = how.split(",")[0].split("/")
        # Of the stages of one kernel, the last: it was built and run at no less than that.
        digest = next(digest for name, module, digest in reversed(passed) if name == kernel and test in tests_of([module]))
    KNOWN.mkdir(parents=True, exist_ok=True)
    entry = KNOWN / f"{digest}.{os.getpid()}.{threading.get_ident()}"
    entry.write_text(json.dumps([kind, how, seconds]))
    entry.rename(KNOWN / digest)


def broken_copy(work, mutant):
    """A folder like hdl, with the RTL and this change of it."""
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
    return hdl


def attempt(mutant, reasons, fresh):
    start = time.monotonic()
    work = WORK / mutant.id
    hdl = broken_copy(work, mutant)
    passed = list(course(hdl, mutant.file))
    again = None if fresh else remembered(passed)
    if again:
        kind, how, seconds = again
    else:
        try:
            how = judge(hdl, work, mutant.file, TEST_SEED)
            kind = "killed" if how else "survived"
        except Trouble:
            kind, how = "invalid", "no valid RTL"
        seconds = time.monotonic() - start
        remember(passed, kind, how, seconds)
    shutil.rmtree(work)
    if kind == "survived" and mutant.name in reasons:
        kind, how = "argued", reasons[mutant.name]
    print(
        f"mutate-hdl: {kind}: {mutant.file}:{mutant.line}: {mutant.operator}: {mutant.after.strip()}"
        f"{f' ({how})' if how else ''}, {'as before' if again else f'{seconds:.0f} s'}",
        flush=True,
    )
    return Fate(mutant, kind, how or "", seconds)


def first_valid(mutant, spares, reasons, fresh):
    """What becomes of a mutant, or of the next one of its file that is valid RTL: a `Fate` for each that was tried."""
    fates = [attempt(mutant, reasons, fresh)]
    while fates[-1].kind == "invalid" and (spare := next(spares, None)):
        fates.append(attempt(spare, reasons, fresh))
    return fates


def sources():
    return {path.name: path.read_text() for path in sorted((ROOT / "hdl" / "rtl").glob("*.sv"))}


def by_name():
    """All mutants there are."""
    return {mutant.name: mutant for name, text in sources().items() for mutant in mutants_of(name, text)}


def chosen(options):
    """The mutants to try, each with those that stand in for it."""
    files = sources()
    if options.mutant:
        known = by_name()
        for name in options.mutant:
            if name not in known:
                raise Trouble(f"there is no mutant `{name}`: a name is `FILE: BEFORE => AFTER`, say one that --list tells")
        return [(known[name], iter(())) for name in options.mutant]
    drawn = draws(files, options.count, options.seed)
    for name in options.only or ():
        if name not in drawn:
            raise Trouble(f"there is no file hdl/rtl/{name} with a line to break")
    found = []
    for name in options.only or drawn:
        order, take = drawn[name]
        # An iterator over a list is safe to share: each `next` is one step of the interpreter.
        spares = iter(order[take:])
        found += [(mutant, spares) for mutant in order[:take]]
    return found


def main():
    options = arguments()
    os.environ["TB_PATIENCE"] = str(PATIENCE)
    os.environ["COCOTB_MAX_FAILURES"] = "1"
    mutants = chosen(options)
    if options.list:
        for mutant, _ in mutants:
            print(mutant.name)
        return 0
    reasons = argued()
    start = time.monotonic()
    for file in ("tcp_validator.sv", "tcp_queue.sv"):
        wrong = judge(ROOT / "hdl", WORK / "unbroken", file, TEST_SEED)
        if wrong:
            raise Trouble(f"the RTL fails before it is broken: {wrong}; see scripts/tb")
    with ThreadPoolExecutor(max(options.jobs, 1)) as pool:
        tried = [fate for fates in pool.map(lambda one: first_valid(*one, reasons, options.fresh), mutants) for fate in fates]
    fates = [fate for fate in tried if fate.kind != "invalid"]
    seconds = time.monotonic() - start
    rows = [fate.told() for fate in tried]
    if options.results:
        options.results.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if options.table:
        options.table.write_text(mutants_page.page(rows, f"scripts/mutate-hdl --count {options.count} --seed {options.seed} --table FILE"))
    counts = {kind: sum(fate.kind == kind for fate in fates) for kind in ("killed", "argued", "survived")}
    print(
        f"mutate-hdl: {len(fates)} mutants, {counts['killed']} killed, {counts['argued']} argued, "
        f"{counts['survived']} survived, {len(tried) - len(fates)} more were no valid RTL; {seconds:.0f} s"
    )
    needless = [name for name in reasons if name not in by_name()]
    needless += [fate.mutant.name for fate in fates if fate.kind == "killed" and fate.mutant.name in reasons]
    for name in needless:
        print(f"mutate-hdl: {ARGUED.name} argues of one that is killed or not there: {name}")
    for fate in fates:
        if fate.kind == "survived":
            print(f"mutate-hdl: survived: {fate.mutant.name}")
            print(f"mutate-hdl:   again: scripts/mutate-hdl --mutant {shlex.quote(fate.mutant.name)}")
    if not fates:
        raise Trouble("there was no valid mutant to try")
    return 1 if counts["survived"] or needless else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        print(f"mutate-hdl: {trouble}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
