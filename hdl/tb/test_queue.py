"""Tests of `tcp_queue` with everything in order: rings, doorbells, pushes, wraps, policies that change, random traffic."""

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiResp

import memory
import traffic
from memory import bursty, endless
from queue_host import COUNTERS, MODERATION, NONE, POLICIES, QueueHost, Submission
from rig import rng, rounds


async def fresh(dut):
    host = QueueHost(dut)
    await host.reset()
    return host


def submission(random, host, refused=0.05):
    """A submission by some slot; with this probability its options are none."""
    options = traffic.options(random)
    word = options.word() & ~8
    if random.random() < refused:
        word = random.choice([word | 3, word | 8, word | 1 << random.randrange(8, 31)])
    words = host.policies[options.slot][host.versions[options.slot]]
    return Submission(traffic.descriptor(random, options, words), random.getrandbits(32), word)


async def submit(host, pair, random, count):
    """Places some, and rings the doorbell for them."""
    for _ in range(count):
        pair.place(submission(random, host))
    await pair.ring_tail()


def pause(host, random):
    """Idle clocks and back-pressure: none, now and then, or in long stretches."""
    window = (host.window.aw_channel, host.window.w_channel, host.window.b_channel)
    for port in (host.source, host.sink):
        share = random.choice([0, 0, 0.2, 0.6])
        kind = random.choice([endless, lambda random, share: bursty(random, share, 20)])
        port.pause([kind(random, share) if share else None for _ in port.channels])
    for channel in window:
        memory.pause(channel, endless(random, random.choice([0.1, 0.6])) if random.random() < 0.5 else None)
    host.pause_control(random, random.choice([0, 0.3]))


@cocotb.test()
async def each_pair(dut):
    """Each pair by ring and by push, alone."""
    random = rng("each_pair")
    host = await fresh(dut)
    for index in range(16):
        pair = await host.pair(index, 3, 4, random.randrange(1 << 40) << 24)
        for count in (1, 2, 5, 8):
            await submit(host, pair, random, count)
            await pair.finish()
        for low, high in ((True, True), (True, False), (False, True)):
            offset = random.randrange(64) * 64
            halves = [submission(random, host) if there else None for there in (low, high)]
            assert await host.push(pair, *halves, offset) == AxiResp.OKAY
            await pair.finish()
        await host.write(0x800 + 64 * index, 0)
        await pair.expect(0, "stopped by its host")


@cocotb.test()
async def rings_of_each_size(dut):
    """Rings of all sizes that a quick run can fill, wrapped several times, and of the largest with their first entries."""
    random = rng("rings_of_each_size")
    host = await fresh(dut)
    sizes = [(1, 3), (2, 3), (3, 4), (5, 3), (4, 6), (7, 7), (15, 15), (14, 9)]
    for index, (ring_bits, completion_bits) in enumerate(sizes):
        pair = await host.pair(index, ring_bits, completion_bits)
        left = min(5 << max(ring_bits, completion_bits), rounds(400, 70_000))
        while left or pair.waiting:
            for _ in range(min(left, pair.room(), random.randint(1, 1 << ring_bits))):
                pair.place(submission(random, host))
                left -= 1
            await pair.ring_tail()
            await host.idle(random.randrange(60))
            pair.take()
            await pair.ring_head()
        await pair.expect(1, "all is answered")
        indices = [await host.read(pair.offset + at) for at in (0x18, 0x1C)]
        assert indices == [pair.tail << 16 | pair.tail, pair.head << 16 | pair.head], f"indices {indices}"


@cocotb.test()
async def indices_wrap(dut):
    """The 16-bit indices run over 2**16; a thousand submissions at a time, in the quick run just past the first ring."""
    random = rng("indices_wrap")
    host = await fresh(dut)
    pair = await host.pair(9, 10, 10)
    few = [submission(random, host) for _ in range(256)]
    for _ in range(rounds(4, 70)):
        for turn in range(1 << 10):
            pair.place(few[random.randrange(256)])
        await pair.ring_tail()
        await pair.finish()
    await pair.expect(1, "all is answered")


@cocotb.test()
async def a_full_completion_ring(dut):
    """A host that takes nothing stops its own pair only, and loses nothing."""
    random = rng("a_full_completion_ring")
    host = await fresh(dut)
    lazy, busy = await host.pair(2, 6, 3), await host.pair(3, 6, 6)
    for turn in range(rounds(6, 40)):
        while lazy.room():
            lazy.place(submission(random, host))
        await lazy.ring_tail()
        await submit(host, busy, random, 20)
        await busy.finish()
        await host.idle(50)
        await lazy.expect(1, "with a full ring nothing is under way")
        assert lazy.take() == 8, "a full ring of completions"
        if turn % 2:
            # Given back one by one.
            for _ in range(8):
                lazy.head = (lazy.head - 8) & 0xFFFF
                for _ in range(8):
                    lazy.head = (lazy.head + 1) & 0xFFFF
        await lazy.ring_head()
        await host.idle(40)
    await lazy.finish()


@cocotb.test()
async def bursts_of_pushes(dut):
    """Several beats in a burst are as many pushes; padding is none."""
    random = rng("bursts_of_pushes")
    host = await fresh(dut)
    pair = await host.pair(11, 1, 8)
    for _ in range(rounds(12, 200)):
        pause(host, random)
        beats = random.randint(1, 16)
        data = b""
        for _ in range(2 * beats):
            one = submission(random, host)
            if random.random() < 0.2:
                one = Submission(one.descriptor, one.tag, one.options | NONE)
            else:
                pair.by_push.append((one, host.versions[one.slot]))
            data += one.written()
        offset = random.randrange(64 - beats + 1) * 64
        assert await host.push_bytes(pair.index, offset, data) == AxiResp.OKAY
        await pair.finish()


@cocotb.test()
async def addresses_ahead_of_their_data(dut):
    """As many bursts of pushes as the window takes addresses of, and more, before the first of their data."""
    random = rng("addresses_ahead_of_their_data")
    host = await fresh(dut)
    pair = await host.pair(4, 1, 6)
    channel = host.window.w_channel
    channel.queue_occupancy_limit = 64
    for _ in range(rounds(2, 20)):
        channel.pause = True
        pushes = [cocotb.start_soon(host.push(pair, submission(random, host), submission(random, host))) for _ in range(14)]
        await host.idle(60)
        assert pair.take() == 0
        channel.pause = False
        for push in pushes:
            assert await push == AxiResp.OKAY
        await pair.finish()


@cocotb.test()
async def a_memory_that_takes_nothing(dut):
    """Completions that memory does not take for long: all that is on its way waits in the kernel, and nothing is lost."""
    random = rng("a_memory_that_takes_nothing")
    host = await fresh(dut)
    pairs = [await host.pair(index, 7, 9) for index in (1, 2, 5, 14)]
    for channel in host.sink.channels[2:]:
        channel.pause = True
        for pair in pairs:
            await submit(host, pair, random, 120)
        # A push after the other goes to another pair, so that each has a line of its own.
        halves = [[submission(random, host) for _ in range(2)] for _ in range(160)]
        pushes = [cocotb.start_soon(host.push(pairs[turn % 4], *both)) for turn, both in enumerate(halves)]
        await host.idle(800)
        # Then it takes hardly any, so that the kernel is about full at any place of the traffic.
        memory.pause(channel, endless(random, 0.9))
        for push in pushes:
            assert await push == AxiResp.OKAY
        for pair in pairs:
            await pair.finish()
        memory.pause(channel, None)
        for pair in pairs:
            await pair.drained()
            await pair.expect(1, "all is answered")


@cocotb.test()
async def a_memory_that_waits_for_valid(dut):
    """READY may wait for VALID, on every channel that the kernel drives: it does not wait for READY itself."""
    random = rng("a_memory_that_waits_for_valid")
    host = await fresh(dut)
    reads, writes = host.source.channels, host.sink.channels
    asked = ((reads[0], dut.m_axi_gmem0_arvalid), (writes[2], dut.m_axi_gmem1_awvalid), (writes[3], dut.m_axi_gmem1_wvalid))

    async def answer_when_asked():
        while True:
            for channel, valid in asked:
                channel.pause = not int(valid.value)
            await RisingEdge(dut.ap_clk)

    waiting = cocotb.start_soon(answer_when_asked())
    pair = await host.pair(12, 3, 4)
    for count in (1, 2, 3, 8):
        await submit(host, pair, random, count)
        await pair.finish()
    assert await host.push(pair, submission(random, host), submission(random, host)) == AxiResp.OKAY
    await pair.finish()
    waiting.cancel()


@cocotb.test()
async def all_pairs_have_work_at_once(dut):
    """Work of all sixteen pairs that piled up while nothing could be read is done, and each pair's is."""
    random = rng("all_pairs_have_work_at_once")
    host = await fresh(dut)
    pairs = [await host.pair(index, 3, 4) for index in range(16)]
    channel = host.source.channels[0]
    for _ in range(rounds(2, 20)):
        channel.pause = True
        for pair in random.sample(pairs, 16):
            await submit(host, pair, random, random.randint(1, 8))
        channel.pause = False
        for pair in pairs:
            await pair.finish()


@cocotb.test()
async def policies_that_change(dut):
    """A swap decides for each submission which side it gets, and the completion tells which; slots are apart."""
    random = rng("policies_that_change")
    host = await fresh(dut)
    pair = await host.pair(6, 7, 8)
    for turn in range(rounds(12, 300)):
        slot = random.randrange(16)
        for _ in range(random.randint(20, 60)):
            if pair.room():
                pair.place(submission(random, host, refused=0))
        words = traffic.policy(random)
        await host.write_shadow(slot, words)
        await pair.ring_tail()
        await host.idle(random.randrange(50))
        await host.swap(slot, words)
        await host.expect(0x600 + 4 * slot, host.versions[slot] & 0xFF, "version")
        # The shadow holds the side before.
        before = host.policies[slot][host.versions[slot] - 1]
        word = random.randrange(8)
        await host.expect(POLICIES + 32 * slot + 4 * word, before[word], "shadow")
        await pair.finish()
    # By slots that changed, with nothing else at the time.
    for _ in range(60):
        pair.place(submission(random, host, refused=0))
    await pair.ring_tail()
    await pair.finish()


@cocotb.test()
async def random_traffic(dut):
    """All pairs at once, by ring and by push, under stalls of every kind, while policies change."""
    random = rng("random_traffic")
    host = await fresh(dut)
    for _ in range(rounds(3, 40)):
        pairs = []
        for index in random.sample(range(16), random.choice([1, 4, 16])):
            ring_bits, completion_bits = random.randint(1, 6), random.randint(3, 6)
            pairs.append(await host.pair(index, ring_bits, completion_bits, random.randrange(1 << 40) << 24))
        # Interrupts at once, by count, and so soon that the time often ends just when something is answered.
        await host.write(MODERATION, random.choice([0, 5 | 1000 << 8, 200 | random.randrange(1, 20) << 8]))
        pushing = {pair.index: random.random() < 0.5 for pair in pairs}
        submitted = 0
        pause(host, random)
        for turn in range(rounds(60, 200)):
            pair = random.choice(pairs)
            # A pair that is pushed to keeps all that it has submitted to its completion ring.
            places = (1 << pair.completion_bits) - pair.waiting
            room = min(pair.room(), places) if pushing[pair.index] else pair.room()
            for _ in range(random.randint(0, room)):
                pair.place(submission(random, host))
                submitted += 1
            await pair.ring_tail()
            places = (1 << pair.completion_bits) - pair.waiting
            if pushing[pair.index] and places >= 2 and random.random() < 0.7:
                halves = [submission(random, host) if random.random() < 0.8 else None for _ in range(2)]
                if halves != [None, None]:
                    submitted += 2 - halves.count(None)
                    assert await host.push(pair, *halves, random.randrange(64) * 64) == AxiResp.OKAY
            if random.random() < 0.1:
                await host.set_policy(random.randrange(16), traffic.policy(random))
            for other in pairs:
                if random.random() < 0.5 and other.take():
                    await other.ring_head()
        for pair in pairs:
            await pair.finish()
            await pair.drained()
            await pair.expect(1, "all is answered")
        for pair in pairs:
            await host.write(pair.offset, 0)
        taken = await host.read(COUNTERS) + await host.read(COUNTERS + 4)
        answered = await host.read(COUNTERS + 16)
        assert taken == answered, f"{taken} submissions taken, {answered} answered"
