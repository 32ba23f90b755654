"""Merges what the simulations covered and tells what they did not: what scripts/coverage starts once they ran.

Lines and branches count once however many instances and widths there are. So do toggles, of each bit in both directions: of
several instances of a module Verilator counts those of the first. Cover points count for each instance and width. What
coverage_exclusions.txt names is left out, with its reason.
"""

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import tables
from simulator import HERE, Trouble

ROOT = HERE.parent.parent
EXCLUSIONS = HERE / "coverage_exclusions.txt"
GOALS = {"line": 100.0, "branch": 100.0, "toggle": 95.0, "cover point": 100.0}
KINDS = {"line": "line", "branch": "branch", "toggle": "toggle", "user": "cover point"}


@dataclass(frozen=True)
class Point:
    kind: str
    file: str
    """Of hdl."""
    name: str
    """Line and what; or bit and direction; or width, instance and point."""

    def __str__(self):
        return f"{self.file} {self.name}"


def points(path):
    """The points of a run's file, with how often each was hit."""
    width = re.search(r"-(\d+)-coverage", path.name)
    width = width.group(1) if width else "?"
    for line in path.read_text(errors="replace").splitlines():
        if not line.startswith("C '"):
            continue
        body, count = line[3:].rsplit("' ", 1)
        field = dict(part.split("\x02", 1) for part in body.split("\x01") if "\x02" in part)
        file = field["f"].rsplit("/hdl/", 1)[-1]
        kind = KINDS.get(field["t"])
        own = file.startswith("rtl/")
        if kind in ("line", "branch") and own:
            yield Point(kind, file, f"{field['l']}:{field['n']} {field['o']}"), int(count)
        elif kind == "toggle" and own:
            yield Point(kind, file, field["o"]), int(count)
        elif kind == "cover point":
            yield Point(kind, file, f"{width} {field['h']}"), int(count)


def exclusions():
    """(kind, pattern, reason): a line `KIND: PATTERN` for each pattern, then the reason, indented."""
    found, open_patterns = [], []
    for line in EXCLUSIONS.read_text().splitlines():
        if line.startswith("    "):
            found += [(kind, pattern, line.strip()) for kind, pattern in open_patterns]
            open_patterns = []
        elif line.strip() and not line.startswith("#"):
            kind, pattern = line.split(": ", 1)
            if kind not in GOALS:
                raise Trouble(f"{EXCLUSIONS.name}: there is no kind {kind}")
            open_patterns.append((kind, pattern.strip()))
    if open_patterns:
        raise Trouble(f"{EXCLUSIONS.name} gives no reason for: {open_patterns[0][1]}")
    return found


def merged(files):
    hits = Counter()
    for path in files:
        for point, count in points(path):
            hits[point] += count
    return hits


def gathered(missed):
    """Bits of one signal together: `name[7:0]` for its eight bits, with the directions that were missed."""
    signals = defaultdict(set)
    for point in missed:
        signals[point.file, re.sub(r"\[(\d+)\](?=:)", "[*]", re.sub(r":[01]->[01]$", ":", point.name))].add(point.name)
    for (file, name), bits in sorted(signals.items()):
        yield f"{file} {name.rstrip(':')}: {len(bits)} of its edges"


def main():
    parser = argparse.ArgumentParser(prog="scripts/coverage")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    files = sorted(options.folder.glob("*.dat"))
    if not files:
        raise Trouble(f"{options.folder} has no coverage: run scripts/coverage")
    hits = merged(files)
    rules = exclusions()
    compiled = [(kind, re.compile(pattern), pattern) for kind, pattern, _ in rules]
    used = Counter()
    rows, details = [], []
    for kind, goal in GOALS.items():
        of_kind = [point for point in hits if point.kind == kind]
        missed, excluded = [], 0
        for point in of_kind:
            if hits[point]:
                continue
            rule = next((pattern for of, matcher, pattern in compiled if of == kind and matcher.fullmatch(str(point))), None)
            if rule is None:
                missed.append(point)
            else:
                excluded += 1
                used[kind, rule] += 1
        whole = len(of_kind) - excluded
        covered = whole - len(missed)
        share = 100.0 * covered / max(whole, 1)
        rows.append({
            "kind": kind, "points": len(of_kind), "left_out": excluded, "covered": covered, "share": share, "goal": goal,
            "holds": share >= goal and whole > 0,
        })
        if missed:
            details.append(f"\n## Not covered: {kind}\n")
            told = gathered(missed) if kind == "toggle" else sorted(map(str, missed))
            details += [f"- `{one}`" for one in told]
    stale = [f"{kind}: {pattern}" for kind, pattern, _ in rules if not used[kind, pattern]]
    head = f"""# Coverage of the kernels

Of {len(files)} simulations, by `scripts/coverage`. What is left out is in `hdl/tb/coverage_exclusions.txt`, each with a reason.

"""
    options.report.write_text("\n".join([head + tables.coverage(rows), *details]) + "\n")
    if options.results:
        options.results.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(tables.coverage(rows))
    for one in stale:
        print(f"coverage: {EXCLUSIONS.name} leaves out what is covered or not there: {one}")
    print(f"coverage: {options.report} tells what is not covered")
    return int(bool(stale) or not all(row["holds"] for row in rows))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        print(f"coverage: {trouble}", file=sys.stderr)
        sys.exit(2)
