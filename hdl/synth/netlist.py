"""What a netlist of Yosys holds: cells by kind, and the longest chain of LUTs between two registers.

A level is a LUT, or the reading of a memory made of LUTs. Carries and the multiplexers behind LUTs have their own wires and
are no levels.
"""

import json
from collections import Counter, defaultdict, deque
from pathlib import Path

LUTS = {f"LUT{inputs}" for inputs in range(1, 7)}
# Memories made of LUTs: how many LUTs each takes. Read at once, written at the clock.
LUT_MEMORIES = {"RAM32M": 4, "RAM32M16": 8, "RAM64M": 4, "RAM64M8": 8, "RAM32X1D": 2, "RAM64X1D": 2}
SHIFT_REGISTERS = {"SRL16E": 1, "SRLC32E": 1}
REGISTERS = {"FDRE", "FDSE", "FDCE", "FDPE"}
BLOCK_MEMORIES = {"RAMB36E2": 1.0, "RAMB18E2": 0.5}
# What a signal passes through without a level.
TRANSPARENT = {"CARRY4", "CARRY8", "MUXF7", "MUXF8", "MUXF9", "INV", "BUFG", "MUXCY", "XORCY"}


class Netlist:
    def __init__(self, path: Path, top: str):
        module = json.loads(path.read_text())["modules"][top]
        self.cells = module["cells"]
        self.names = {}
        for name, net in module["netnames"].items():
            for index, bit in enumerate(net["bits"]):
                # Names that people gave are shorter than those that tools made.
                label = f"{name}[{index}]" if len(net["bits"]) > 1 else name
                if "$" not in label and len(label) < len(self.names.get(bit, label + " ")):
                    self.names[bit] = label

    def counts(self) -> Counter:
        return Counter(cell["type"] for cell in self.cells.values())

    def luts(self) -> int:
        """LUTs of logic and shift registers; memories apart."""
        weights = dict.fromkeys(LUTS, 1) | SHIFT_REGISTERS
        return sum(weights.get(kind, 0) * count for kind, count in self.counts().items())

    def memory_luts(self) -> int:
        return sum(LUT_MEMORIES.get(kind, 0) * count for kind, count in self.counts().items())

    def registers(self) -> int:
        return sum(count for kind, count in self.counts().items() if kind in REGISTERS)

    def block_memories(self) -> float:
        return sum(BLOCK_MEMORIES.get(kind, 0) * count for kind, count in self.counts().items())

    def longest(self) -> tuple[int, list[str]]:
        """Levels of the longest chain, and the names along it."""
        driver, users, waiting = {}, defaultdict(list), {}
        known = LUTS | TRANSPARENT | LUT_MEMORIES.keys()
        for name, cell in self.cells.items():
            kind = cell["type"]
            if kind not in known:
                continue
            inputs, outputs = [], []
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] == "output":
                    outputs += bits
                elif kind not in LUT_MEMORIES or port.startswith(("ADDR", "A", "DPRA")):
                    inputs += bits
            for bit in outputs:
                driver[bit] = name
            waiting[name] = (inputs, outputs, 0 if kind in TRANSPARENT else 1)
        missing = {}
        for name, (inputs, _, _) in waiting.items():
            chained = {bit for bit in inputs if bit in driver}
            missing[name] = len(chained)
            for bit in chained:
                users[bit].append(name)
        level, before = {}, {}
        ready = deque(name for name, count in missing.items() if count == 0)
        seen = 0
        while ready:
            name = ready.popleft()
            seen += 1
            inputs, outputs, own = waiting[name]
            worst = max(inputs, key=lambda bit: level.get(bit, 0), default=None)
            for bit in outputs:
                level[bit] = level.get(worst, 0) + own
                before[bit] = worst
                for user in users[bit]:
                    missing[user] -= 1
                    if missing[user] == 0:
                        ready.append(user)
        if seen != len(waiting):
            raise SystemExit(f"{len(waiting) - seen} cells are in combinational loops")
        bit = max(level, key=lambda bit: level[bit])
        levels, path = level[bit], []
        while bit is not None:
            path.append(self.names.get(bit) or self.into(bit))
            bit = before.get(bit)
        return levels, path[::-1]

    def into(self, bit) -> str:
        """For a net without a name: the register that it goes to, if there is one."""
        for cell in self.cells.values():
            if cell["type"] in REGISTERS and any(bit in cell["connections"].get(port, ()) for port in ("D", "CE", "R", "S")):
                return self.names.get(cell["connections"]["Q"][0], str(bit))
        return str(bit)
