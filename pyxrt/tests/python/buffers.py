"""Buffers: two sides that differ until a sync, and a view of the host's side that stays valid."""

import array
import gc
import struct
import unittest

import pyxrt
from support import COUNT, FROM_DEVICE, TO_DEVICE, VERDICTS, content, input_buffer, load, output_buffer


class Sides(unittest.TestCase):
    def test_a_kernel_that_is_not_synced_sees_the_old_data(self):
        device, kernel = load()
        source, target = input_buffer(device, kernel), output_buffer(device, kernel)
        source.write(bytes(source.size()), 0)
        kernel(source, target, COUNT, 5).wait()
        self.assertEqual(bytes(target.map()), b"\xee" * COUNT, "the host's side is as it was")
        self.assertEqual(content(target), VERDICTS[5], "the card's side was not overwritten")
        source.sync(TO_DEVICE)
        kernel(source, target, COUNT, 5).wait()
        self.assertEqual(content(target), bytes(COUNT))

    def test_a_sync_is_of_just_those_bytes(self):
        device, _ = load()
        buffer = pyxrt.bo(device, 16, pyxrt.bo.normal, 0)
        buffer.write(bytes(16))
        buffer.sync(TO_DEVICE, 16, 0)
        buffer.write(b"\x01" * 16)
        buffer.sync(TO_DEVICE, size=4, offset=8)
        self.assertEqual(content(buffer), bytes(8) + b"\x01" * 4 + bytes(4))
        buffer.write(b"\x02" * 16)
        buffer.sync(FROM_DEVICE, 2, 0)
        self.assertEqual(bytes(buffer.map()), bytes(2) + b"\x02" * 14)

    def test_one_memory_seen_by_both_needs_no_sync(self):
        device, kernel = load()
        for flags in (pyxrt.bo.host_only, pyxrt.bo.p2p):
            target = pyxrt.bo(device, COUNT, flags, kernel.group_id(1))
            kernel(input_buffer(device, kernel), target, COUNT, 5).wait()
            self.assertEqual(bytes(target.map()), VERDICTS[5])
            self.assertEqual(bytes(target.read(COUNT, 0)), VERDICTS[5])

    def test_a_device_only_buffer_has_no_side_on_the_host(self):
        device, kernel = load()
        target = pyxrt.bo(device, COUNT, pyxrt.bo.device_only, kernel.group_id(1))
        kernel(input_buffer(device, kernel), target, COUNT, 5).wait()
        for use in (target.map, lambda: target.write(b"x"), lambda: target.read(1), lambda: target.sync(TO_DEVICE)):
            with self.assertRaisesRegex(RuntimeError, "device_only"):
                use()
        copy = output_buffer(device, kernel)
        copy.copy(target)
        self.assertEqual(content(copy), VERDICTS[5])
        copy.copy(target, 2, 1, 4)
        self.assertEqual(content(copy)[4:6], VERDICTS[5][1:3])

    def test_an_array_of_the_program_is_the_hosts_side(self):
        device, kernel = load()
        words = array.array("I", [7] * COUNT)
        target = pyxrt.bo(device, words, pyxrt.bo.normal, kernel.group_id(1))
        self.assertEqual(target.size(), 4 * COUNT)
        kernel(input_buffer(device, kernel), target, COUNT, 5 | 8).wait()
        self.assertEqual(words[0], 7)
        target.sync(FROM_DEVICE)
        self.assertEqual(bytes(word & 0xFF for word in words), VERDICTS[5])
        half = pyxrt.bo(device, words, 2 * COUNT, pyxrt.bo.normal, 0)
        self.assertEqual(half.size(), 2 * COUNT)
        with self.assertRaises(BufferError):
            words.append(1)
        with self.assertRaisesRegex(BufferError, "read-only"):
            pyxrt.bo(device, b"constant", pyxrt.bo.normal, 0)


class Views(unittest.TestCase):
    def test_a_view_is_writable_bytes_without_a_copy(self):
        device, _ = load()
        buffer = pyxrt.bo(device, 64, pyxrt.bo.normal, 0)
        view = buffer.map()
        self.assertIsInstance(view, memoryview)
        self.assertEqual((view.format, view.nbytes, view.readonly), ("B", 64, False))
        view[:4] = b"abcd"
        self.assertEqual(bytes(buffer.read(4, 0)), b"abcd")
        buffer.write(b"wxyz", 2)
        self.assertEqual(view[:6].tobytes(), b"abwxyz")
        self.assertEqual(buffer.map()[1], ord("b"))

    def test_a_view_outlives_its_buffer_and_its_image(self):
        device = pyxrt.device(0)
        for flags in (pyxrt.bo.normal, pyxrt.bo.host_only):
            device.load_xclbin("one_unit.xclbin")
            buffer = pyxrt.bo(device, 1 << 20, flags, 0)
            view = buffer.map()
            view[:] = b"\x5a" * len(view)
            del buffer
            gc.collect()
            device.load_xclbin("two_units.xclbin")
            others = [pyxrt.bo(device, 1 << 20, flags, 0) for _ in range(4)]
            for other in others:
                other.write(bytes(1 << 20))
                other.sync(TO_DEVICE)
            self.assertEqual(bytes(view), b"\x5a" * len(view))
            view[0] = 1

    def test_buffers_and_kernels_of_an_image_that_was_replaced_say_so(self):
        device, kernel = load("one_unit.xclbin")
        buffer = output_buffer(device, kernel)
        # One that does not keep the image.
        kernel = pyxrt.kernel(device, device.get_xclbin_uuid(), "tcp_validator", pyxrt.kernel.none)
        device.load_xclbin("two_units.xclbin")
        with self.assertRaisesRegex(RuntimeError, "replaced or reset"):
            buffer.sync(TO_DEVICE)
        with self.assertRaisesRegex(RuntimeError, "replaced or reset"):
            kernel(None, None, 0)
        load("one_unit.xclbin")


class Ranges(unittest.TestCase):
    def test_parts_share_the_memory_of_the_whole(self):
        device, kernel = load()
        whole = output_buffer(device, kernel, 4096 + COUNT)
        part = pyxrt.bo(whole, COUNT, 4096)
        self.assertEqual((part.size(), part.address()), (COUNT, whole.address() + 4096))
        kernel(input_buffer(device, kernel), part, COUNT, 5).wait()
        part.sync(FROM_DEVICE)
        self.assertEqual(bytes(whole.map()), b"\xee" * 4096 + VERDICTS[5])
        inner = pyxrt.bo(part, 3, 2)
        self.assertEqual(bytes(inner.map()), VERDICTS[5][2:5])
        inner.write(b"abc")
        self.assertEqual(bytes(part.read(5)), VERDICTS[5][:2] + b"abc")
        for size, offset in ((COUNT, 4097), (1, 1 << 63), (0, 0)):
            with self.assertRaises(RuntimeError):
                pyxrt.bo(whole, size, offset)

    def test_bytes_outside_are_refused_with_both_numbers(self):
        device, _ = load()
        buffer = pyxrt.bo(device, 64, pyxrt.bo.normal, 0)
        calls = [
            lambda: buffer.write(b"12345", 60),
            lambda: buffer.read(5, 60),
            lambda: buffer.sync(TO_DEVICE, 5, 60),
            lambda: buffer.copy(buffer, 5, 0, 60),
            lambda: buffer.copy(buffer, 5, 60, 0),
        ]
        for call in calls:
            with self.assertRaisesRegex(RuntimeError, "5 bytes from byte 60 .* 64 bytes"):
                call()
        with self.assertRaisesRegex(RuntimeError, "AI engines"):
            buffer.sync(pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_AIE_TO_GMIO)

    def test_a_full_bank_and_a_missing_one_are_memory_errors(self):
        device, _ = load()
        with self.assertRaisesRegex(MemoryError, r"DDR\[0\]"):
            pyxrt.bo(device, 17 << 30, pyxrt.bo.device_only, 0)
        with self.assertRaisesRegex(MemoryError, r"DDR\[1\]"):
            pyxrt.bo(device, 64, pyxrt.bo.normal, 2)
        big = pyxrt.bo(device, 10 << 30, pyxrt.bo.device_only, 0)
        del big
        pyxrt.bo(device, 10 << 30, pyxrt.bo.device_only, 0)

    def test_elements_read_are_signed_bytes(self):
        device, _ = load()
        buffer = pyxrt.bo(device, 4, pyxrt.bo.normal, 0)
        buffer.write(struct.pack("4b", -1, 0, 1, 2), 0)
        self.assertEqual(buffer.read(4, 0).tolist(), [-1, 0, 1, 2])
        self.assertEqual(buffer.read(2).tolist(), [-1, 0])
        self.assertEqual(buffer.read(skip=3).tobytes(), b"\x02")
        self.assertEqual(buffer.read(0, 4).tolist(), [])


if __name__ == "__main__":
    unittest.main()
