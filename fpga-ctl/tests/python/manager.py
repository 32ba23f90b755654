"""An inventory and validation manager as they are in the field: it finds devices by what `xbutil` prints, programs one
with it, and validates through pyxrt. Prints what it found; exit status 0 if the verdicts are as expected."""

import re
import subprocess
import sys
from pathlib import Path

import pyxrt

IMAGE = "tcp_validator_v2.xclbin"


def find_devices():
    """Indices and PCIe addresses."""
    listed = subprocess.run(["xbutil", "examine", "-r", "list"], capture_output=True, text=True, check=True)
    return re.findall(r"Device (\d+) PCIe (\S+)", listed.stdout)


def validate(index, descriptors):
    """The verdict bytes for packed descriptors."""
    n = len(descriptors) // 24
    device = pyxrt.device(index)
    xclbin = pyxrt.xclbin(IMAGE)
    device.load_xclbin(xclbin)
    kernel = pyxrt.kernel(device, xclbin, "tcp_validator")
    in_bo = pyxrt.bo(device, n * 24, pyxrt.bo.normal, kernel.group_id(0))
    out_bo = pyxrt.bo(device, n, pyxrt.bo.normal, kernel.group_id(1))
    in_bo.write(descriptors, 0)
    in_bo.sync(pyxrt.bo.direction.to_device)
    run = kernel(in_bo, out_bo, n)
    run.wait()
    out_bo.sync(pyxrt.bo.direction.from_device)
    return bytes(out_bo.read(n))


def main():
    devices = find_devices()
    print(devices)
    for index, address in devices:
        subprocess.run(["xbutil", "program", "-d", index, "-u", IMAGE], check=True, stdout=subprocess.DEVNULL)
        if pyxrt.device(address).get_info(pyxrt.xrt_info_device.bdf) != address:
            return 1
        if validate(int(index), Path("descriptors").read_bytes()) != Path("verdicts").read_bytes():
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
