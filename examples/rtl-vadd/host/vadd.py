#!/usr/bin/env python3
"""Vector addition from Python, with numpy. Exit status: 0 the sums are right, 1 they are not."""

import argparse
import sys

import numpy as np
import pyxrt

COUNT = 10007  # not a multiple of what fits in a beat
PATIENCE = 60_000  # milliseconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-x", "--xclbin", default="vadd.xclbin", help="image (default: %(default)s)")
    parser.add_argument("-d", "--device", default="0", help="index or PCIe address (default: %(default)s)")
    args = parser.parse_args()

    device = pyxrt.device(args.device)
    uuid = device.load_xclbin(args.xclbin)
    vadd = pyxrt.kernel(device, uuid, "vadd")

    # Each array where its argument's port reaches it; what numpy works on is the buffer itself, not a copy.
    size = COUNT * np.dtype(np.int32).itemsize
    buffers = [pyxrt.bo(device, size, pyxrt.bo.normal, vadd.group_id(argument)) for argument in range(3)]
    a, b, c = (np.frombuffer(buffer.map(), dtype=np.int32) for buffer in buffers)

    a[:] = np.arange(COUNT)
    b[:] = 1000 * a
    for buffer in buffers[:2]:
        buffer.sync(pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_TO_DEVICE)
    state = vadd(*buffers, COUNT).wait(PATIENCE)
    if state != pyxrt.ert_cmd_state.ERT_CMD_STATE_COMPLETED:
        print(f"FAILED: the run ended with {state}")
        return 1
    buffers[2].sync(pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_FROM_DEVICE)

    wrong = np.flatnonzero(c != a + b)
    if wrong.size:
        first = wrong[0]
        print(f"FAILED: {wrong.size} sums are wrong, the first: {a[first]} + {b[first]} is not {c[first]}")
        return 1
    print(f"Python: {COUNT} sums are right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
