"""What the benches of both kernels share: clock, reset, registers, and random numbers that a seed gives again."""

import os
import random
import zlib

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from memory import endless, pause

PERIOD_NS = 4
PATIENCE = int(os.environ.get("TB_PATIENCE", 200_000))
"""Clocks that any wait has at most."""

SEED = int(os.environ["TB_SEED"])
LONG = os.environ.get("TB_LONG") == "1"


def rng(name):
    """Random numbers of a test, by the seed and its name: the same whichever tests run beside it."""
    return random.Random(zlib.crc32(f"{SEED} {name}".encode()))


def rounds(quick, long):
    """How often a random test goes round."""
    return long if LONG else quick


def unused(dut, port, half):
    """Demands that the half of an AXI4 port which a kernel never uses is quiet: `reads` or `writes`."""
    signals = {
        "reads": ("arvalid", "araddr", "arlen", "arid", "arlock", "arprot", "arqos", "rready"),
        "writes": ("awvalid", "awaddr", "awlen", "awid", "awlock", "awprot", "awqos", "wvalid", "wdata", "wstrb", "wlast", "bready"),
    }
    for signal in signals[half]:
        value = int(getattr(dut, f"{port}_{signal}").value)
        assert value == 0, f"{port}_{signal}, which is never used, is {value:#x}"


class Kernel:
    """A kernel under test with its clock and its AXI4-Lite master."""

    def __init__(self, dut):
        self.dut = dut
        self.clock = dut.ap_clk
        cocotb.start_soon(Clock(dut.ap_clk, PERIOD_NS, unit="ns").start())
        dut.ap_rst_n.value = 0
        bus = AxiLiteBus.from_prefix(dut, "s_axi_control")
        self.control = AxiLiteMaster(bus, dut.ap_clk, dut.ap_rst_n, reset_active_level=False)
        self.control.write_if.log.setLevel("ERROR")
        self.control.read_if.log.setLevel("ERROR")

    async def reset(self, clocks=4):
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.clock, clocks)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.clock, 2)

    async def answered(self, offset, data):
        """A register write of any bytes; its response."""
        return (await bounded(self.control.write(offset, data), f"write of register {offset:#x}")).resp

    async def write(self, offset, value):
        response = await self.answered(offset, value.to_bytes(4, "little"))
        assert response == AxiResp.OKAY, f"write of register {offset:#x}: {response!r}"

    async def read(self, offset):
        answer = await bounded(self.control.read(offset, 4), f"read of register {offset:#x}")
        assert answer.resp == AxiResp.OKAY, f"read of register {offset:#x}: {answer.resp!r}"
        return int.from_bytes(answer.data, "little")

    async def read64(self, offset):
        return await self.read(offset) | await self.read(offset + 4) << 32

    async def expect(self, offset, value, what):
        found = await self.read(offset)
        assert found == value, f"{what} at {offset:#x} reads {found:#x}, not {value:#x}"

    def pause_control(self, random, share):
        """Idle clocks and back-pressure on the register bus."""
        write, read = self.control.write_if, self.control.read_if
        for channel in (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel):
            pause(channel, endless(random, share) if share else None)


async def bounded(awaitable, what, clocks=PATIENCE):
    """What is awaited, or a failure after so many clocks."""
    try:
        return await with_timeout(awaitable, clocks * PERIOD_NS, "ns")
    except SimTimeoutError:
        raise AssertionError(f"{what}: nothing for {clocks} clocks") from None


async def high(signal, clock, what, clocks=PATIENCE):
    """Waits for a signal to be high."""

    async def watch():
        while int(signal.value) == 0:
            await RisingEdge(clock)

    await bounded(watch(), what, clocks)
