"""Tells what `scripts/synth` made: size, logic levels, clock and what limits it, beside what has to be reached.

    report.py FOLDER SEEDS RESULTS KERNEL...

Writes it to RESULTS for programs, a JSON object a kernel, and prints it as tables. Exit status 1 if something is missed.
"""

import json
import re
import sys
from pathlib import Path

import tables
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


def measured(folder: Path, seeds: int, kernel: str) -> dict:
    """Size and clock of a kernel, and what was asked of them."""
    top, width = kernel.rsplit("-", 1)
    reports = [json.loads((folder / f"{kernel}-{seed}.json").read_text()) for seed in range(1, seeds + 1)]
    clocks = [next(iter(report["fmax"].values()))["achieved"] for report in reports]
    used = {kind: values["used"] for kind, values in reports[0]["utilization"].items()}
    ultrascale = Netlist(folder / f"{kernel}-xcup.json", top)
    levels, chain = ultrascale.longest()
    ends = f"`{plain(chain[0])}` to `{plain(chain[-1])}`" if len(chain) > 1 else "none"
    slowest = min(range(seeds), key=lambda index: clocks[index])
    row = {
        "kernel": top,
        "bits": int(width),
        "ultrascale": {
            "luts": ultrascale.luts(),
            "memory_luts": ultrascale.memory_luts(),
            "registers": ultrascale.registers(),
            "block_memories": ultrascale.block_memories(),
            "levels": levels,
        },
        "ecp5": {
            "luts": used["TRELLIS_COMB"],
            "registers": used["TRELLIS_FF"],
            "block_memories": used["DP16KD"],
            "mhz": [round(clock, 1) for clock in clocks],
        },
        "paths": {
            f"ECP5, seed {slowest + 1}": critical(reports[slowest]),
            "UltraScale+": f"{ends}: {levels} levels",
        },
        "most_luts": MOST_LUTS,
        "most_levels": MOST_LEVELS,
        "least_mhz": MHZ[int(width)],
    }
    row["missed"] = [
        what
        for what, holds in (
            ("LUTs", row["ultrascale"]["luts"] <= MOST_LUTS),
            ("levels", levels <= MOST_LEVELS),
            ("MHz", min(clocks) >= row["least_mhz"]),
        )
        if not holds
    ]
    return row | {"holds": not row["missed"]}


def main(folder: Path, seeds: int, results: Path, kernels: list[str]) -> int:
    rows = [measured(folder, seeds, kernel) for kernel in kernels]
    results.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(tables.synthesis(rows))
    missed = [f"{row['kernel']}-{row['bits']} {what}" for row in rows for what in row["missed"]]
    if missed:
        print(f"\nnot reached: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]))
