"""The page of docs/hardware-mutants.md, from the rows of scripts/mutate-hdl --results. Needs nothing but Python."""


def code(text):
    """Code in a cell of a table."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def page(rows, command):
    mutants = [one for one in rows if one["fate"] != "invalid"]
    counts = {fate: sum(one["fate"] == fate for one in mutants) for fate in ("killed", "argued", "survived")}
    lines = [
        "# Mutants of the RTL",
        "",
        f"Made by `{command}`, do not edit. Each mutant is one line of `hdl/rtl` broken, and the tests of `scripts/tb` have",
        "to see it ([how](hardware-tests.md#that-the-tests-bite)).",
        "",
        f"{len(mutants)} mutants: {counts['killed']} killed, {counts['argued']} survived and argued, {counts['survived']} survived "
        f"without a reason. {len(rows) - len(mutants)} more were no valid RTL and do not count.",
        "",
        "| place | what | before | after | fate | s |",
        "|---|---|---|---|---|---|",
    ]
    for one in mutants:
        fate = f"{one['how']}" if one["fate"] == "killed" else "argued below" if one["fate"] == "argued" else "**survived**"
        lines.append(
            f"| `{one['file']}:{one['line']}` | {one['operator']} | {code(one['before'])} | {code(one['after'])} | {fate} "
            f"| {one['seconds']:.0f} |"
        )
    argued = [one for one in mutants if one["fate"] == "argued"]
    if argued:
        lines += ["", "## Why some cannot be killed", ""]
        lines += [f"- `{one['file']}:{one['line']}`, {code(one['after'])}: {one['how']}" for one in argued]
    return "\n".join(lines) + "\n"
