"""Runs: started, waited for, timed out, aborted, interrupted; and kernels by their registers."""

import os
import signal
import sys
import threading
import unittest

import pyxrt
from support import COUNT, DESCRIPTORS, STATE, TO_DEVICE, VERDICTS, content, input_buffer, load, long_run, output_buffer

PATIENCE = 60


class Runs(unittest.TestCase):
    def test_a_run_is_started_again_with_what_was_set(self):
        device, kernel = load()
        source, target = input_buffer(device, kernel), output_buffer(device, kernel)
        run = pyxrt.run(kernel)
        self.assertIs(run.state(), STATE.ERT_CMD_STATE_NEW)
        with self.assertRaisesRegex(RuntimeError, "not started"):
            run.wait()
        run.set_arg(0, source)
        run.set_arg("verdicts", target)
        run.set_arg(2, COUNT)
        run.set_arg(3, 5)
        for options in (5, 0):
            run.set_arg(index=3, value=options)
            run.start()
            self.assertIs(run.wait(), STATE.ERT_CMD_STATE_COMPLETED)
            self.assertIs(run.state(), STATE.ERT_CMD_STATE_COMPLETED)
            self.assertIs(run.wait2(), STATE.ERT_CMD_STATE_COMPLETED)
            self.assertEqual(content(target), VERDICTS[options])

    def test_arguments_that_do_not_fit_are_named(self):
        device, kernel = load()
        run = pyxrt.run(kernel)
        target = output_buffer(device, kernel)
        with self.assertRaisesRegex(RuntimeError, "count has 4 bytes; 4294967296 does not fit"):
            run.set_arg(2, 1 << 32)
        run.set_arg(2, -1)
        with self.assertRaisesRegex(RuntimeError, "options takes a number"):
            run.set_arg(3, target)
        with self.assertRaisesRegex(IndexError, "no argument 4; it has 4"):
            kernel(None, None, 0, 0, 0)
        with self.assertRaisesRegex(RuntimeError, "no argument \"size\"; it has descriptors"):
            run.set_arg("size", 1)

    def test_a_buffer_in_a_bank_that_is_not_connected_is_copied_with_a_warning(self):
        device, kernel = load()
        source = input_buffer(device, kernel)
        elsewhere = pyxrt.bo(device, source.size(), pyxrt.bo.normal, 1)
        elsewhere.copy(source)
        target = output_buffer(device, kernel)
        with self.assertLogs("pyxrt", "WARNING") as logged:
            kernel(elsewhere, target, COUNT, 5).wait()
        self.assertIn("descriptors is connected to DDR[0], and the buffer is in DDR[1]", logged.output[0])
        self.assertEqual(content(target), VERDICTS[5])

    def test_a_run_goes_to_the_unit_with_the_least_to_do(self):
        device, kernel = load("two_units.xclbin")
        uuid = device.get_xclbin_uuid()
        long = long_run(device, kernel)
        source, target = input_buffer(device, kernel), output_buffer(device, kernel)
        for _ in range(2):
            self.assertIs(kernel(source, target, COUNT, 5).wait(), STATE.ERT_CMD_STATE_COMPLETED)
        self.assertEqual(content(target), VERDICTS[5])
        self.assertIs(long.state(), STATE.ERT_CMD_STATE_RUNNING)
        second = pyxrt.ip(device, uuid, "tcp_validator:tcp_validator_2")
        self.assertEqual(second.read_register(0x100), 2 * COUNT, "descriptors that it has judged")
        long.abort()
        with self.assertRaisesRegex(RuntimeError, "several compute units"):
            pyxrt.ip(device, uuid, "tcp_validator")

    def test_a_wait_that_times_out_leaves_the_run_to_be_aborted(self):
        device, kernel = load()
        run = long_run(device, kernel)
        self.assertIs(run.wait(1), STATE.ERT_CMD_STATE_TIMEOUT)
        self.assertIs(run.wait2(1), STATE.ERT_CMD_STATE_TIMEOUT)
        self.assertIs(run.state(), STATE.ERT_CMD_STATE_RUNNING)
        with self.assertRaisesRegex(RuntimeError, "going on already"):
            run.start()
        with self.assertRaisesRegex(RuntimeError, "sim:0"):
            device.load_xclbin("two_units.xclbin")
        self.assertIs(run.abort(), STATE.ERT_CMD_STATE_ABORT)
        self.assertIs(run.wait(), STATE.ERT_CMD_STATE_ABORT)
        with self.assertRaisesRegex(RuntimeError, "aborted"):
            run.wait2()
        target = output_buffer(device, kernel)
        kernel(input_buffer(device, kernel), target, COUNT, 5).wait()
        self.assertEqual(content(target), VERDICTS[5], "the unit is usable again")
        with self.assertRaises(TypeError):
            run.wait(-1)

    def test_a_run_queued_behind_an_aborted_one_comes_to_its_turn(self):
        device, kernel = load()
        first = long_run(device, kernel)
        target = output_buffer(device, kernel)
        second = kernel(input_buffer(device, kernel), target, COUNT, 5)
        first.abort()
        self.assertIs(second.wait(), STATE.ERT_CMD_STATE_COMPLETED)
        self.assertEqual(content(target), VERDICTS[5])

    def test_other_threads_go_on_during_a_wait(self):
        device, kernel = load()
        run = long_run(device, kernel)
        thread = threading.Thread(target=run.abort)
        thread.start()
        self.assertIs(run.wait(), STATE.ERT_CMD_STATE_ABORT)
        thread.join()

    def test_ctrl_c_ends_a_wait_and_not_the_run(self):
        device, kernel = load()
        run = long_run(device, kernel)
        main = threading.main_thread().ident

        def interrupt():
            while sys._current_frames()[main].f_lineno != waits_at:
                pass
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        with self.assertRaises(KeyboardInterrupt):
            waits_at = sys._getframe().f_lineno + 2
            thread.start()
            run.wait()
        thread.join()
        self.assertIs(run.state(), STATE.ERT_CMD_STATE_RUNNING)
        run.abort()

    def test_threads_share_a_device(self):
        device, kernel = load("two_units.xclbin")
        wrong = []

        def work(options):
            source, target = input_buffer(device, kernel), output_buffer(device, kernel)
            for _ in range(10):
                kernel(source, target, COUNT, options).wait()
                if content(target) != VERDICTS[options]:
                    wrong.append(options)

        threads = [threading.Thread(target=work, args=(options,)) for options in (0, 5, 0, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class Callbacks(unittest.TestCase):
    def test_a_callback_is_called_at_the_end_with_how_it_ended(self):
        device, kernel = load()
        run = pyxrt.run(kernel)
        for index, value in enumerate([input_buffer(device, kernel), output_buffer(device, kernel), COUNT]):
            run.set_arg(index, value)
        calls, called = [], threading.Event()

        def callback(run, state, data):
            # A wait in a callback is for a run that has ended.
            calls.append((run.wait(), state, data))
            called.set()

        run.add_callback(STATE.ERT_CMD_STATE_COMPLETED, callback, "data")
        run.start()
        self.assertTrue(called.wait(PATIENCE), "without a wait for the run")
        completed = STATE.ERT_CMD_STATE_COMPLETED
        self.assertEqual(calls, [(completed, completed, "data")])
        run.start()
        run.wait()
        self.assertEqual(len(calls), 2, "the callback is done when the wait is")
        with self.assertRaisesRegex(RuntimeError, "ERT_CMD_STATE_COMPLETED"):
            run.add_callback(STATE.ERT_CMD_STATE_ERROR, callback)

    def test_an_error_in_a_callback_is_shown_and_ends_nothing(self):
        device, kernel = load()
        run = long_run(device, kernel)
        shown = []
        self.addCleanup(setattr, sys, "unraisablehook", sys.unraisablehook)
        sys.unraisablehook = lambda raised: shown.append(str(raised.exc_value))
        run.add_callback(STATE.ERT_CMD_STATE_COMPLETED, lambda run, state, data: 1 // 0)
        run.abort()
        self.assertIs(run.wait(), STATE.ERT_CMD_STATE_ABORT)
        self.assertEqual(len(shown), 1)
        self.assertIn("zero", shown[0])


class RunLists(unittest.TestCase):
    def load(self):
        device = pyxrt.device(0)
        context = pyxrt.hw_context(device, "two_units.xclbin")
        return device, context, pyxrt.kernel(context, "tcp_validator")

    def run_of(self, kernel, *arguments):
        run = pyxrt.run(kernel)
        for index, argument in enumerate(arguments):
            run.set_arg(index, argument)
        return run

    def test_each_run_begins_when_the_one_before_it_has_completed(self):
        device, context, kernel = self.load()
        times = 100
        source = pyxrt.bo(device, times * len(DESCRIPTORS), kernel.group_id(0))
        source.write(DESCRIPTORS * times)
        source.sync(TO_DEVICE)
        target = output_buffer(device, kernel, times * COUNT)
        runs = pyxrt.runlist(context)
        self.assertIs(runs.state(), STATE.ERT_CMD_STATE_NEW)
        self.assertIs(runs.wait(), STATE.ERT_CMD_STATE_COMPLETED, "nothing to wait for")
        runs.execute()
        self.assertIs(runs.wait(), STATE.ERT_CMD_STATE_COMPLETED, "an empty list")
        # There is a unit for each: at the same time, the short run would be over long before the long one.
        runs.add(self.run_of(kernel, source, target, times * COUNT, 0))
        short = self.run_of(kernel, source, target, COUNT // 4, 5)
        runs.add(short)
        ended = []
        short.add_callback(STATE.ERT_CMD_STATE_COMPLETED, lambda run, state, data: ended.append(state))
        for _ in range(2):
            runs.execute()
            self.assertIs(runs.wait(PATIENCE * 1000), STATE.ERT_CMD_STATE_COMPLETED)
            self.assertIs(runs.state(), STATE.ERT_CMD_STATE_COMPLETED)
            self.assertIs(short.wait(), STATE.ERT_CMD_STATE_COMPLETED)
            wide = VERDICTS[5][: COUNT // 4 * len(VERDICTS[5]) // COUNT]
            self.assertEqual(content(target), wide + (VERDICTS[0] * times)[len(wide) :])
        self.assertEqual(ended, [STATE.ERT_CMD_STATE_COMPLETED] * 2)

    def test_runs_after_one_that_does_not_complete_are_not_started(self):
        device, context, kernel = self.load()
        long = long_run(device, kernel)
        after, target = pyxrt.run(kernel), output_buffer(device, kernel)
        for index, argument in enumerate([input_buffer(device, kernel), target, COUNT, 5]):
            after.set_arg(index, argument)
        runs, others = pyxrt.runlist(context), pyxrt.runlist(context)
        runs.add(long)
        runs.add(after)
        with self.assertRaisesRegex(RuntimeError, "in a runlist already"):
            others.add(after)
        with self.assertRaisesRegex(RuntimeError, "started on its own"):
            runs.execute()
        long.abort()
        runs.execute()
        self.assertIs(runs.wait(1), STATE.ERT_CMD_STATE_TIMEOUT)
        self.assertIs(runs.state(), STATE.ERT_CMD_STATE_RUNNING)
        for call in (lambda: runs.add(pyxrt.run(kernel)), runs.execute, runs.reset):
            with self.assertRaisesRegex(RuntimeError, "being executed"):
                call()
        long.abort()
        with self.assertRaisesRegex(RuntimeError, "run 0 was aborted"):
            runs.wait()
        self.assertIs(runs.state(), STATE.ERT_CMD_STATE_ABORT)
        self.assertIs(after.state(), STATE.ERT_CMD_STATE_NEW)
        runs.reset()
        others.add(after)
        others.execute()
        others.wait()
        self.assertEqual(content(target), VERDICTS[5])

    def test_a_wait_ends_after_the_callbacks_of_the_last_run(self):
        device, context, kernel = self.load()
        run = self.run_of(kernel, input_buffer(device, kernel), output_buffer(device, kernel), COUNT, 5)
        begun, may_end, ended = threading.Event(), threading.Event(), []

        def callback(run, state, data):
            begun.set()
            ended.append(may_end.wait(PATIENCE))

        run.add_callback(STATE.ERT_CMD_STATE_COMPLETED, callback)
        runs = pyxrt.runlist(context)
        runs.add(run)
        runs.execute()
        self.assertTrue(begun.wait(PATIENCE))
        self.assertIs(runs.wait(1), STATE.ERT_CMD_STATE_TIMEOUT)
        may_end.set()
        self.assertIs(runs.wait(), STATE.ERT_CMD_STATE_COMPLETED)
        self.assertEqual(ended, [True])

    def test_a_list_is_of_one_device(self):
        device, context, kernel = self.load()
        other = pyxrt.device(1)
        foreign = pyxrt.kernel(other, other.load_xclbin("one_unit.xclbin"), "tcp_validator")
        with self.assertRaisesRegex(RuntimeError, "another device"):
            pyxrt.runlist(context).add(pyxrt.run(foreign))
        with self.assertRaisesRegex(RuntimeError, "runlist is empty"):
            pyxrt.runlist().execute()


class Registers(unittest.TestCase):
    def test_a_kernel_is_driven_by_its_registers(self):
        device, kernel = load()
        ip = pyxrt.ip(device, device.get_xclbin_uuid(), "tcp_validator:{tcp_validator_1}")
        self.assertEqual(ip.read_register(0x0F0), 0x56504354)
        source, target = input_buffer(device, kernel), output_buffer(device, kernel)
        registers = {
            0x10: source.address() & 0xFFFFFFFF, 0x14: source.address() >> 32,
            0x1C: target.address() & 0xFFFFFFFF, 0x20: target.address() >> 32,
            0x28: COUNT, 0x30: 5,
        }
        for offset, value in registers.items():
            ip.write_register(offset, value)
        ip.write_register(0, 1)
        while not ip.read_register(0) & 2:
            pass
        self.assertEqual(content(target), VERDICTS[5])
        with self.assertRaisesRegex(RuntimeError, "register 0x1000"):
            ip.read_register(0x1000)


if __name__ == "__main__":
    unittest.main()
