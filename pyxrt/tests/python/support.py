"""What the tests share: the images and descriptors that the harness made, and a kernel on the card."""

from pathlib import Path

import pyxrt

DESCRIPTORS = Path("descriptors").read_bytes()
COUNT = len(DESCRIPTORS) // 24
# Verdicts by options word.
VERDICTS = {0: Path("compact").read_bytes(), 5: Path("wide").read_bytes()}

TO_DEVICE = pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_TO_DEVICE
FROM_DEVICE = pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_FROM_DEVICE
STATE = pyxrt.ert_cmd_state


def load(image="one_unit.xclbin"):
    """A device that holds an image, and its kernel."""
    device = pyxrt.device(0)
    uuid = device.load_xclbin(image)
    return device, pyxrt.kernel(device, uuid, "tcp_validator")


def input_buffer(device, kernel):
    """The descriptors, on the card."""
    buffer = pyxrt.bo(device, len(DESCRIPTORS), pyxrt.bo.normal, kernel.group_id(0))
    buffer.write(DESCRIPTORS, 0)
    buffer.sync(TO_DEVICE, len(DESCRIPTORS), 0)
    return buffer


def output_buffer(device, kernel, size=COUNT):
    """Room for verdicts; 0xEE everywhere, on both sides."""
    buffer = pyxrt.bo(device, size, pyxrt.bo.normal, kernel.group_id(1))
    buffer.write(b"\xee" * size, 0)
    buffer.sync(TO_DEVICE, size, 0)
    return buffer


def content(buffer):
    """The card's side of a buffer."""
    buffer.sync(FROM_DEVICE)
    return bytes(buffer.map())


def long_run(device, kernel):
    """A run that takes far longer than any test, and its buffers."""
    count = 20_000_000
    source = pyxrt.bo(device, count * 24, pyxrt.bo.device_only, kernel.group_id(0))
    target = pyxrt.bo(device, count, pyxrt.bo.device_only, kernel.group_id(1))
    run = pyxrt.run(kernel)
    for index, argument in enumerate([source, target, count]):
        run.set_arg(index, argument)
    run.start()
    return run
