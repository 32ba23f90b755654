"""`tcp_validator` as its host sees it: the interface of kernel.md, and what a run must leave behind."""

import descriptor as tcp
from memory import BACKGROUND, Memory, Port
from rig import Kernel, bounded
from cocotb.triggers import RisingEdge

CONTROL, GLOBAL_ENABLE, INTERRUPT_ENABLE, INTERRUPT_STATUS = 0x000, 0x004, 0x008, 0x00C
DESCRIPTORS, VERDICTS, COUNT, OPTIONS = 0x010, 0x01C, 0x028, 0x030
STATUS, FAIL_ADDRESS = 0x040, 0x048
IDENTITY, VERSION, WIDTH = 0x0F0, 0x0F4, 0x0F8
COUNTERS, POLICIES = 0x100, 0x400

START, DONE, IDLE, READY, AUTO_RESTART = 1, 2, 4, 8, 0x80
OK, BAD_OPTIONS, MISALIGNED, READ_ERROR, WRITE_ERROR = range(5)

ACTIVE, READ_WAIT, WRITE_WAIT = 13, 14, 15
MARGIN = 320
"""Bytes looked at before and after the verdicts."""


class Validator(Kernel):
    """The kernel between a memory and a host that keeps account."""

    def __init__(self, dut):
        super().__init__(dut)
        self.memory = Memory()
        self.source = Port(dut, "m_axi_gmem0", self.memory)
        self.sink = Port(dut, "m_axi_gmem1", self.memory)
        self.beat = len(dut.m_axi_gmem0_rdata) // 8
        self.forget()

    def forget(self):
        """What a reset makes of the kernel's state."""
        self.policies = [tcp.RESET_POLICY] * 16
        self.counts = [0] * 13

    async def reset(self, clocks=4):
        self.forget()
        await super().reset(clocks)

    async def set_policy(self, slot, words):
        for index, word in enumerate(words):
            await self.write(POLICIES + 32 * slot + 4 * index, word)
        self.policies[slot] = tuple(words)

    async def set_arguments(self, source, sink, count, options):
        for offset, value in ((DESCRIPTORS, source), (VERDICTS, sink)):
            await self.write(offset, value & 0xFFFFFFFF)
            await self.write(offset + 4, value >> 32)
        await self.write(COUNT, count)
        await self.write(OPTIONS, options)

    async def start(self):
        await self.write(CONTROL, START)

    async def done(self):
        """Waits for ap_done by polling; the control word that told it."""

        async def poll():
            while True:
                control = await self.read(CONTROL)
                if control & DONE:
                    return control

        return await bounded(poll(), "ap_done")

    async def launch(self, source, sink, count, options):
        """A run by registers alone; its status."""
        await self.set_arguments(source, sink, count, options)
        await self.start()
        await self.done()
        return await self.read(STATUS)

    async def run(self, descriptors, options, source, sink):
        """A whole run, with all that must hold after it."""
        verdicts = [tcp.judge(one, options, self.policies[options.slot]) for one in descriptors]
        self.place(descriptors, source)
        before = self.before(sink, len(descriptors) * options.size)
        status = await self.launch(source, sink, len(descriptors), options.word())
        assert status == OK, f"status {status}"
        self.count(verdicts)
        self.check_written(verdicts, options, sink, before)
        self.check_bursts(source, len(descriptors))
        return verdicts

    def place(self, descriptors, source):
        self.memory.store(source, b"".join(descriptors))
        self.source.forget()
        self.sink.forget()

    def before(self, sink, length):
        """Clears what a run will write, and returns the margins around it."""
        self.memory.store(sink, bytes([BACKGROUND]) * length)
        return self.margins(sink, length)

    def margins(self, sink, length):
        return self.memory.load(sink - MARGIN, MARGIN), self.memory.load(sink + length, MARGIN)

    def count(self, verdicts):
        """What the counters must have gained."""
        for verdict in verdicts:
            self.counts[0] += 1
            if verdict.valid:
                self.counts[1] += 1
                self.counts[2 + verdict.decision] += 1
                self.counts[11] += verdict.byte >> 6 & 1
                self.counts[12] += verdict.byte >> 7
            else:
                self.counts[5 + verdict.cause] += 1

    def check_written(self, verdicts, options, sink, margins):
        length = len(verdicts) * options.size
        found = self.memory.load(sink, length)
        for index, verdict in enumerate(verdicts):
            wanted = verdict.written(options.detail)
            got = found[index * options.size : (index + 1) * options.size]
            assert got == wanted, f"verdict {index} of {len(verdicts)} is {got.hex()}, not {wanted.hex()} ({options})"
        assert self.margins(sink, length) == margins, f"bytes outside of {length} verdict bytes were written ({options})"

    def check_bursts(self, source, count):
        """Only what is asked for is read, each beat once and in order."""
        place = source
        for address, beats in self.source.read_bursts:
            assert address == place, f"burst at {address:#x}, not {place:#x}"
            place += beats * self.beat
        last = source + (24 * count + self.beat - 1) // self.beat * self.beat
        assert place == last, f"{place - source:#x} bytes are read for {count} descriptors, not {last - source:#x}"
        assert not self.source.write_bursts and not self.sink.read_bursts

    async def run_that_fails(self, descriptors, options, source, sink):
        """A run over memory that fails; its status and the address that it tells.

        What was not computed is not written as anything but 0, and nothing beside the verdicts is touched.
        """
        verdicts = [tcp.judge(one, options, self.policies[options.slot]) for one in descriptors]
        self.place(descriptors, source)
        length = len(descriptors) * options.size
        margins = self.before(sink, length)
        status = await self.launch(source, sink, len(descriptors), options.word())
        broken = self.source.failed_reads[0] - source if self.source.failed_reads else 24 * len(descriptors)
        found = self.memory.load(sink, length)
        for index, verdict in enumerate(verdicts):
            wanted = verdict.written(options.detail)
            known = 24 * (index + 1) <= broken
            for byte in range(options.size):
                got = found[index * options.size + byte]
                allowed = {0, BACKGROUND, wanted[byte]} if known else {0, BACKGROUND}
                assert got in allowed, f"byte {byte} of verdict {index} is {got:#x} ({'' if known else 'not '}computed)"
        assert self.margins(sink, length) == margins, "bytes outside of the verdicts were written"
        before = self.counts
        self.counts = [await self.read64(COUNTERS + 8 * index) for index in range(13)]
        gained = self.counts[0] - before[0]
        assert 0 <= gained <= len(descriptors), f"{gained} of {len(descriptors)} descriptors were counted"
        return status, await self.read64(FAIL_ADDRESS)

    async def check_counters(self):
        for index, wanted in enumerate(self.counts):
            found = await self.read64(COUNTERS + 8 * index)
            assert found == wanted, f"counter {index} is {found}, not {wanted}"

    async def clocks(self, many):
        for _ in range(many):
            await RisingEdge(self.clock)
