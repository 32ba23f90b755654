"""Tests of `tcp_queue` when something is wrong: each cause of a stop, and that other pairs do not notice."""

import cocotb
from cocotbext.axi import AxiBurstType, AxiResp

from memory import PAGE
from queue_host import (
    BAD_BASE,
    BAD_HEAD,
    BAD_READ,
    BAD_SIZE,
    BAD_TAIL,
    BAD_WRITE,
    COMPLETIONS,
    CONTROL,
    COUNTERS,
    ENABLED,
    PUSH_OVERRUN,
    PUSH_TORN,
    SIZES,
    SUBMISSION,
    SUBMISSIONS,
)
from rig import rng, rounds
from test_queue import fresh, pause, submission, submit


async def works_again(host, pair, random):
    """A pair that was stopped works as a new one, once it is enabled; then it is stopped by its host."""
    await pair.enable()
    await submit(host, pair, random, min(4, 1 << pair.ring_bits))
    await pair.finish()
    await host.write(pair.offset + CONTROL, 0)


@cocotb.test()
async def bad_sizes_and_bases(dut):
    """What is checked at enabling: the pair stays disabled, and its cause says why."""
    random = rng("bad_sizes_and_bases")
    host = await fresh(dut)
    pair = await host.pair(random.randrange(16), 3, 4)
    await host.write(pair.offset + CONTROL, 0)
    for ring_bits in range(16):
        for completion_bits in range(16):
            good = ring_bits >= 1 and completion_bits >= 3
            if good and random.random() < 0.9:
                continue
            await host.write(pair.offset + SIZES, ring_bits | completion_bits << 8)
            await host.write(pair.offset + CONTROL, 1)
            await pair.expect(ENABLED if good else BAD_SIZE << 4, f"sizes {ring_bits} and {completion_bits}")
            await host.write(pair.offset + CONTROL, 0)
    await host.write(pair.offset + SIZES, 3 | 4 << 8)
    for register in (SUBMISSIONS, COMPLETIONS):
        base = await host.read(pair.offset + register)
        for bit in range(12):
            await host.write(pair.offset + register, base | 1 << bit)
            await host.write(pair.offset + CONTROL, 1)
            await pair.expect(BAD_BASE << 4, f"bit {bit} of a base")
        await host.write(pair.offset + register, base)
    await pair.enable()
    await pair.expect(ENABLED, "after errors")
    pair.place(submission(random, host))
    await pair.ring_tail()
    await pair.finish()


@cocotb.test()
async def written_while_enabled(dut):
    """Sizes and addresses are fixed while a pair is enabled or under way."""
    random = rng("written_while_enabled")
    host = await fresh(dut)
    pair = await host.pair(5, 4, 4, 0x1234_5600_0000)
    registers = (SIZES, SUBMISSIONS, SUBMISSIONS + 4, COMPLETIONS, COMPLETIONS + 4)
    kept = [await host.read(pair.offset + register) for register in registers]

    async def fixed():
        for register, value in zip(registers, kept):
            answer = await host.answered(pair.offset + register, random.randbytes(4))
            assert answer == AxiResp.SLVERR, f"register {register:#x}: {answer!r}"
            await host.expect(pair.offset + register, value, "what is fixed")

    await fixed()
    # Stopped with something under way, it cannot be enabled either.
    host.sink.channels[4].pause = True
    await submit(host, pair, random, 4)
    await host.idle(100)
    await host.write(pair.offset + CONTROL, 0)
    await pair.expect(2, "stopped and under way")
    await fixed()
    assert await host.answered(pair.offset + CONTROL, (1).to_bytes(4, "little")) == AxiResp.SLVERR
    host.sink.channels[4].pause = False
    assert await pair.drained() == 0
    await pair.finish()
    await host.write(pair.offset + SIZES, 0x305)
    await host.expect(pair.offset + SIZES, 0x305, "sizes once drained")


@cocotb.test()
async def bad_doorbells(dut):
    """A tail or head that cannot be stops its pair; what was accepted is completed; nobody else notices."""
    random = rng("bad_doorbells")
    host = await fresh(dut)
    other = await host.pair(12, 6, 6)
    for turn in range(rounds(12, 100)):
        pair = await host.pair(random.randrange(12), random.randint(1, 5), random.randint(3, 5))
        size = 1 << pair.ring_bits
        # All of them have a place, for no head doorbell is rung when a wrong one is due.
        await submit(host, pair, random, random.randint(1, min(size, 1 << pair.completion_bits)))
        if turn % 2:
            await pair.finish()
            await pair.drained()
            # The submission head is where the tail is.
            tail = random.choice([pair.tail + size + 1, pair.tail - 1, pair.tail + size + random.randrange(1 << 14)])
            await host.write(0x700 + 8 * pair.index, tail & 0xFFFF)
            await pair.stopped(BAD_TAIL)
        else:
            await pair.finish(give_back=False)
            head = random.choice([pair.head + 1, 0xFFFF, pair.head + random.randrange(1, 1 << 14)])
            await host.write(0x704 + 8 * pair.index, head & 0xFFFF)
            await pair.stopped(BAD_HEAD)
        # Ignored once it is stopped, and the first cause is kept.
        await host.write(0x700 + 8 * pair.index, random.getrandbits(16))
        await host.write(0x704 + 8 * pair.index, random.getrandbits(16))
        await pair.stopped(BAD_TAIL if turn % 2 else BAD_HEAD)
        assert pair.take() == 0
        await submit(host, other, random, 5)
        await other.finish()
    await other.expect(ENABLED, "the other pair")


@cocotb.test()
async def exact_doorbells(dut):
    """The last tails and heads that are right: a full ring, and all completions given back."""
    random = rng("exact_doorbells")
    host = await fresh(dut)
    for bits in (1, 2, 4):
        pair = await host.pair(bits, bits, 3)
        for _ in range(4):
            await submit(host, pair, random, 1 << bits)
            await pair.finish()
            await pair.ring_tail()
            await pair.ring_head()
        await pair.expect(ENABLED, "after exact doorbells")


@cocotb.test()
async def reads_that_fail(dut):
    """Entries from the failed beat on are never completed, those before are, and another enabling starts anew."""
    random = rng("reads_that_fail")
    host = await fresh(dut)
    other = await host.pair(15, 6, 6)
    for turn in range(rounds(10, 150)):
        pause(host, random)
        pair = await host.pair(random.randrange(15), random.randint(3, 7), 8)
        count = random.randint(1, 1 << pair.ring_bits)
        for _ in range(count):
            pair.place(submission(random, host))
        broken = random.randrange(count) // 2 * 2
        first = pair.ring + SUBMISSION * broken
        host.source.failing = [(first, first + 63, random.choice([AxiResp.SLVERR, AxiResp.DECERR]))]
        await pair.ring_tail()
        await submit(host, other, random, 5)
        await pair.stopped(BAD_READ)
        await other.finish()
        pair.take()
        assert pair.answered == broken, f"{pair.answered} completions, not the {broken} before the failed beat"
        host.source.failing = []
        await works_again(host, pair, random)
    await other.expect(ENABLED, "the other pair")


@cocotb.test()
async def writes_that_fail(dut):
    """After a failed write nothing stands behind the gap that the host could take; others go on."""
    random = rng("writes_that_fail")
    host = await fresh(dut)
    other = await host.pair(15, 6, 6)
    for turn in range(rounds(10, 150)):
        pause(host, random)
        pair = await host.pair(random.randrange(15), random.randint(3, 6), random.randint(3, 6))
        count = random.randint(1, min(1 << pair.ring_bits, 1 << pair.completion_bits))
        for _ in range(count):
            pair.place(submission(random, host))
        first = pair.completions + 8 * random.randrange(count)
        host.sink.failing = [(first, first, random.choice([AxiResp.SLVERR, AxiResp.DECERR]))]
        await pair.ring_tail()
        await submit(host, other, random, 5)
        await pair.stopped(BAD_WRITE)
        await other.finish()
        pair.take()
        assert pair.answered <= (first - pair.completions) // 8, f"{pair.answered} completions, past the failed write"
        host.sink.failing = []
        await works_again(host, pair, random)
    await other.expect(ENABLED, "the other pair")


@cocotb.test()
async def pushes_that_are_refused(dut):
    """To a pair that is not enabled, without room, and in pieces: answered SLVERR, and the causes tell."""
    random = rng("pushes_that_are_refused")
    host = await fresh(dut)
    other = await host.pair(14, 1, 6)
    refused = 0
    for turn in range(rounds(10, 100)):
        pair = await host.pair(random.randrange(14), 1, 3)
        await host.write(pair.offset + CONTROL, 0)
        data = submission(random, host).written() + submission(random, host).written()
        assert await host.push_bytes(pair.index, 64 * random.randrange(64), data) == AxiResp.SLVERR
        refused += 1
        await pair.expect(0, "not enabled")

        await pair.enable()
        for _ in range(4):
            assert await host.push(pair, submission(random, host), submission(random, host)) == AxiResp.OKAY
        assert await host.push_bytes(pair.index, 0, data[: random.choice([32, 64])]) == AxiResp.SLVERR
        refused += 1
        await pair.stopped(PUSH_OVERRUN)
        assert pair.take() == 8 and not pair.waiting

        await pair.enable()
        assert await host.push(pair, submission(random, host), None) == AxiResp.OKAY
        start = random.randrange(64)
        end = random.randint(start + 1, 64)
        while (start, end) in ((0, 32), (32, 64), (0, 64)):
            end = random.randint(start + 1, 64)
            start = random.randrange(end)
        assert await host.push_bytes(pair.index, start, data[start:end]) == AxiResp.SLVERR, f"bytes {start} to {end}"
        refused += 1
        await pair.stopped(PUSH_TORN)
        assert pair.take() == 1 and not pair.waiting
        assert await host.push(other, submission(random, host), submission(random, host)) == AxiResp.OKAY
        await other.finish()
    await host.expect(COUNTERS + 8, refused, "refused pushes")
    await other.expect(ENABLED, "the other pair")


@cocotb.test()
async def a_pair_is_stopped_while_its_push_is_judged(dut):
    """A push whose pair is stopped while its room is looked up is taken off, and the next is judged by its own pair's room."""
    random = rng("a_pair_is_stopped_while_its_push_is_judged")
    host = await fresh(dut)
    for turn in range(rounds(40, 200)):
        # Rings of eight have no room in plenty: each push to them is judged.
        full, stops = await host.pair(3, 1, 3), await host.pair(8, 1, 3)
        for _ in range(4):
            assert await host.push(full, submission(random, host), submission(random, host)) == AxiResp.OKAY
        push = cocotb.start_soon(host.push(stops, submission(random, host), None))
        await host.idle(turn % 20)
        await host.write(stops.offset + CONTROL, 0)
        if await push == AxiResp.OKAY:
            await stops.finish(give_back=False)
        assert await host.push_bytes(full.index, 0, submission(random, host).written()) == AxiResp.SLVERR, f"turn {turn}"
        await full.stopped(PUSH_OVERRUN)
        assert full.take() == 8


@cocotb.test()
async def pushes_use_every_place(dut):
    """Rings with room in plenty, too, are filled to the last place and not beyond, however fast the pushes come."""
    random = rng("pushes_use_every_place")
    host = await fresh(dut)

    async def fill(pair, places):
        halves = [[submission(random, host) for _ in range(2)] for _ in range(places // 2)]
        for push in [cocotb.start_soon(host.push(pair, *both)) for both in halves]:
            assert await push == AxiResp.OKAY

    for bits in (4, 6, 7, 8) * rounds(1, 5):
        pair = await host.pair(random.randrange(16), 1, bits)
        size = 1 << bits
        await fill(pair, size)
        await pair.drained()
        assert pair.take() == size
        # What is given back is there again, and no more.
        given = 2 * random.randint(1, size // 2)
        pair.head = (pair.head - size + given) & 0xFFFF
        await pair.ring_head()
        pair.head = (pair.head + size - given) & 0xFFFF
        await fill(pair, given)
        await pair.drained()
        assert pair.take() == given
        await pair.expect(ENABLED, "full, and nothing wrong yet")
        assert await host.push_bytes(pair.index, 0, submission(random, host).written()) == AxiResp.SLVERR
        await pair.stopped(PUSH_OVERRUN)
        assert pair.take() == 0


@cocotb.test()
async def a_burst_of_which_a_part_is_refused(dut):
    """The response is of all beats: a pair that is enabled in the middle of a burst takes the rest, and the answer is SLVERR."""
    random = rng("a_burst_of_which_a_part_is_refused")
    host = await fresh(dut)
    pair = await host.pair(10, 1, 5)
    await host.write(pair.offset + CONTROL, 0)
    few = [submission(random, host) for _ in range(8)]
    beats = lambda: int(dut.s_axi_push_wvalid.value) and int(dut.s_axi_push_wready.value)
    channel = host.window.w_channel
    channel.pause = True
    burst = cocotb.start_soon(host.push_bytes(pair.index, 0, b"".join(one.written() for one in few)))
    await host.idle(5)
    channel.pause = False
    while not beats():
        await host.idle(1)
    channel.pause = True
    await host.idle(5)
    await pair.enable()
    refused = await host.read(COUNTERS + 8)
    assert 1 <= refused <= 3, f"{refused} beats were refused"
    pair.by_push.extend((one, 0) for one in few[2 * refused :])
    channel.pause = False
    assert await burst == AxiResp.SLVERR
    await pair.finish()
    # The next burst starts anew.
    assert await host.push(pair, few[0], few[1]) == AxiResp.OKAY
    await pair.finish()
