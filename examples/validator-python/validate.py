#!/usr/bin/env python3
"""Has the card judge what command-line tools may do, from Python, and checks its verdicts.

Exit status: 0 they are as expected, 1 they are not.
"""

import argparse
import hashlib
import struct
import sys
import zlib

import pyxrt

# Bits of the security flags. One of the first five says how risky the command is.
SAFE, LOW_RISK, MEDIUM_RISK, HIGH_RISK, CRITICAL = (1 << bit for bit in range(5))
REQUIRES_ROOT, DESTRUCTIVE, NETWORK_ACCESS = 1 << 6, 1 << 7, 1 << 8

DECISIONS = ("APPROVE", "CAUTION", "REQUIRE_APPROVAL", "REJECT")
RISKS = ("SAFE", "LOW_RISK", "MEDIUM_RISK", "HIGH_RISK", "CRITICAL")


def descriptor(command, flags, milliseconds, megabytes, kilobytes):
    """A descriptor of the Tool Capability Protocol, version 2, in the compact profile: 24 bytes."""
    name = command.encode()
    fields = b"TCP\2" + struct.pack(
        ">H4sI4H",
        2,
        hashlib.md5(name).digest()[:4],
        flags,
        milliseconds,
        megabytes,
        kilobytes,
        len(name),
    )
    return fields + struct.pack(">H", zlib.crc32(fields) & 0xFFFF)


def explain(verdict):
    """What a verdict byte says."""
    if verdict == 0:
        return "malformed"
    decision, risk = DECISIONS[verdict >> 1 & 3], RISKS[verdict >> 3 & 7]
    return f"{decision} ({risk})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-x", "--xclbin", default="tcp_validator.xclbin", help="image (default: %(default)s)")
    parser.add_argument("-d", "--device", default="0", help="index or PCIe address (default: %(default)s)")
    args = parser.parse_args()

    damaged = bytearray(descriptor("ls", SAFE, 5, 1, 4))
    damaged[-1] ^= 1
    commands = [
        ("ls", descriptor("ls", SAFE, 5, 1, 4), "APPROVE (SAFE)"),
        ("curl", descriptor("curl", LOW_RISK | NETWORK_ACCESS, 2000, 20, 1000), "APPROVE (LOW_RISK)"),
        ("git", descriptor("git", MEDIUM_RISK, 1000, 100, 500), "CAUTION (MEDIUM_RISK)"),
        ("rm", descriptor("rm", HIGH_RISK | DESTRUCTIVE, 100, 1, 0), "REQUIRE_APPROVAL (HIGH_RISK)"),
        ("mkfs", descriptor("mkfs", CRITICAL | DESTRUCTIVE | REQUIRES_ROOT, 9000, 50, 10), "REJECT (CRITICAL)"),
        ("ls, damaged", bytes(damaged), "malformed"),
    ]

    device = pyxrt.device(args.device)
    uuid = device.load_xclbin(args.xclbin)
    kernel = pyxrt.kernel(device, uuid, "tcp_validator")

    packed = b"".join(bytes_of for _, bytes_of, _ in commands)
    descriptors = pyxrt.bo(device, len(packed), pyxrt.bo.normal, kernel.group_id(0))
    verdicts = pyxrt.bo(device, len(commands), pyxrt.bo.normal, kernel.group_id(1))
    descriptors.write(packed, 0)
    descriptors.sync(pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_TO_DEVICE, len(packed), 0)

    # The fourth argument, options, is left out and so is 0: the compact profile, a byte for each verdict.
    state = kernel(descriptors, verdicts, len(commands)).wait()
    if state != pyxrt.ert_cmd_state.ERT_CMD_STATE_COMPLETED:
        print(f"the run ended with {state}")
        return 1
    verdicts.sync(pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_FROM_DEVICE, len(commands), 0)

    wrong = 0
    for (command, _, expected), verdict in zip(commands, bytes(verdicts.map())):
        found = explain(verdict)
        wrong += found != expected
        print(f"{command:12} {found}" + (f", expected {expected}" if found != expected else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
