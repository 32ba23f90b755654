#!/usr/bin/env python3
"""Words through a stream between two kernels, from Python, with numpy. Exit status: 0 all arrived, 1 they did not."""

import argparse
import sys

import numpy as np
import pyxrt

COUNT = 10007
PATIENCE = 60_000  # milliseconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-x", "--xclbin", default="stream.xclbin", help="image (default: %(default)s)")
    parser.add_argument("-d", "--device", default="0", help="index or PCIe address (default: %(default)s)")
    args = parser.parse_args()

    device = pyxrt.device(args.device)
    uuid = device.load_xclbin(args.xclbin)
    produce = pyxrt.kernel(device, uuid, "produce")
    consume = pyxrt.kernel(device, uuid, "consume")

    size = COUNT * np.dtype(np.uint32).itemsize
    source = pyxrt.bo(device, size, pyxrt.bo.normal, produce.group_id(0))
    target = pyxrt.bo(device, size, pyxrt.bo.normal, consume.group_id(0))
    sent = np.frombuffer(source.map(), dtype=np.uint32)
    received = np.frombuffer(target.map(), dtype=np.uint32)
    sent[:] = np.arange(COUNT) ** 2
    source.sync(pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_TO_DEVICE)

    # The consumer waits for words; the stream holds the producer back when the consumer is busy.
    runs = [consume(target, COUNT), produce(source, COUNT)]
    for run in runs:
        state = run.wait(PATIENCE)
        if state != pyxrt.ert_cmd_state.ERT_CMD_STATE_COMPLETED:
            print(f"FAILED: a run ended with {state}")
            return 1

    target.sync(pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_FROM_DEVICE)
    if not np.array_equal(received, sent + 1):
        print(f"FAILED: {np.count_nonzero(received != sent + 1)} words are wrong")
        return 1
    print(f"Python: {COUNT} words went through the stream")
    return 0


if __name__ == "__main__":
    sys.exit(main())
