"""Ways to break a line of the RTL, as an engineer might get it wrong: a condition inverted, one too many, an enable lost.

A mutant is one change of one line. Lines that only declare, name or comment are left alone.
"""

import random
import re
import zlib
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest

# Lines without behaviour, or whose change is no longer the same design: ports, constants of the register map, checks of parameters.
QUIET = re.compile(
    r"^\s*(//|/\*|\*|`|module\b|endmodule|import\b|package|endpackage|input\b|output\b|inout\b|parameter\b|typedef\b|"
    r"function\b|endfunction|genvar\b|for\b|\)|\$error|\.\w+\s*\()"
)
# Elaborated away, or a parameter's choice.
CONSTANT = re.compile(r"\bif \([A-Z_]+\b|\bDATA_WIDTH\b.*\berror\b|\blocalparam\b.*\b(WIDTH|SHIFT|COUNT|LANES|PAIRS)\b")


def replace(pattern, by):
    """An operator that changes one match of a pattern."""

    def all_of(line):
        for match in re.finditer(pattern, line):
            yield line[: match.start()] + match.expand(by) + line[match.end() :]

    return all_of


def inverted(line):
    """The condition of an `if`, the other way round."""
    for match in re.finditer(r"\bif \(", line):
        end = closing(line, match.end())
        if end:
            yield f"{line[: match.end()]}!({line[match.end() : end]}){line[end:]}"


def closing(text, start):
    depth = 1
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return None


def dropped(line):
    """An assignment that does not happen."""
    match = re.match(r"^(\s*(?:if \(.*\) |else )?)([\w\[\]:.+*\-' ]+? <= [^;]+;)(\s*(//.*)?)$", line)
    if match:
        yield f"{match[1]};{match[3]}"


OPERATORS = {
    "condition inverted": inverted,
    "equal for unequal": lambda line: [*replace(r" == ", " != ")(line), *replace(r" != ", " == ")(line)],
    "or for and": lambda line: [*replace(r" && ", " || ")(line), *replace(r"(?<=[\w)\]]) & (?=[\w({~])", " | ")(line)],
    "and for or": lambda line: [*replace(r" \|\| ", " && ")(line), *replace(r"(?<=[\w)\]]) \| (?=[\w({~])", " & ")(line)],
    "limit off by one": lambda line: [*replace(r" > ", " >= ")(line), *replace(r" >= ", " > ")(line), *replace(r" < ", " <= ")(line)],
    "added for subtracted": lambda line: [*replace(r" \+ ", " - ")(line), *replace(r" - ", " + ")(line)],
    "number off by one": replace(r"\b(\d+'d)(\d)(?!\d)", r"\1\2_ONE"),
    "bit stuck": lambda line: [*replace(r"1'b1", "1'b0")(line), *replace(r"1'b0", "1'b1")(line)],
    "ones for zeros": replace(r"'0(?=[;,) ])", "'1"),
    "negation lost": replace(r"(?<![\w=])!(?=[\w(])", ""),
    "assignment lost": dropped,
    "choices swapped": replace(r"\? ([^?:{}]+) : ([^?:;{}]+);", r"? \2 : \1;"),
}


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int
    """From 1."""
    operator: str
    before: str
    after: str
    nth: int = 1
    """Which of the file's lines that read like this one."""

    @property
    def name(self):
        """Known again when other lines move."""
        which = f", {self.nth}" if self.nth > 1 else ""
        return f"{self.file}{which}: {self.before.strip()} => {self.after.strip()}"

    @property
    def id(self):
        """For the name of a folder."""
        return f"{self.file.removesuffix('.sv')}-{self.line}-{zlib.crc32(self.name.encode()):08x}"


def mutants_of(name, text):
    """All mutants of a file."""
    found, alike = {}, Counter()
    in_ports = False
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"^\s*(module|package)\b", line):
            in_ports = line.strip().startswith("module")
        skip = in_ports or QUIET.match(line) or CONSTANT.search(line)
        if re.match(r"^\);", line):
            in_ports = False
        if skip:
            continue
        code, comment = re.match(r"^(.*?)(\s*(?://.*|/\*.*)?)$", line).groups()
        alike[code.strip()] += 1
        for operator, change in OPERATORS.items():
            for after in change(code):
                after = re.sub(r"(\d)_ONE", lambda match: str(int(match[1]) + 1), after)
                if after != code:
                    mutant = Mutant(name, number, operator, code, after + comment, alike[code.strip()])
                    found.setdefault((number, after), mutant)
    return list(found.values())


def draws(files, count, seed):
    """By file, all its mutants in the order in which a seed draws them, and how many of them to take.

    A file's share is that of its lines which can be broken, and two at least; the operators take turns. The draw depends on the
    file alone, so the mutants of one stay as they are while others are written.
    """
    pools = {name: pool for name, text in sorted(files.items()) if (pool := mutants_of(name, text))}
    whole = sum(len(pool) for pool in pools.values())
    drawn = {}
    for name, pool in pools.items():
        generator = random.Random(f"{seed} {name}")
        by_operator = {}
        for mutant in pool:
            by_operator.setdefault(mutant.operator, []).append(mutant)
        turns = sorted(by_operator)
        generator.shuffle(turns)
        for group in by_operator.values():
            generator.shuffle(group)
        order = [one for turn in zip_longest(*(by_operator[operator] for operator in turns)) for one in turn if one]
        drawn[name] = order, min(len(order), max(2, round(count * len(pool) / whole)))
    return drawn
