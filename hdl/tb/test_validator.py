"""Tests of `tcp_validator` at any width: what a run writes, whatever the memory does."""

from dataclasses import replace

import cocotb
from cocotbext.axi import AxiResp

import descriptor as tcp
import memory
import traffic
from memory import PAGE, bursty, endless
from rig import rng, rounds
from validator import ACTIVE, COUNTERS, FAIL_ADDRESS, OK, READ_ERROR, READ_WAIT, STATUS, WRITE_ERROR, WRITE_WAIT, Validator

SOURCE, SINK = 0x1_0000, 0x9_0000_0000

VECTORS = [
    ("5443500200029033e0e30000040100000064000a000103e5", 5, 0x01),
    ("544350020002ba9f11ec0000024407d000c80d920003f202", 0, 0x13),
    ("544350020002d67f249b0000022f138801f40032000296f8", 0, 0x00),
]


async def fresh(dut):
    kernel = Validator(dut)
    await kernel.reset()
    return kernel


def pause(kernel, random):
    """Idle clocks and back-pressure of one kind on each port: none, now and then, or in long stretches."""
    for port in (kernel.source, kernel.sink):
        share = random.choice([0, 0, 0.1, 0.5, 0.8])
        kind = random.choice([endless, lambda random, share: bursty(random, share, 20)])
        port.pause([kind(random, share) if share else None for _ in port.channels])
        port.read_latency = random.choice([0, 0, 0, 3])
        port.write_latency = random.choice([0, 0, 0, 2])
    kernel.pause_control(random, random.choice([0, 0.5]))


def place(random):
    """An address for a run, anywhere, often close to the end of a page."""
    offset = random.choice([0, PAGE - 64, PAGE - 128, random.randrange(64) << 6])
    # One page further than the last would be, so that no run ends beyond the address space.
    return random.randrange(1, (1 << 52) - 8) << 12 | offset


def batch(random, options, words, count):
    return [traffic.descriptor(random, options, words) for _ in range(count)]


@cocotb.test()
async def known_vectors(dut):
    """The vectors that descriptor.md prints, on the kernel and on the model."""
    kernel = await fresh(dut)
    await kernel.set_policy(0, (0x390, tcp.WIDE_RESERVED, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 1, 0))
    for text, word, byte in VECTORS:
        if word == 0:
            await kernel.set_policy(0, tcp.RESET_POLICY)
        options = tcp.Options(checksum=word & 3, wide=word >> 2 & 1 == 1)
        verdicts = await kernel.run([bytes.fromhex(text)], options, SOURCE, SINK)
        assert verdicts[0].byte == byte
    await kernel.check_counters()


@cocotb.test()
async def every_count(dut):
    """Each small count, so each way in which a run's last beat ends, for both kinds of verdict."""
    random = rng("every_count")
    kernel = await fresh(dut)
    for count in range(rounds(26, 140)):
        for detail in (False, True):
            options = tcp.Options(checksum=tcp.SUM, detail=detail)
            await kernel.run(batch(random, options, tcp.RESET_POLICY, count), options, place(random), place(random))
    await kernel.check_counters()


@cocotb.test()
async def pages(dut):
    """Runs over several pages on both sides, from each place in the first one, and just up to a page's end."""
    random = rng("pages")
    kernel = await fresh(dut)
    for _ in range(rounds(2, 12)):
        options = tcp.Options(checksum=tcp.SUM, detail=True)
        start = random.randrange(64) << 6
        await kernel.run(batch(random, options, tcp.RESET_POLICY, random.randrange(1100, 1400)), options, SOURCE + start, place(random))
        # 512 descriptors are three pages; with bytes as verdicts, 512 are an eighth of one.
        options = tcp.Options(checksum=tcp.SUM)
        count = random.choice([512, 512, 511, 513])
        await kernel.run(batch(random, options, tcp.RESET_POLICY, count), options, SOURCE, SINK + PAGE - 512)


def each_way(options, words):
    """A descriptor for each way to be malformed and for each way to be judged."""
    reserved, deny, approval, max_exec, max_sizes = words[1:6]
    body = lambda flags, rest=bytes(8), head=b"TCP\x02\x00\x02": tcp.seal(
        head + b"\x12\x34\x56\x78" + flags.to_bytes(4, "big") + rest, options.checksum
    )
    for bit in range(48):
        yield body(1, head=(int.from_bytes(b"TCP\x02\x00\x02", "big") ^ 1 << bit).to_bytes(6, "big"))
    for risks in range(32):
        yield body(risks)
    for bit in range(5, 32):
        for risk in range(5):
            yield body(1 << bit | 1 << risk)
    good = body(4, rest=bytes(range(8)))
    for bit in range(8 * tcp.SIZE):
        yield (int.from_bytes(good, "big") ^ 1 << bit).to_bytes(tcp.SIZE, "big")
    sizes = (4, 2, 2) if options.wide else (2, 2, 2)
    limits = (max_exec, max_sizes & 0xFFFF, max_sizes >> 16)
    for field in range(3):
        for step in (-1, 0, 1):
            values = [0, 0, 0]
            values[field] = limits[field] + step
            if not 0 <= values[field] < 1 << 8 * sizes[field]:
                continue
            rest = b"".join(value.to_bytes(size, "big") for value, size in zip(values, sizes))
            for risk in range(5):
                yield body(1 << risk, rest=rest.ljust(8, b"\xff"))


@cocotb.test()
async def causes_and_decisions(dut):
    """Every cause by every bit that can bring it about, and every decision by every rule, in every lane."""
    random = rng("causes_and_decisions")
    kernel = await fresh(dut)
    for checksum in (tcp.CRC32, tcp.SUM, tcp.MODBUS):
        for wide in (False, True):
            options = tcp.Options(checksum, wide, slot=random.randrange(16))
            deny, approval, reserved = (1 << bit for bit in random.sample(range(5, 32), 3))
            words = (
                random.getrandbits(10),
                reserved,
                deny | 1 << random.randrange(32),
                approval,
                random.randrange(1, 0xFFFF),
                random.randrange(1, 0xFFFF) | random.randrange(1, 0xFFFF) << 16,
                random.randrange(4),
                0,
            )
            await kernel.set_policy(options.slot, words)
            descriptors = list(each_way(options, words))
            random.shuffle(descriptors)
            for detail in (False, True):
                await kernel.run(descriptors[detail::2], replace(options, detail=detail), SOURCE, SINK)
    await kernel.check_counters()


@cocotb.test()
async def random_runs(dut):
    """Random descriptors, options, policies and places, under idle clocks and back-pressure on every channel."""
    random = rng("random_runs")
    kernel = await fresh(dut)
    for _ in range(rounds(20, 300)):
        pause(kernel, random)
        options = traffic.options(random)
        if random.random() < 0.7:
            await kernel.set_policy(options.slot, traffic.policy(random))
        words = kernel.policies[options.slot]
        count = random.choice([random.randrange(9), random.randrange(80), random.randrange(170, 700)])
        await kernel.run(batch(random, options, words, count), options, place(random), place(random))
        await kernel.check_counters()


def failing(random, address, length, beat):
    """A range within a run's bytes that fails: some byte, near the start, the end, or anywhere."""
    first = address + random.choice([0, length - 1, random.randrange(length), random.randrange(min(length, 4 * beat))])
    return first, first + random.choice([0, beat, PAGE]), random.choice([AxiResp.SLVERR, AxiResp.DECERR])


@cocotb.test()
async def a_full_store(dut):
    """Memory that takes nothing for long: all that is on its way waits in the kernel, and nothing is lost."""
    random = rng("a_full_store")
    kernel = await fresh(dut)
    options = tcp.Options(checksum=tcp.SUM, detail=True)
    descriptors = batch(random, options, tcp.RESET_POLICY, 3000)
    verdicts = [tcp.judge(one, options, tcp.RESET_POLICY) for one in descriptors]
    for stalled in (kernel.sink.channels[3], kernel.sink.channels[2], kernel.sink.channels[4], kernel.source.channels[0]):
        kernel.place(descriptors, SOURCE)
        before = kernel.before(SINK, 4 * len(descriptors))
        stalled.pause = True
        await kernel.set_arguments(SOURCE, SINK, len(descriptors), options.word())
        await kernel.start()
        await kernel.clocks(24 * len(descriptors) // kernel.beat + 500)
        # Then it takes hardly any, a sixth of what comes, so that the store is about full at any place of the stream.
        idle = kernel.source.channels[1]
        memory.pause(stalled, endless(random, 0.93))
        memory.pause(idle, endless(random, 0.4))
        await kernel.done()
        memory.pause(stalled, None)
        memory.pause(idle, None)
        await kernel.expect(STATUS, OK, "status")
        kernel.count(verdicts)
        kernel.check_written(verdicts, options, SINK, before)
    await kernel.check_counters()


@cocotb.test()
async def read_errors(dut):
    """A read that fails ends the run, is told with its address, and leaves no verdict that was not computed."""
    random = rng("read_errors")
    kernel = await fresh(dut)
    for turn in range(rounds(16, 200)):
        pause(kernel, random)
        options = tcp.Options(checksum=tcp.SUM, detail=random.random() < 0.5)
        count = random.choice([random.randrange(1, 20), random.randrange(1, 600)])
        source, sink = place(random), place(random)
        kernel.source.failing = [failing(random, source, 24 * count, kernel.beat)]
        descriptors = batch(random, options, tcp.RESET_POLICY, count)
        status, address = await kernel.run_that_fails(descriptors, options, source, sink)
        assert status == READ_ERROR, f"status {status}"
        wanted = kernel.source.failing[0][0] & -kernel.beat
        assert address == wanted, f"{address:#x} failed, not {wanted:#x}"
        kernel.source.failing = []
        await kernel.run(descriptors[:40], options, source, sink)
        assert await kernel.read64(FAIL_ADDRESS) == 0, "a run without an error tells an address"


@cocotb.test()
async def write_errors(dut):
    """A write that fails ends the run and is told with the address of its burst."""
    random = rng("write_errors")
    kernel = await fresh(dut)
    for turn in range(rounds(16, 200)):
        pause(kernel, random)
        options = tcp.Options(checksum=tcp.SUM, detail=random.random() < 0.7)
        count = random.choice([random.randrange(1, 20), random.randrange(1, 1500)])
        source, sink = place(random), place(random)
        kernel.sink.failing = [failing(random, sink, options.size * count, kernel.beat)]
        descriptors = batch(random, options, tcp.RESET_POLICY, count)
        status, address = await kernel.run_that_fails(descriptors, options, source, sink)
        assert status == WRITE_ERROR, f"status {status}"
        assert address == kernel.sink.failed_writes[0], f"{address:#x}, not {kernel.sink.failed_writes[0]:#x}"
        kernel.sink.failing = []
        await kernel.run(descriptors[:40], options, source, sink)


@cocotb.test()
async def both_fail(dut):
    """Reads and writes that fail in one run: one of the two is told, with its own address."""
    random = rng("both_fail")
    kernel = await fresh(dut)
    for turn in range(rounds(8, 100)):
        pause(kernel, random)
        options = tcp.Options(checksum=tcp.SUM, detail=True)
        count = random.randrange(1, 1200)
        source, sink = place(random), place(random)
        kernel.source.failing = [failing(random, source, 24 * count, kernel.beat)]
        kernel.sink.failing = [failing(random, sink, 4 * count, kernel.beat)]
        descriptors = batch(random, options, tcp.RESET_POLICY, count)
        status, address = await kernel.run_that_fails(descriptors, options, source, sink)
        told = {READ_ERROR: kernel.source.failed_reads, WRITE_ERROR: kernel.sink.failed_writes}
        assert status in told and address == told[status][0], f"status {status}, address {address:#x}"
        kernel.source.failing, kernel.sink.failing = [], []
        await kernel.run(descriptors[:40], options, source, sink)


@cocotb.test()
async def reset_at_any_time(dut):
    """A reset in the middle of a run, with memory reset too, leaves a kernel like a new one."""
    random = rng("reset_at_any_time")
    kernel = await fresh(dut)
    for _ in range(rounds(8, 80)):
        pause(kernel, random)
        options = traffic.options(random)
        await kernel.set_policy(options.slot, traffic.policy(random))
        descriptors = batch(random, options, tcp.RESET_POLICY, 300)
        kernel.place(descriptors, SOURCE)
        await kernel.set_arguments(SOURCE, SINK, len(descriptors), options.word())
        await kernel.start()
        await kernel.clocks(random.randrange(250))
        await kernel.reset(random.randrange(1, 4))
        await kernel.check_counters()
        for clocks in (ACTIVE, READ_WAIT, WRITE_WAIT):
            assert await kernel.read64(COUNTERS + 8 * clocks) == 0, f"counter {clocks} after reset"
        await kernel.run(descriptors, options, SOURCE, SINK)
        await kernel.check_counters()
