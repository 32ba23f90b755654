"""The memory behind the kernels' AXI4 masters: cocotbext-axi's bus models, and behind them bytes, failures and delays.

cocotbext-axi judges the protocol: its models assert that a burst stays within 4 KiB and that WLAST is where AWLEN says.
"""

import itertools

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBurstType, AxiBus, AxiResp, AxiSlave

PAGE = 4096
BACKGROUND = 0xA5
"""What nobody wrote yet; so a byte that should not have been written shows."""


class BusError(Exception):
    """An access that the memory answers by an error."""


class Memory:
    """Sparse bytes, shared by all ports of a kernel."""

    def __init__(self):
        self.pages = {}

    def page(self, address):
        number = address // PAGE
        if number not in self.pages:
            self.pages[number] = bytearray([BACKGROUND]) * PAGE
        return self.pages[number]

    def load(self, address, length):
        data = bytearray()
        while length > 0:
            start = address % PAGE
            part = self.page(address)[start : start + min(length, PAGE - start)]
            data += part
            address += len(part)
            length -= len(part)
        return bytes(data)

    def store(self, address, data):
        while data:
            start = address % PAGE
            part = data[: PAGE - start]
            self.page(address)[start : start + len(part)] = part
            address += len(part)
            data = data[len(part) :]


async def fail(wrong):
    """A task of its own that fails the test."""
    raise wrong


class Port:
    """One AXI4 master of the kernel, answered by cocotbext-axi from `memory`.

    `failing` is a list of (first address, last address, AxiResp): accesses that touch one are answered so.
    """

    def __init__(self, dut, prefix, memory):
        self.memory = memory
        self.failing = []
        self.read_bursts, self.write_bursts = [], []
        self.failed_reads, self.failed_writes = [], []
        self.read_latency = self.write_latency = 0
        self.clock = dut.ap_clk
        self.response = AxiResp.OKAY
        self.on_write = None
        """Called with address and bytes of each write, to judge it."""
        self.slave = AxiSlave(AxiBus.from_prefix(dut, prefix), dut.ap_clk, dut.ap_rst_n, self, reset_active_level=False)
        reads, writes = self.slave.read_if, self.slave.write_if
        for channel in (reads.ar_channel, reads.r_channel, writes.aw_channel, writes.w_channel, writes.b_channel):
            channel.log.setLevel("ERROR")
        reads.log.setLevel("ERROR")
        writes.log.setLevel("ERROR")
        # More than a kernel has outstanding, so that its own limit is met.
        reads.ar_channel.queue_occupancy_limit = writes.aw_channel.queue_occupancy_limit = 40
        size = (reads.width // 8).bit_length() - 1
        self._watch(reads.ar_channel, "ar", size, self.read_bursts)
        self._watch(writes.aw_channel, "aw", size, self.write_bursts)
        self._answer(reads.r_channel, "rresp")
        self._answer(writes.b_channel, "bresp")

    @property
    def channels(self):
        """AR, R, AW, W and B, for their pause generators."""
        reads, writes = self.slave.read_if, self.slave.write_if
        return reads.ar_channel, reads.r_channel, writes.aw_channel, writes.w_channel, writes.b_channel

    def pause(self, generators):
        """Sets a pause generator on each channel, or none: an iterator of bools, or None."""
        for channel, generator in zip(self.channels, generators):
            pause(channel, generator)

    def forget(self):
        """Drops what it has seen."""
        for log in (self.read_bursts, self.write_bursts, self.failed_reads, self.failed_writes):
            log.clear()

    @staticmethod
    def _watch(channel, name, size, log):
        """Logs each burst as (address, beats) when the model takes it up, and judges what is the same in all of them."""
        receive = channel.recv

        async def watched():
            burst = await receive()
            field = lambda of: int(getattr(burst, name + of))
            assert (field("size"), field("burst"), field("lock"), field("id")) == (size, AxiBurstType.INCR, 0, 0), f"{burst}"
            log.append((field("addr"), field("len") + 1))
            return burst

        channel.recv = watched

    def _answer(self, channel, field):
        """The bus models know SLVERR only: this gives the response that the memory wants."""
        send = channel.send

        async def answered(item):
            if getattr(item, field) != AxiResp.OKAY:
                setattr(item, field, self.response)
            await send(item)

        channel.send = answered

    def _check(self, address, length, failed):
        for first, last, response in self.failing:
            if address <= last and first < address + length:
                self.response = response
                failed.append(address)
                raise BusError

    async def read(self, address, length):
        if self.read_latency:
            await ClockCycles(self.clock, self.read_latency)
        self._check(address, length, self.failed_reads)
        return self.memory.load(address, length)

    async def write(self, address, data):
        if self.write_latency:
            await ClockCycles(self.clock, self.write_latency)
        try:
            self._check(address, len(data), [])
        except BusError:
            self.failed_writes.append(self.write_bursts[-1][0])
            raise
        if self.on_write:
            try:
                self.on_write(address, data)
            except AssertionError as wrong:
                # Raised in here, the bus model would take it for a failing memory.
                cocotb.start_soon(fail(wrong))
        self.memory.store(address, data)


def pause(channel, generator):
    """Sets a channel's pause generator, or none: the model alone would stay paused if it just was."""
    channel.set_pause_generator(generator)
    if generator is None:
        channel.pause = False


def endless(random, share):
    """A pause generator: pauses this share of the clocks, each by itself."""
    return (random.random() < share for _ in itertools.count())


def bursty(random, share, longest):
    """A pause generator: pauses about this share of the clocks, in stretches of up to `longest` clocks."""
    while True:
        paused = random.random() < share
        for _ in range(random.randint(1, longest)):
            yield paused
