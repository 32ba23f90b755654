"""The report of a sign-off, from the results of its steps: docs/hardware-report.md, docs/hardware-mutants.md.

A result is what a step found, with when, where and of what: results/STEP.json. The pages are made of the results alone, so that
whoever has them can make the pages again.
"""

import json

import mutants_page
import tables
from place import ROOT
from steps import STEPS

WAIVERS = ROOT / "hdl" / "sign-off" / "waivers.txt"
RESULTS = ROOT / "hdl" / "sign-off" / "results"
PAGES = ROOT / "docs"

TITLES = {
    "synth": ("Synthesis and timing", "Levels and LUTs are UltraScale+'s (US+), clocks those of an ECP5; [how](synthesis.md)."),
    "mutants": ("Mutants of the RTL", "[Each of them](hardware-mutants.md), and [how](hardware-tests.md#that-the-tests-bite)."),
    "proof-mutants": ("Mutants that the proofs must see", "`hdl/formal/mutants.txt`; [how](formal.md#that-the-proofs-bite)."),
    "proofs": ("Proofs", "[What each job proves](formal.md#what-is-proved)."),
    "tb": ("The independent bench", "[What it does](hardware-tests.md)."),
    "coverage": ("Coverage", "[What counts](hardware-tests.md#what-they-cover); what is left out has its reason in `hdl/tb/coverage_exclusions.txt`."),
    "figures": ("Rates and latencies", "In clocks of the simulated RTL; [how](hardware-tests.md#what-the-kernels-reach)."),
    "lint": ("Lint", "`scripts/lint-hdl`."),
    "package": ("Packaging for Vitis", "The script that makes the `.xo`, run with Vivado's commands noted, and the RTL agree; [how](vitis.md)."),
}
TABLES = {
    "synth": tables.synthesis,
    "mutants": tables.mutants,
    "proof-mutants": tables.proof_mutants,
    "proofs": tables.proofs,
    "tb": tables.bench,
    "coverage": tables.coverage,
    "figures": tables.figures,
    "lint": tables.lint,
    "package": tables.lint,
}


def load(folder=RESULTS):
    """The results that there are, by step."""
    found = {}
    for step in STEPS:
        path = folder / f"{step.name}.json"
        if path.exists():
            found[step.name] = json.loads(path.read_text())
    return found


def store(result, folder=RESULTS):
    folder.mkdir(parents=True, exist_ok=True)
    rows = ",\n  ".join(json.dumps(row) for row in result["rows"])
    head = json.dumps({key: value for key, value in result.items() if key != "rows"}, indent=1)
    path = folder / f"{result['step']}.json"
    fresh = path.with_suffix(".new")
    # A row a line, for those who read what changed.
    fresh.write_text(f'{head[:-2]},\n "rows": [\n  {rows}\n ]\n}}\n')
    fresh.rename(path)


def waivers():
    """Reasons by (step, what is missed)."""
    found, waived = {}, None
    for line in WAIVERS.read_text().splitlines():
        if line.startswith("    ") and waived:
            found[waived] = f"{found[waived]} {line.strip()}".strip()
        elif line.strip() and not line.startswith("#"):
            waived = tuple(line.split(": ", 1))
            found[waived] = ""
    return found


def missed(result):
    """What a step's rows say is missed, as waivers name it."""
    step = next(step for step in STEPS if step.name == result["step"])
    return [what for row in result["rows"] for what in step.missed(row)]


def waived(result):
    """Whether all that failed in a step is a goal that a waiver lists."""
    gone = missed(result)
    return result["sound"] and bool(gone) and all((result["step"], what) in waivers() for what in gone)


def state(result):
    return "passed" if result["passed"] else "**missed**, waived" if waived(result) else "**failed**"


def summary(results):
    lines = []
    for step in STEPS:
        result = results.get(step.name)
        if result is None:
            lines.append([step.name, step.demands, "**not run**", "", "", ""])
            continue
        commit = f"`{result['commit'][:10]}`{' and changes' if result['changed'] else ''}"
        lines.append([f"`{step.name}`", step.demands, state(result), f"{result['seconds']:,}", commit, result["date"]])
    return tables.table(["step", "what must hold", "result", "s", "commit", "ended, UTC"], lines)


def page(results):
    """docs/hardware-report.md."""
    digests = sorted({result["rtl"] for result in results.values()})
    machines = sorted({result["machine"] for result in results.values()})
    parts = [
        "# Report of the hardware",
        "Made by `scripts/sign-off`, do not edit ([what it does](sign-off.md)). `scripts/sign-off --check` tells whether the RTL\n"
        "has changed since.",
        summary(results),
        f"- RTL (`hdl/rtl`, `hdl/*.f`): digest {' and '.join(f'`{one}`' for one in digests)}"
        f"{'' if len(digests) < 2 else ' **of different states**'}\n"
        + "\n".join(f"- Machine: {machine}; steps shared it" for machine in machines),
    ]
    reasons = [f"- `{result['step']}`, {what}: {waivers()[result['step'], what]}"
               for result in results.values() if waived(result) for what in missed(result)]
    if reasons:
        parts += ["## Waived", "\n".join(reasons)]
    for name in TABLES:
        result = results.get(name)
        if result is None:
            continue
        title, about = TITLES[name]
        parts += [f"## {title}", f"{about} `{result['command']}`, {result['seconds']:,} s, {state(result)}."]
        if result["rows"]:
            parts.append(TABLES[name](result["rows"]))
    tools = {}
    for result in results.values():
        tools |= result["tools"]
    parts += ["## Tools", tables.table(["tool", "version"], [[tool, tools[tool]] for tool in sorted(tools)])]
    return "\n\n".join(parts) + "\n"


def pages(results):
    """All pages, by name."""
    made = {"hardware-report.md": page(results)}
    if "mutants" in results:
        result = results["mutants"]
        made["hardware-mutants.md"] = mutants_page.page(result["rows"], f"{result['command']} --table FILE")
    return made


def write(results, folder=PAGES):
    for name, text in pages(results).items():
        (folder / name).write_text(text)
