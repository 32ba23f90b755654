"""numpy on buffers: in place, without a copy."""

import unittest

import numpy as np
import pyxrt
from support import COUNT, FROM_DEVICE, TO_DEVICE, VERDICTS, content, input_buffer, load, output_buffer


class Arrays(unittest.TestCase):
    def test_arrays_on_a_view_are_the_buffers_memory(self):
        device, _ = load()
        buffer = pyxrt.bo(device, 4096, pyxrt.bo.normal, 0)
        plain = np.asarray(buffer.map())
        self.assertEqual((plain.dtype, plain.shape), (np.uint8, (4096,)))
        words = np.frombuffer(buffer.map(), dtype=np.int32)
        self.assertTrue(words.flags.writeable)
        self.assertEqual(words.__array_interface__["data"][0], plain.__array_interface__["data"][0])
        words[:] = np.arange(1024)
        buffer.sync(TO_DEVICE)
        words[:] = 0
        buffer.sync(FROM_DEVICE, 4096, 0)
        np.testing.assert_array_equal(words, np.arange(1024))
        del buffer
        self.assertEqual(words[1023], 1023)

    def test_reads_are_arrays_of_int8_as_xrts(self):
        device, kernel = load()
        target = output_buffer(device, kernel)
        kernel(input_buffer(device, kernel), target, COUNT, np.uint32(5)).wait()
        target.sync(FROM_DEVICE)
        result = target.read(COUNT, 0)
        self.assertIsInstance(result, np.ndarray)
        self.assertEqual(result.dtype, np.int8)
        self.assertEqual(result.tobytes(), VERDICTS[5])
        result[0] = 1
        self.assertEqual(target.read(0).size, 0)

    def test_arrays_are_written_whatever_their_elements(self):
        device, _ = load()
        buffer = pyxrt.bo(device, 64, pyxrt.bo.normal, 0)
        values = np.linspace(0, 1, 8)
        buffer.write(values, 0)
        np.testing.assert_array_equal(np.frombuffer(buffer.map()), values)
        with self.assertRaisesRegex(BufferError, "contiguous"):
            buffer.write(values[::2], 0)

    def test_an_array_of_the_program_is_the_hosts_side(self):
        device, kernel = load()
        verdicts = np.zeros(COUNT, dtype=np.uint8)
        target = pyxrt.bo(device, verdicts, pyxrt.bo.flags.normal, kernel.group_id(1))
        kernel(input_buffer(device, kernel), target, COUNT, 5).wait()
        self.assertFalse(verdicts.any())
        target.sync(pyxrt.bo.direction.from_device)
        self.assertEqual(verdicts.tobytes(), VERDICTS[5])
        self.assertEqual(content(target), VERDICTS[5])


if __name__ == "__main__":
    unittest.main()
