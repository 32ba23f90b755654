"""What every Python peer is told, and how it answers: see benches/src/compare/process.rs."""

import sys
import time
from dataclasses import dataclass


@dataclass
class Job:
    """Options and policy, as numbers."""

    checksum: int  # 0 CRC-32, 1 byte sum, 2 CRC-16/MODBUS
    layout: int  # 0 compact, 1 wide
    risk: tuple  # decision of each risk level
    exceeded: int
    reserved: int
    deny: int
    approval: int
    max_exec: int
    max_memory: int
    max_output: int

    @classmethod
    def of(cls, words):
        """From the command line's words."""
        n = [int(word) for word in words]
        return cls(n[0], n[1], tuple(n[2:7]), *n[7:14])


def serve(judge, descriptors, verdicts_file, count):
    """Judges once and writes the verdicts, then once more for as many milliseconds as each line says.

    Answers the shortest pass, in nanoseconds for each descriptor.
    """
    with open(verdicts_file, "wb") as file:
        file.write(judge(descriptors))
    print("ready", flush=True)
    for line in sys.stdin:
        end = time.perf_counter() + float(line) / 1e3
        best = float("inf")
        while True:
            begin = time.perf_counter()
            judge(descriptors)
            now = time.perf_counter()
            best = min(best, now - begin)
            if now >= end:
                break
        print(best / count * 1e9, flush=True)
