"""Whether the committed report is whole: what scripts/sign-off --check tells. Takes a second, runs no tool.

An error is a report that contradicts itself or the files it is about: a page that was edited, a step that failed or is missing,
a proof, mutant, test or kernel that it does not know. A warning is one that was true of other RTL: whoever changes the RTL
cannot run an hour of tools for each commit, but nobody should take the report for more than it says.
"""

from report import PAGES, load, missed, pages, waived, waivers
from place import ROOT, inputs, rtl, said
from steps import STEPS


def check(results=None, steps=STEPS, folder=PAGES):
    """(errors, warnings)."""
    results = load() if results is None else results
    errors, warnings = [], []
    for step in steps:
        result = results.get(step.name)
        again = f"run scripts/sign-off --only {step.name}"
        if result is None:
            errors.append(f"{step.name} has no result: {again}")
            continue
        gone = missed(result)
        if waived(result):
            warnings += [f"{step.name}: {what} is missed, waived by hdl/sign-off/waivers.txt" for what in gone]
        elif not result["passed"]:
            errors.append(f"{step.name} failed: {result['command']}")
        errors += [f"waivers.txt lists {what} of {name}, which is reached" for name, what in waivers() if name == step.name and what not in gone]
        if result["changed"]:
            errors.append(f"{step.name} ran on files that were in no commit: {again}")
        if step.listing:
            errors += [f"{step.name} {what}: {again}" for what in compared(step, result)]
        if result["rtl"] != rtl():
            warnings.append(f"{step.name} is of other RTL, that of commit {result['commit'][:10]}: {again}")
        elif result["inputs"] != inputs(step):
            warnings.append(f"{step.name} ran before its checks were changed, at commit {result['commit'][:10]}: {again}")
    for name, text in pages(results).items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            errors.append(f"{path.name} is not what the results say: run scripts/sign-off --render")
    return errors, warnings


def compared(step, result):
    """What is there and not in the result, or the other way round."""
    listed = said(*step.listing)
    if listed is None:
        yield f"cannot be compared, as `{' '.join(step.listing)}` fails"
        return
    # Tags after a job's name are none of it.
    there = {line.split(" (")[0] if step.name == "proofs" else line for line in listed.splitlines()}
    told = {step.named(row) for row in result["rows"]}
    for what in sorted(there - told):
        yield f"does not know {what}"
    for what in sorted(told - there):
        yield f"tells of {what}, which is not there any more"
