"""Tells what `scripts/synth` made: size, logic levels, clock and what limits it, beside what has to be reached.

    report.py FOLDER SEEDS KERNEL...

Exit status 1 if something is missed.
"""

import json
import re
import sys
from pathlib import Path
from statistics import median

from netlist import Netlist

# What issue and kernel.md ask for, by data width. LUTs and levels are UltraScale+'s.
MHZ = {128: 150, 512: 125}
MOST_LUTS = 9000
MOST_LEVELS = 8


def plain(name: str) -> str:
    """A register's name without what tools hung on it."""
    return re.sub(r"_(TRELLIS_FF|LUT4|PFUMX|L6MUX21|CCU2C|DPR16X4).*|\$.*", "", name) or "a net without a name"


def critical(report: dict) -> str:
    path = report["critical_paths"][0]["path"]
    delay = {kind: sum(step["delay"] for step in path if (step["type"] == "routing") == (kind == "routing"))
             for kind in ("routing", "logic")}
    levels = sum(step["type"] == "logic" for step in path)
    first, last = plain(path[0]["from"]["cell"]), plain(path[-1]["to"]["cell"])
    return (f"`{first}` to `{last}`: {levels} levels, {delay['logic']:.1f} ns in cells, "
            f"{delay['routing']:.1f} ns between them")


def main(folder: Path, seeds: int, kernels: list[str]) -> int:
    missed = []

    def reach(what: str, holds: bool) -> str:
        if not holds:
            missed.append(what)
        return "" if holds else " **missed**"

    rows, paths = [], []
    for kernel in kernels:
        top, width = kernel.rsplit("-", 1)
        mhz = MHZ[int(width)]
        reports = [json.loads((folder / f"{kernel}-{seed}.json").read_text()) for seed in range(1, seeds + 1)]
        clocks = [next(iter(report["fmax"].values()))["achieved"] for report in reports]
        used = {kind: values["used"] for kind, values in reports[0]["utilization"].items()}
        ultrascale = Netlist(folder / f"{kernel}-xcup.json", top)
        levels, chain = ultrascale.longest()
        luts = ultrascale.luts()
        rows.append(
            f"| `{top}` | {width} | {luts:,}{reach(f'{kernel} LUTs', luts <= MOST_LUTS)} + {ultrascale.memory_luts():,} "
            f"| {ultrascale.registers():,} | {ultrascale.block_memories():g} "
            f"| {levels}{reach(f'{kernel} levels', levels <= MOST_LEVELS)} "
            f"| {used['TRELLIS_COMB']:,} | {used['TRELLIS_FF']:,} | {used['DP16KD']} "
            f"| {median(clocks):.0f} ({min(clocks):.0f} to {max(clocks):.0f}){reach(f'{kernel} MHz', min(clocks) >= mhz)} "
            f"| {mhz} |"
        )
        slowest = min(range(seeds), key=lambda index: clocks[index])
        paths.append(f"| `{top}` | {width} | ECP5, seed {slowest + 1} | {critical(reports[slowest])} |")
        ends = f"`{plain(chain[0])}` to `{plain(chain[-1])}`" if len(chain) > 1 else "none"
        paths.append(f"| `{top}` | {width} | UltraScale+ | {ends}: {levels} levels |")
    print("| kernel | bits | US+ LUT + in memories | US+ FF | US+ BRAM36 | US+ levels | ECP5 LUT4 | ECP5 FF | ECP5 BRAM "
          f"| ECP5 MHz, {seeds} seeds | at least |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))
    print("\n| kernel | bits | on | longest path |\n|---|---|---|---|")
    print("\n".join(paths))
    if missed:
        print(f"\nnot reached: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
