"""The verdict of a descriptor, as the specification of the 24-byte descriptor states it.

Written from that text alone: no line of it comes from the RTL, the golden model of the Rust crates, or the second
description in hdl/formal. What two readings of one text agree on is more likely what the text says.
"""

import zlib
from dataclasses import dataclass

SIZE = 24

APPROVE, CAUTION, REQUIRE_APPROVAL, REJECT = range(4)
BAD_MAGIC, BAD_VERSION, BAD_CHECKSUM, BAD_RISK, RESERVED_FLAGS = range(1, 6)

CRC32, SUM, MODBUS, NO_CHECKSUM = range(4)

WIDE_RESERVED = 0x0000C0E0
RESET_POLICY = (0x390, 0x0000F020, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 1, 0)


def crc16_modbus(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return crc


def checksum_of(body, algorithm):
    """The checksum of the first 22 bytes."""
    if algorithm == CRC32:
        return zlib.crc32(body) & 0xFFFF
    if algorithm == SUM:
        return sum(body) & 0xFFFF
    return crc16_modbus(body)


@dataclass(frozen=True)
class Options:
    """The options word of a batch."""

    checksum: int = CRC32
    wide: bool = False
    detail: bool = False
    slot: int = 0

    def word(self):
        return self.checksum | self.wide << 2 | self.detail << 3 | self.slot << 4

    @property
    def size(self):
        """Bytes of a verdict."""
        return 4 if self.detail else 1


@dataclass(frozen=True)
class Verdict:
    byte: int
    cause: int
    flags: int

    @property
    def valid(self):
        return self.byte & 1 == 1

    @property
    def decision(self):
        return self.byte >> 1 & 3

    def written(self, detail):
        """As it stands in memory."""
        if not detail:
            return bytes([self.byte])
        return bytes([self.byte, self.cause]) + (self.flags & 0xFFFF).to_bytes(2, "little")


def judge(descriptor, options, policy):
    """The verdict; `policy` is the eight words of a slot."""
    field = lambda first, last: int.from_bytes(descriptor[first : last + 1], "big")
    risk_table, reserved, deny, approval, max_exec, max_sizes, floor, _ = policy
    flags = field(10, 13)

    def malformed(cause):
        return Verdict(0, cause, flags)

    if descriptor[0:4] != b"TCP\x02":
        return malformed(BAD_MAGIC)
    if field(4, 5) != 2:
        return malformed(BAD_VERSION)
    if field(22, 23) != checksum_of(descriptor[:22], options.checksum):
        return malformed(BAD_CHECKSUM)
    risks = [level for level in range(5) if flags >> level & 1]
    if len(risks) != 1:
        return malformed(BAD_RISK)
    if flags & reserved:
        return malformed(RESERVED_FLAGS)

    if options.wide:
        exec_ms, memory_mb, output_kb = field(14, 17), field(18, 19), field(20, 21)
    else:
        exec_ms, memory_mb, output_kb = field(14, 15), field(16, 17), field(18, 19)
    over = exec_ms > max_exec or memory_mb > max_sizes & 0xFFFF or output_kb > max_sizes >> 16
    denied, asked = flags & deny != 0, flags & approval != 0

    decision = risk_table >> 2 * risks[0] & 3
    if denied:
        decision = REJECT
    if asked:
        decision = max(decision, REQUIRE_APPROVAL)
    if over:
        decision = max(decision, floor & 3)
    byte = 1 | decision << 1 | risks[0] << 3 | over << 6 | (denied or asked) << 7
    return Verdict(byte, 0, flags)


def seal(body, algorithm):
    """A descriptor: 22 bytes with their checksum."""
    return bytes(body) + checksum_of(body, algorithm).to_bytes(2, "big")
