"""Tests of `tcp_queue` whose outcome hangs on the clock in which something happens, or on what was long before."""

import cocotb
from cocotbext.axi import AxiResp
from queue_host import COMPLETIONS, ENABLED, MODERATION, NONE, PENDING, SUBMISSIONS
from rig import rng, rounds
from test_queue import fresh, submission, submit


@cocotb.test()
async def time_begins_with_a_completion(dut):
    """However long nothing waited for an interrupt: the time runs from the first completion that is not told."""
    random = rng("time_begins_with_a_completion")
    host = await fresh(dut)
    pair = await host.pair(4, 6, 6)
    clocks = 600
    await host.write(MODERATION, 200 | clocks << 8)
    for _ in range(rounds(6, 40)):
        await host.idle(random.randrange(clocks))
        await submit(host, pair, random, 2)
        await pair.finish()
        await host.idle(clocks // 2)
        await host.expect(PENDING, 0, "pending before the time")
        await host.idle(clocks // 2)
        await host.expect(PENDING, 1 << 4, "pending after the time")
        await host.write(PENDING, 0xFFFF)


@cocotb.test()
async def at_rest_beside_others(dut):
    """A pair whose answers are all there is at rest, whatever claims of others come in that very clock."""
    random = rng("at_rest_beside_others")
    host = await fresh(dut)
    pair, other = await host.pair(2, 4, 4), await host.pair(9, 1, 9)
    for _ in range(rounds(12, 120)):
        pushes = [cocotb.start_soon(host.push(other, submission(random, host), submission(random, host))) for _ in range(100)]
        await submit(host, pair, random, random.randint(1, 3))
        await pair.finish()
        for push in pushes:
            await push
        await other.finish()
        for one in (pair, other):
            await one.drained()
            await one.expect(ENABLED, "at rest")


@cocotb.test()
async def bases_after_reset(dut):
    """A reset forgets the bases, and takes none from a bus on which nothing is valid."""
    random = rng("bases_after_reset")
    host = await fresh(dut)
    for _ in range(rounds(4, 40)):
        for index in random.sample(range(16), 4):
            await host.pair(index, 3, 4, random.randrange(1, 1 << 40) << 24)
        # What lies on the register bus, with nothing valid, looks like a base.
        address = 0x800 + 64 * random.randrange(16) + random.choice([SUBMISSIONS, COMPLETIONS])
        dut.s_axi_control_awaddr.value = address
        dut.s_axi_control_araddr.value = address
        dut.s_axi_control_wdata.value = 0xFFFFFF00
        await host.reset(random.randrange(1, 4))
        for index in range(16):
            for base in (SUBMISSIONS, COMPLETIONS):
                for half in (0, 4):
                    await host.expect(0x800 + 64 * index + base + half, 0, "base after reset")


@cocotb.test()
async def a_push_of_nothing(dut):
    """Padding alone is taken, answered by nothing, and leaves the pair at rest."""
    random = rng("a_push_of_nothing")
    host = await fresh(dut)
    pair = await host.pair(6, 1, 5)
    for _ in range(rounds(4, 40)):
        none = b"".join(submission(random, host).written()[:28] + NONE.to_bytes(4, "little") for _ in range(2))
        assert await host.push_bytes(pair.index, 64 * random.randrange(64), none) == AxiResp.OKAY
        await host.idle(60)
        await pair.expect(ENABLED, "at rest after nothing")
        assert pair.take() == 0
        assert await host.push(pair, submission(random, host), None) == AxiResp.OKAY
        await pair.finish()
        await pair.drained()
