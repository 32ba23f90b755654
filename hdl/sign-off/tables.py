"""Markdown tables of what the scripts tell in their results; the same for a terminal and for the report.

    tables.py KIND FILE     KIND is a function below, FILE what --results wrote
"""

import json
import sys
from itertools import groupby
from pathlib import Path
from statistics import median


def read(path):
    """The rows of a file of results."""
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def code(text):
    """Code in a cell."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def missed(holds):
    return "" if holds else " **missed**"


def table(titles, rows):
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines).replace("| --- |", "|---|").replace(
        " --- |", "---|"
    )


def lint(rows):
    return table(["check", "result"], [[row["check"], "ok" if row["holds"] else "**failed**"] for row in rows])


def proofs(rows):
    return table(
        ["job", "how", "result", "s"],
        [[code(row["job"]), row["how"], row["status"].lower() if row["holds"] else f"**{row['status']}**", row["seconds"]]
         for row in sorted(rows, key=lambda row: row["job"])],
    )


def proof_mutants(rows):
    """One row a job, as there are a hundred mutants; a survivor has one of its own."""
    lines = []
    for job, group in groupby(sorted(rows, key=lambda row: row["job"]), lambda row: row["job"]):
        group = list(group)
        caught = sum(row["holds"] for row in group)
        lines.append([code(job), len(group), f"{caught}{missed(caught == len(group))}"])
        lines += [[f"survivor: {code(row['file'] + ' ' + row['edit'])}", "", row["verdict"]] for row in group if not row["holds"]]
    lines.append(["all", len(rows), sum(row["holds"] for row in rows)])
    return table(["job", "mutants", "caught"], lines)


def bench(rows):
    lines = []
    key = lambda row: (row["test"].split("/")[0], row["bits"])
    for (kernel, bits), group in groupby(sorted(rows, key=key), key):
        group = list(group)
        passed = sum(row["holds"] for row in group)
        lines.append([
            f"`tcp_{kernel}`", bits, len({row["test"] for row in group}), len({row["seed"] for row in group}),
            f"{passed} of {len(group)}{missed(passed == len(group))}", f"{sum(row['seconds'] for row in group):.0f}",
        ])
        lines += [[f"`{row['test']}`", bits, "", f"seed {row['seed']}", "**failed**", f"{row['seconds']:.0f}"]
                  for row in group if not row["holds"]]
    return table(["kernel", "bits", "tests", "seeds", "passed", "s"], lines)


def coverage(rows):
    return table(
        ["kind", "points", "left out", "covered", "share", "to reach"],
        [[row["kind"], f"{row['points']:,}", f"{row['left_out']:,}", f"{row['covered']:,}", f"{row['share']:.2f} %",
          f"{row['goal']:g} %{missed(row['holds'])}"] for row in rows],
    )


def mutants(rows):
    """One row a file; the page of all mutants is mutants_page.py's."""
    lines = []
    for file, group in groupby((row for row in rows if row["fate"] != "invalid"), lambda row: row["file"]):
        fates = [row["fate"] for row in group]
        lines.append([code(file), len(fates), fates.count("killed"), fates.count("argued"),
                      f"{fates.count('survived')}{missed('survived' not in fates)}"])
    sums = [sum(int(str(line[column]).split()[0]) for line in lines) for column in range(1, 5)]
    return table(["file", "mutants", "killed", "argued", "survived"], [*lines, ["all", *sums]])


def figures(rows):
    """One row a figure, the widths beside each other."""
    lines = []
    for kernel in dict.fromkeys(row["kernel"] for row in rows):
        own = [row for row in rows if row["kernel"] == kernel]
        for what in sorted({row["what"] for row in own}):
            by_width = {row["bits"]: f"{row['reached']}{missed(row['holds'])}" for row in own if row["what"] == what}
            asked = next(row["asked"] for row in own if row["what"] == what)
            lines.append([code(kernel), what, *(by_width.get(bits, "") for bits in (128, 256, 512)), asked])
    return table(["kernel", "what", "128 bits", "256 bits", "512 bits", "asked for"], lines)


def synthesis(rows):
    lines = []
    for row in rows:
        us, ecp5 = row["ultrascale"], row["ecp5"]
        mhz = ecp5["mhz"]
        lines.append([
            code(row["kernel"]), row["bits"],
            f"{us['luts']:,}{missed('LUTs' not in row['missed'])} + {us['memory_luts']:,}", f"{us['registers']:,}",
            f"{us['block_memories']:g}", f"{us['levels']}{missed('levels' not in row['missed'])}",
            f"{ecp5['luts']:,}", f"{ecp5['registers']:,}", ecp5["block_memories"],
            f"{median(mhz):.0f} ({min(mhz):.0f} to {max(mhz):.0f}){missed('MHz' not in row['missed'])}", row["least_mhz"],
        ])
    seeds = len(rows[0]["ecp5"]["mhz"]) if rows else 0
    sizes = table(
        ["kernel", "bits", "US+ LUT + in memories", "US+ FF", "US+ BRAM36", "US+ levels", "ECP5 LUT4", "ECP5 FF", "ECP5 BRAM",
         f"ECP5 MHz, {seeds} seed{'s' if seeds > 1 else ''}", "at least"], lines)
    paths = [[code(row["kernel"]), row["bits"], on, path] for row in rows for on, path in row["paths"].items()]
    return f"{sizes}\n\n{table(['kernel', 'bits', 'on', 'longest path'], paths)}"


if __name__ == "__main__":
    print(globals()[sys.argv[1]](read(sys.argv[2])))
