"""cocotb on the RTL of the card: a run for each line of the standard input.

The bus models are as lean as cocotb lets them be: one coroutine, awake twice a clock. (Those of cocotbext-axi 0.1.24 do
not see the end of the reset with cocotb 1.9 on Verilator 5.006.)
"""

import os
import sys
import time
from collections import deque
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, ReadOnly

# Register offsets of docs/registers.md.
CONTROL, GLOBAL_INTERRUPT_ENABLE, INTERRUPT_ENABLE, INTERRUPT_STATUS = 0x000, 0x004, 0x008, 0x00C
DESCRIPTORS, VERDICTS, COUNT, OPTIONS = 0x010, 0x01C, 0x028, 0x030

BEAT = 64
FULL = (1 << BEAT) - 1


class Buses:
    """The memory behind both AXI4 masters, and the master of the AXI4-Lite slave.

    Signals are driven at the falling edge and looked at once they have settled: as the next rising edge finds them.
    """

    def __init__(self, dut, memory):
        self.dut = dut
        self.memory = memory
        self.reads, self.writes, self.beats = deque(), deque(), deque()
        self.answers = 0
        self.read_beat = self.answering = False

    def start(self):
        dut = self.dut
        for ready in (dut.m_axi_gmem0_arready, dut.m_axi_gmem1_awready, dut.m_axi_gmem1_wready):
            ready.value = 1
        dut.s_axi_control_bready.value = 1
        dut.s_axi_control_wstrb.value = 0xF
        dut.m_axi_gmem0_rresp.value = 0
        dut.m_axi_gmem1_bresp.value = 0

    def drive(self):
        dut = self.dut
        if self.reads and not self.read_beat:
            address, left = self.reads[0]
            dut.m_axi_gmem0_rdata.value = int.from_bytes(self.memory[address : address + BEAT], "little")
            dut.m_axi_gmem0_rlast.value = left == 1
            dut.m_axi_gmem0_rvalid.value = 1
            self.read_beat = True
        elif not self.reads:
            dut.m_axi_gmem0_rvalid.value = 0
        self.answering = self.answers > 0
        dut.m_axi_gmem1_bvalid.value = self.answering

    def settle(self):
        dut = self.dut
        if self.read_beat and dut.m_axi_gmem0_rready.value:
            address, left = self.reads.popleft()
            if left > 1:
                self.reads.appendleft((address + BEAT, left - 1))
            self.read_beat = False
        if dut.m_axi_gmem0_arvalid.value:
            self.reads.append((dut.m_axi_gmem0_araddr.value.integer, dut.m_axi_gmem0_arlen.value.integer + 1))
        if self.answering and dut.m_axi_gmem1_bready.value:
            self.answers -= 1
        if dut.m_axi_gmem1_awvalid.value:
            self.writes.append([dut.m_axi_gmem1_awaddr.value.integer, dut.m_axi_gmem1_awlen.value.integer + 1])
        if dut.m_axi_gmem1_wvalid.value:
            self.beats.append((dut.m_axi_gmem1_wdata.value.integer, dut.m_axi_gmem1_wstrb.value.integer))
        while self.beats and self.writes:
            self.write(*self.beats.popleft())

    def write(self, data, strobes):
        burst = self.writes[0]
        data = data.to_bytes(BEAT, "little")
        base = burst[0] - burst[0] % BEAT
        if strobes == FULL:
            self.memory[base : base + BEAT] = data
        else:
            for byte in range(BEAT):
                if strobes >> byte & 1:
                    self.memory[base + byte] = data[byte]
        burst[0] = base + BEAT
        burst[1] -= 1
        if burst[1] == 0:
            self.writes.popleft()
            self.answers += 1


@cocotb.test()
async def validate(dut):
    descriptors = Path(os.environ["PEER_DESCRIPTORS"]).read_bytes()
    count = len(descriptors) // 24
    verdicts_at = (len(descriptors) + 4095) // 4096 * 4096
    memory = bytearray(verdicts_at + (count + 4095) // 4096 * 4096)
    memory[: len(descriptors)] = descriptors
    buses = Buses(dut, memory)
    falling, settled = FallingEdge(dut.ap_clk), ReadOnly()

    cocotb.start_soon(Clock(dut.ap_clk, 4, units="ns").start())
    dut.ap_rst_n.value = 0
    await ClockCycles(dut.ap_clk, 8)
    await falling
    dut.ap_rst_n.value = 1
    buses.start()

    async def clock():
        buses.drive()
        await settled
        buses.settle()

    async def write_register(offset, value):
        await falling
        dut.s_axi_control_awaddr.value = offset
        dut.s_axi_control_wdata.value = value
        dut.s_axi_control_awvalid.value = dut.s_axi_control_wvalid.value = 1
        while True:
            await clock()
            taken = dut.s_axi_control_awready.value, dut.s_axi_control_wready.value
            done = dut.s_axi_control_bvalid.value
            await falling
            if taken[0]:
                dut.s_axi_control_awvalid.value = 0
            if taken[1]:
                dut.s_axi_control_wvalid.value = 0
            if done:
                return

    async def run():
        await write_register(CONTROL, 1)
        while not dut.interrupt.value:
            await clock()
            await falling
        await write_register(INTERRUPT_STATUS, 1)

    for offset, value in [
        (DESCRIPTORS, 0),
        (DESCRIPTORS + 4, 0),
        (VERDICTS, verdicts_at),
        (VERDICTS + 4, 0),
        (COUNT, count),
        (OPTIONS, int(os.environ["PEER_OPTIONS"])),
        (GLOBAL_INTERRUPT_ENABLE, 1),
        (INTERRUPT_ENABLE, 1),
    ]:
        await write_register(offset, value)

    await run()
    Path(os.environ["PEER_VERDICTS"]).write_bytes(memory[verdicts_at : verdicts_at + count])
    print("ready", flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        await run()
        print((time.perf_counter() - begin) / count * 1e9, flush=True)
