"""Python with struct and zlib, descriptor by descriptor: how the published tools do it."""

import struct
import sys
import zlib

from job import Job, serve

# Magic, version, command hash, flags, costs and checksum, big-endian.
COMPACT = struct.Struct(">4sH4sIHHH2sH")
WIDE = struct.Struct(">4sH4sIIHHH")


def modbus_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ 0xA001 * (value & 1)
        table.append(value)
    return table


MODBUS = modbus_table()


def modbus(data):
    register = 0xFFFF
    for byte in data:
        register = register >> 8 ^ MODBUS[(register ^ byte) & 0xFF]
    return register


CHECKSUMS = [lambda data: zlib.crc32(data) & 0xFFFF, sum, modbus]
LEVEL = {1 << level: level for level in range(5)}


def main():
    job = Job.of(sys.argv[3:])
    checksum = CHECKSUMS[job.checksum]
    compact = job.layout == 0
    fields = COMPACT if compact else WIDE

    def judge(descriptors):
        verdicts = bytearray(len(descriptors) // 24)
        for index, (magic, version, _, flags, exec_ms, memory, output, *rest) in enumerate(fields.iter_unpack(descriptors)):
            if magic != b"TCP\x02" or version != 2:
                continue
            if rest[-1] != checksum(descriptors[24 * index : 24 * index + 22]):
                continue
            level = LEVEL.get(flags & 0x1F)
            if level is None or flags & job.reserved:
                continue
            decision = job.risk[level]
            marks = 1 | level << 3
            if flags & job.deny:
                decision = 3
                marks |= 0x80
            if flags & job.approval:
                decision = max(decision, 2)
                marks |= 0x80
            if exec_ms > job.max_exec or memory > job.max_memory or output > job.max_output:
                decision = max(decision, job.exceeded)
                marks |= 0x40
            verdicts[index] = marks | decision << 1
        return verdicts

    with open(sys.argv[1], "rb") as file:
        descriptors = file.read()
    serve(judge, descriptors, sys.argv[2], len(descriptors) // 24)


main()
