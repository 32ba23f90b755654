"""Tests of `tcp_queue`'s registers: identity, policies' shadows, interrupts and their moderation, counters, reset."""

import cocotb
from cocotbext.axi import AxiResp

import descriptor as tcp
import traffic
from queue_host import (
    BAD_OPTIONS,
    BAD_SIZE,
    CONTROL,
    COUNTERS,
    EVENTS,
    GLOBAL_ENABLE,
    IDENTITY,
    INTERRUPT_ENABLE,
    MODERATION,
    PAIRS,
    PENDING,
    POLICIES,
    POLICY_VERSIONS,
    SIZES,
    VERSION,
    WIDTH,
)
from rig import high, rng, rounds, unused
from test_queue import fresh, submission, submit


@cocotb.test()
async def registers(dut):
    """Identity, values after reset, words only, and offsets where there is nothing."""
    random = rng("registers")
    host = await fresh(dut)
    host.pause_control(random, 0.3)
    for offset, value in ((IDENTITY, 0x51504354), (VERSION, 1), (WIDTH, 512), (PAIRS, 16)):
        await host.write(offset, 0xFFFFFFFF)
        await host.expect(offset, value, "what cannot be written")
    kept = {GLOBAL_ENABLE: (0, 1), INTERRUPT_ENABLE: (0, 0xFFFF), MODERATION: (0, 0xFFFFFFFF)}
    for pair in range(16):
        kept[0x800 + 64 * pair + SIZES] = (None, 0xF0F)
        for word in range(2, 6):
            kept[0x800 + 64 * pair + 4 * word] = (None, 0xFFFFFFFF)
    for offset, (value, _) in kept.items():
        if value is not None:
            await host.expect(offset, value, "after reset")
    values = {}
    for offset, (_, mask) in random.sample(sorted(kept.items()), len(kept)):
        value = random.getrandbits(32)
        await host.write(offset, value)
        values[offset] = value & mask
        await host.expect(offset, value & mask, "what was written")
        first = random.randrange(4)
        data = random.randbytes(random.randint(1, 4 - first))[: 4 - first]
        if len(data) < 4:
            assert await host.answered(offset + first, data) == AxiResp.SLVERR, "a part of a word"
    for offset, value in values.items():
        await host.expect(offset, value, "what was written")
    for offset in [0x000, 0x014, 0x020, 0x0EC, 0x1A0, 0x1FC, 0x3FC, 0x640, 0x6FC, 0x700, 0x77C, 0x780, 0x7FC, 0xC00, 0xFFC]:
        await host.write(offset, random.getrandbits(32))
        await host.expect(offset, 0, "nothing")
    await host.reset()
    for offset, (value, _) in kept.items():
        if value is not None:
            await host.expect(offset, value, "after reset")
    for pair in range(16):
        await host.expect(0x800 + 64 * pair, 0, "control after reset")


@cocotb.test()
async def unused_halves(dut):
    """One port reads and the other writes; what they do not use is quiet."""
    await fresh(dut)
    unused(dut, "m_axi_gmem0", "writes")
    unused(dut, "m_axi_gmem1", "reads")


@cocotb.test()
async def policy_sides(dut):
    """Both sides of every slot, after reset and through swaps, each word at its own place."""
    random = rng("policy_sides")
    host = await fresh(dut)
    sides = [[list(tcp.RESET_POLICY), list(tcp.RESET_POLICY)] for _ in range(16)]
    for turn in range(rounds(2, 6)):
        for slot in range(16):
            for word in range(8):
                await host.expect(POLICIES + 32 * slot + 4 * word, sides[slot][1][word], f"slot {slot}, word {word}")
                sides[slot][1][word] = random.getrandbits(32)
                await host.write(POLICIES + 32 * slot + 4 * word, sides[slot][1][word])
        for slot in random.sample(range(16), 16):
            await host.write(POLICY_VERSIONS + 4 * slot, random.getrandbits(32))
            sides[slot].reverse()
            await host.expect(POLICY_VERSIONS + 4 * slot, turn + 1, "version")
    for slot in range(16):
        for word in range(8):
            await host.expect(POLICIES + 32 * slot + 4 * word, sides[slot][1][word], f"slot {slot}, word {word}")
    await host.reset()
    for slot in range(16):
        await host.expect(POLICY_VERSIONS + 4 * slot, 0, "version after reset")
        for turn in range(2):
            for word in range(8):
                await host.expect(POLICIES + 32 * slot + 4 * word, tcp.RESET_POLICY[word], "after reset")
            await host.write(POLICY_VERSIONS + 4 * slot, 0)


@cocotb.test()
async def versions_wrap(dut):
    """A version has eight bits."""
    host = await fresh(dut)
    slot = rng("versions_wrap").randrange(16)
    for turn in range(257):
        await host.write(POLICY_VERSIONS + 4 * slot, 0)
    await host.expect(POLICY_VERSIONS + 4 * slot, 1, "version")
    for other in range(16):
        if other != slot:
            await host.expect(POLICY_VERSIONS + 4 * other, 0, "version of another slot")


@cocotb.test()
async def a_pair_is_enabled_while_another_is_read(dut):
    """Enabling a pair gives up what is planned; what another pair waits for is not forgotten, whatever the clock."""
    random = rng("a_pair_is_enabled_while_another_is_read")
    host = await fresh(dut)
    works, starts = await host.pair(4, 4, 5), await host.pair(11, 3, 3)
    for distance in range(30):
        await host.write(starts.offset + CONTROL, 0)
        await starts.drained()
        for _ in range(random.randint(1, 9)):
            works.place(submission(random, host))
        doorbell = cocotb.start_soon(works.ring_tail())
        await host.idle(distance)
        await starts.enable()
        await doorbell
        await works.finish()
        await submit(host, starts, random, 3)
        await starts.finish()


async def answer(host, pair, random, count):
    """Submits by ring and waits for the answers."""
    await submit(host, pair, random, count)
    await pair.finish()
    await pair.drained()


@cocotb.test()
async def interrupts(dut):
    """A pending bit for each pair that has completions, behind its enable and the global one."""
    random = rng("interrupts")
    host = await fresh(dut)
    pairs = {index: await host.pair(index, 3, 4) for index in (0, 7, 15)}
    for enabled in (0, 1 << 7, 0xFFFF):
        for globally in (0, 1):
            await host.write(GLOBAL_ENABLE, globally)
            await host.write(INTERRUPT_ENABLE, enabled)
            for index, pair in pairs.items():
                await answer(host, pair, random, random.randint(1, 4))
                await host.idle(5)
                await host.expect(PENDING, 1 << index, "pending")
                wanted = bool(globally and enabled >> index & 1)
                assert int(dut.interrupt.value) == wanted, f"pair {index}, enabled {enabled:#x}, {globally}"
                await host.write(PENDING, 0xFFFF & ~(1 << index))
                await host.expect(PENDING, 1 << index, "pending after other bits")
                await host.write(PENDING, 1 << index)
                await host.expect(PENDING, 0, "pending once cleared")
                assert int(dut.interrupt.value) == 0
    # A stop by an error is told too; enabling clears it.
    await host.write(0x704 + 8 * 7, (pairs[7].head + 1) & 0xFFFF)
    await high(dut.interrupt, host.clock, "interrupt of a pair that stopped")
    await host.expect(PENDING, 1 << 7, "pending")
    await pairs[7].enable()
    await host.expect(PENDING, 0, "pending once enabled")


@cocotb.test()
async def moderation(dut):
    """Interrupts held back: until so many completions, or until so many clocks have passed."""
    random = rng("moderation")
    host = await fresh(dut)
    pair, other = await host.pair(4, 6, 6), await host.pair(5, 6, 6)
    # By count, with a time that does not pass.
    await host.write(MODERATION, 8 | 0xFFFFFF << 8)
    for _ in range(3):
        await answer(host, pair, random, 7)
        await host.idle(50)
        await host.expect(PENDING, 0, "pending before the count")
        await answer(host, pair, random, 1)
        await host.idle(5)
        await host.expect(PENDING, 1 << 4, "pending at the count")
        await host.write(PENDING, 0xFFFF)
    # A pair that is enabled anew counts anew.
    await answer(host, pair, random, 5)
    await host.write(pair.offset, 0)
    await pair.enable()
    await answer(host, pair, random, 7)
    await host.idle(50)
    await host.expect(PENDING, 0, "pending before the count of a pair enabled anew")
    await answer(host, pair, random, 1)
    await host.idle(5)
    await host.expect(PENDING, 1 << 4, "pending at the count of a pair enabled anew")
    await host.write(PENDING, 0xFFFF)
    # By time.
    for clocks in (500, 2000):
        await host.write(MODERATION, 200 | clocks << 8)
        await answer(host, pair, random, 3)
        await host.idle(clocks // 2)
        await host.expect(PENDING, 0, "pending before the time")
        await answer(host, other, random, 2)
        await host.idle(clocks // 2)
        await host.expect(PENDING, 3 << 4, "pending after the time, both pairs")
        await host.write(PENDING, 0xFFFF)
        await host.idle(clocks + 50)
        await host.expect(PENDING, 0, "pending with nothing new")
    # A time that ends while completions are coming: often in the very clock of one.
    for clocks in range(2, 14):
        await host.write(MODERATION, 255 | clocks << 8)
        await answer(host, pair, random, 60)
        await host.idle(clocks + 5)
        await host.expect(PENDING, 1 << 4, f"pending after {clocks} clocks and more")
        await host.write(PENDING, 0xFFFF)
        await host.idle(clocks + 5)
        await host.expect(PENDING, 0, "pending with nothing new")
    # At once.
    for word in (0, 1 | 1000 << 8, 200):
        await host.write(MODERATION, word)
        await answer(host, pair, random, 1)
        await host.idle(5)
        await host.expect(PENDING, 1 << 4, f"pending at once, moderation {word:#x}")
        await host.write(PENDING, 0xFFFF)


@cocotb.test()
async def counters(dut):
    """What the counters say after traffic that is known."""
    random = rng("counters")
    host = await fresh(dut)
    pair = await host.pair(1, 6, 7)
    wanted = [0] * 13
    rings = pushes = refused = 0

    def count(one):
        nonlocal refused
        byte, cause = one.answer(tcp.RESET_POLICY)
        if cause == BAD_OPTIONS:
            refused += 1
            return
        wanted[0] += 1
        if cause:
            wanted[5 + cause] += 1
        else:
            wanted[1] += 1
            wanted[2 + (byte >> 1 & 3)] += 1
            wanted[11] += byte >> 6 & 1
            wanted[12] += byte >> 7

    for _ in range(rounds(8, 40)):
        for _ in range(random.randint(1, 40)):
            one = submission(random, host, refused=0.2)
            count(one)
            pair.place(one)
            rings += 1
        await pair.ring_tail()
        halves = [submission(random, host, refused=0.2) for _ in range(2)]
        for one in halves:
            count(one)
        pushes += 2
        assert await host.push(pair, *halves) == AxiResp.OKAY
        await pair.finish()
        await pair.drained()
    for index, value in ((0, rings), (1, pushes), (2, 0), (3, refused), (4, rings + pushes)):
        await host.expect(COUNTERS + 4 * index, value, f"counter {index}")
    bursts = await host.read(COUNTERS + 20), await host.read(COUNTERS + 24)
    assert bursts == (len(host.sink.write_bursts), len(host.source.read_bursts)), f"{bursts} bursts"
    for index, value in enumerate(wanted):
        found = await host.read64(EVENTS + 8 * index)
        assert found == value, f"event {index} is {found}, not {value}"
    active = await host.read64(EVENTS + 8 * 13)
    await host.idle(200)
    assert active > 0 and active == await host.read64(EVENTS + 8 * 13), "active clocks with nothing under way"


@cocotb.test()
async def counters_wrap(dut):
    """The queue's own counters have 32 bits."""
    random = rng("counters_wrap")
    host = await fresh(dut)
    pair = await host.pair(1, 6, 7)
    for before in (0xFFFFFFFF, 0, 0xFFFFFFFF):
        for index in range(8):
            dut.i_counters.count_q[index].value = before
        await host.idle(2)
        await answer(host, pair, random, 5)
        assert await host.push(pair, submission(random, host), submission(random, host)) == AxiResp.OKAY
        await pair.finish()
        await pair.drained()
        for index, gained in ((0, 5), (1, 2), (2, 0), (4, 7)):
            await host.expect(COUNTERS + 4 * index, (before + gained) & 0xFFFFFFFF, f"counter {index}")


@cocotb.test()
async def reset_at_any_time(dut):
    """A reset in the middle of traffic, with memory reset too, leaves a kernel like a new one."""
    random = rng("reset_at_any_time")
    host = await fresh(dut)
    for _ in range(rounds(6, 80)):
        for index in (0, 3, 8):
            pair = await host.pair(index, 5, 6)
            await submit(host, pair, random, 20)
        await host.idle(random.randrange(80))
        await host.reset(random.randrange(1, 4))
        for index in range(16):
            for offset, what in ((0, "control"), (0x18, "submission indices"), (0x1C, "completion indices")):
                await host.expect(0x800 + 64 * index + offset, 0, f"{what} after reset")
        # What was never configured does not start.
        never = random.randrange(16)
        await host.write(0x800 + 64 * never, 1)
        await host.expect(0x800 + 64 * never, BAD_SIZE << 4, "control of a pair without sizes")
        for index in range(8):
            await host.expect(COUNTERS + 4 * index, 0, f"counter {index} after reset")
        for index in (0, 15):
            pair = await host.pair(index, 5, 6)
            await answer(host, pair, random, 32)


@cocotb.test()
async def a_reset_of_one_clock(dut):
    """However short, a reset forgets what it finds: events on their way into counters, a line of which half was written."""
    random = rng("a_reset_of_one_clock")
    host = await fresh(dut)
    for _ in range(rounds(20, 400)):
        pair = await host.pair(3, 7, 7)
        # After a push of one, every fourth two completions of the ring are parted between lines.
        await host.push(pair, submission(random, host), None)
        await pair.finish()
        await submit(host, pair, random, 120)
        await host.idle(random.randrange(150))
        await host.reset(1)
        for index in range(8):
            await host.expect(COUNTERS + 4 * index, 0, f"counter {index} after reset")
        await answer(host, await host.pair(3, 7, 7), random, 2)
