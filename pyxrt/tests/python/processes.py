"""Cards beyond one process: state that stays, images that others use, and processes that were forked off."""

import os
import subprocess
import sys
import unittest

import pyxrt
from support import load

# Policy slot 0, deny mask.
DENY_MASK = 0x408


def python(program):
    """Runs a program of its own: its exit status, and what it said beside the warning that the images are not trusted."""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    lines = (ended.stdout + ended.stderr).splitlines()
    return ended.returncode, "\n".join(line for line in lines if "not trusted" not in line)


class Processes(unittest.TestCase):
    def test_1_what_a_program_leaves_behind_is_kept_also_if_it_drops_nothing(self):
        program = (
            "import ctypes, pyxrt\n"
            "device = pyxrt.device(0)\n"
            "ip = pyxrt.ip(device, device.load_xclbin('one_unit.xclbin'), 'tcp_validator')\n"
            f"ip.write_register({DENY_MASK}, 0x10)\n"
            # Python never drops it.
            "ctypes.pythonapi.Py_IncRef(ctypes.py_object(ip))\n"
        )
        self.assertEqual(python(program), (0, ""))
        device = pyxrt.device(0)
        ip = pyxrt.ip(device, device.get_xclbin_uuid(), "tcp_validator")
        self.assertEqual(ip.read_register(DENY_MASK), 0x10)

    def test_an_image_in_use_is_not_replaced_by_another_process(self):
        device, _ = load()
        loading = "import pyxrt; pyxrt.device(0).load_xclbin('{}')"
        self.assertEqual(python(loading.format("one_unit.xclbin")), (0, ""))
        code, text = python(loading.format("two_units.xclbin"))
        self.assertEqual(code, 1)
        self.assertIn("RuntimeError: sim:0 is held by", text)
        del device

    def test_a_kernel_keeps_the_image_that_it_found_on_the_card(self):
        self.assertEqual(python("import pyxrt; pyxrt.device(0).load_xclbin('one_unit.xclbin')"), (0, ""))
        device = pyxrt.device(0)
        kernel = pyxrt.kernel(device, device.get_xclbin_uuid(), "tcp_validator")
        code, text = python("import pyxrt; pyxrt.device(0).load_xclbin('two_units.xclbin')")
        self.assertEqual(code, 1)
        self.assertIn("RuntimeError: sim:0 is held by", text)
        del kernel

    def test_an_exclusive_kernel_keeps_other_processes_from_its_units(self):
        opening = (
            "import pyxrt; device = pyxrt.device(0)\n"
            "pyxrt.kernel(device, device.get_xclbin_uuid(), '{}', pyxrt.kernel.{})"
        )
        device, shared = load("two_units.xclbin")
        first, second = "tcp_validator:tcp_validator_1", "tcp_validator:tcp_validator_2"
        self.assertEqual(python(opening.format(first, "shared")), (0, ""))
        self.assertIn("unit 0 is in use by", python(opening.format(first, "exclusive"))[1])
        del shared
        mine = pyxrt.kernel(device, device.get_xclbin_uuid(), first, pyxrt.kernel.exclusive)
        for mode in ("shared", "exclusive"):
            self.assertIn("unit 0 is in use by", python(opening.format(first, mode))[1])
        self.assertEqual(python(opening.format(first, "none")), (0, ""))
        self.assertEqual(python(opening.format(second, "exclusive")), (0, ""))
        del mine
        self.assertEqual(python(opening.format(first, "exclusive")), (0, ""))

    def test_a_run_under_way_does_not_keep_a_program_from_ending(self):
        program = (
            "import sys; from support import *\n"
            "device, kernel = load()\n"
            "run = long_run(device, kernel)\n"
            "run.add_callback(STATE.ERT_CMD_STATE_COMPLETED, print)\n"
            "sys.exit(3)\n"
        )
        code, text = python(program)
        self.assertEqual(code, 3, text)

    def test_a_forked_process_ends_without_touching_the_device(self):
        program = (
            "import os, sys; from support import *\n"
            "device, kernel = load()\n"
            "source, target = input_buffer(device, kernel), output_buffer(device, kernel)\n"
            "child = os.fork()\n"
            "if child == 0: sys.exit(5)\n"
            "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5\n"
            "kernel(source, target, COUNT, 5).wait2()\n"
            "assert content(target) == VERDICTS[5]\n"
        )
        self.assertEqual(python(program), (0, ""))

    def test_a_forked_process_is_told_that_the_device_is_not_its_own(self):
        device, kernel = load()
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                kernel(None, None, 0)
                text = "no error"
            except RuntimeError as error:
                text = str(error)
            os.write(writes, text.encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writes)
        with os.fdopen(reads) as answer:
            self.assertIn("forked", answer.read())
        del device


if __name__ == "__main__":
    unittest.main()
