"""A manager as programs in the field write it: looser calls than XRT's module takes, and three arguments."""

import unittest

import pyxrt
from support import COUNT, DESCRIPTORS, VERDICTS


class Validation(unittest.TestCase):
    def test_a_manager_validates_with_three_arguments(self):
        device = pyxrt.device(0)
        if "software" in repr(device):
            kernel = pyxrt.kernel(device, device.get_xclbin_uuid(), "tcp_validator")
        else:
            xclbin = pyxrt.xclbin("one_unit.xclbin")
            device.load_xclbin(xclbin)
            kernel = pyxrt.kernel(device, xclbin, "tcp_validator")
        size = COUNT * 24
        in_bo = pyxrt.bo(device, size, pyxrt.bo.normal, kernel.group_id(0))
        out_bo = pyxrt.bo(device, COUNT, pyxrt.bo.normal, kernel.group_id(1))
        # A run before that leaves its options in the register: they are 0 for the next one all the same.
        kernel(in_bo, out_bo, COUNT, 5).wait()
        in_bo.write(DESCRIPTORS, 0)
        in_bo.sync(pyxrt.bo.direction.to_device)
        run = kernel(in_bo, out_bo, COUNT)
        run.wait()
        out_bo.sync(pyxrt.bo.direction.from_device)
        self.assertEqual(bytes(out_bo.read(COUNT)), VERDICTS[0])
        self.assertEqual(bytes(out_bo.read(COUNT - 1, 1)), VERDICTS[0][1:])


if __name__ == "__main__":
    unittest.main()
