"""Tests of `tcp_validator`'s registers: the handshake of a run, arguments, policies, interrupts, counters."""

import cocotb
from cocotbext.axi import AxiResp

import descriptor as tcp
import traffic
from rig import high, rng, rounds, unused
from validator import (
    ACTIVE,
    AUTO_RESTART,
    BAD_OPTIONS,
    CONTROL,
    COUNT,
    COUNTERS,
    DESCRIPTORS,
    DONE,
    FAIL_ADDRESS,
    GLOBAL_ENABLE,
    IDENTITY,
    IDLE,
    INTERRUPT_ENABLE,
    INTERRUPT_STATUS,
    MISALIGNED,
    OK,
    OPTIONS,
    POLICIES,
    READ_WAIT,
    READY,
    START,
    STATUS,
    VERDICTS,
    VERSION,
    WIDTH,
    WRITE_WAIT,
    Validator,
)
from test_validator import SINK, SOURCE, batch, fresh

WHOLE = (DESCRIPTORS, DESCRIPTORS + 4, VERDICTS, VERDICTS + 4, COUNT, OPTIONS)
LISTED = {CONTROL, GLOBAL_ENABLE, INTERRUPT_ENABLE, INTERRUPT_STATUS, *WHOLE, IDENTITY, VERSION, WIDTH}


@cocotb.test()
async def registers(dut):
    """Identity, values after reset, bytes written alone, and offsets where there is nothing."""
    random = rng("registers")
    kernel = await fresh(dut)
    kernel.pause_control(random, 0.3)
    await kernel.expect(IDENTITY, 0x56504354, "identity")
    await kernel.expect(VERSION, 1, "version")
    await kernel.expect(WIDTH, 8 * kernel.beat, "width")
    await kernel.expect(CONTROL, IDLE, "control")
    kept = {offset: 0 for offset in WHOLE}
    for _ in range(rounds(60, 600)):
        offset = random.choice(WHOLE)
        first = random.randrange(4)
        data = random.randbytes(random.randint(1, 4 - first))
        assert await kernel.answered(offset + first, data) == AxiResp.OKAY
        word = bytearray(kept[offset].to_bytes(4, "little"))
        word[first : first + len(data)] = data
        kept[offset] = int.from_bytes(word, "little")
        await kernel.expect(random.choice([offset, offset]), kept[offset], "argument")
    for offset, value in kept.items():
        await kernel.expect(offset, value, "argument")
    for offset in range(0, 0x1000, 4):
        nothing = offset not in LISTED and not (0x100 <= offset < 0x180 or 0x400 <= offset < 0x600)
        if nothing and (offset < 0x100 or random.random() < 0.3):
            await kernel.write(offset, random.getrandbits(32))
            await kernel.expect(offset, 0, "nothing")
    for offset, value in kept.items():
        await kernel.expect(offset, value, "argument")
    for offset, value in ((IDENTITY, 0x56504354), (VERSION, 1), (WIDTH, 8 * kernel.beat), (STATUS, 0), (COUNTERS, 0)):
        await kernel.write(offset, 0xFFFFFFFF)
        await kernel.expect(offset, value, "what cannot be written")
    await kernel.expect(CONTROL, IDLE, "control")


@cocotb.test()
async def unused_halves(dut):
    """One port reads and the other writes; what they do not use is quiet."""
    await fresh(dut)
    unused(dut, "m_axi_gmem0", "writes")
    unused(dut, "m_axi_gmem1", "reads")


@cocotb.test()
async def policies(dut):
    """Every word of every slot: its value after reset, its own place, bytes written alone."""
    random = rng("policies")
    kernel = await fresh(dut)
    kept = [list(tcp.RESET_POLICY) for _ in range(16)]

    async def check():
        for slot in range(16):
            for word in range(8):
                await kernel.expect(POLICIES + 32 * slot + 4 * word, kept[slot][word], f"slot {slot}, word {word}")

    await check()
    for slot in range(16):
        for word in range(8):
            first = random.choice([0, 0, random.randrange(4)])
            data = random.randbytes(random.choice([4 - first, random.randint(1, 4 - first)]))
            assert await kernel.answered(POLICIES + 32 * slot + 4 * word + first, data) == AxiResp.OKAY
            value = bytearray(kept[slot][word].to_bytes(4, "little"))
            value[first : first + len(data)] = data
            kept[slot][word] = int.from_bytes(value, "little")
    await check()
    # Every bit both ways, as it stands and as a run takes it; a run of nothing is one.
    for value in (0xFFFFFFFF, 0, 0xFFFFFFFF):
        for slot in range(16):
            await kernel.set_policy(slot, [value] * 8)
            await kernel.expect(POLICIES + 32 * slot, value, f"slot {slot}")
            assert await kernel.launch(SOURCE, SINK, 0, slot << 4) == OK
    await kernel.reset()
    kept = [list(tcp.RESET_POLICY) for _ in range(16)]
    await check()


@cocotb.test()
async def policies_while_busy(dut):
    """A slot cannot be written while a run goes on, and can be read; each slot decides its own runs."""
    random = rng("policies_while_busy")
    kernel = await fresh(dut)
    for slot in range(16):
        await kernel.set_policy(slot, traffic.policy(random))
    for slot in random.sample(range(16), rounds(5, 16)):
        options = tcp.Options(checksum=tcp.SUM, slot=slot)
        descriptors = batch(random, options, kernel.policies[slot], 40)
        kernel.source.channels[1].pause = True
        kernel.place(descriptors, SOURCE)
        await kernel.set_arguments(SOURCE, SINK, len(descriptors), options.word())
        await kernel.start()
        await kernel.expect(CONTROL, START, "control")
        for other in (slot, random.randrange(16)):
            word = random.randrange(8)
            offset = POLICIES + 32 * other + 4 * word
            assert await kernel.answered(offset, random.randbytes(4)) == AxiResp.SLVERR
            await kernel.expect(offset, kernel.policies[other][word], "a slot while busy")
        kernel.source.channels[1].pause = False
        await kernel.done()
        await kernel.expect(STATUS, OK, "status")
        verdicts = [tcp.judge(one, options, kernel.policies[slot]) for one in descriptors]
        assert kernel.memory.load(SINK, len(verdicts)) == bytes(one.byte for one in verdicts)
    for slot in range(16):
        options = tcp.Options(checksum=tcp.SUM, slot=slot)
        await kernel.run(batch(random, options, kernel.policies[slot], 20), options, SOURCE, SINK)


@cocotb.test()
async def bad_arguments(dut):
    """Options and addresses that are errors: the status says which, and nothing is read or written."""
    random = rng("bad_arguments")
    kernel = await fresh(dut)
    # 0, 1 and 2 are checksums; 3 is none.
    cases = [(SOURCE, SINK, 3 | random.getrandbits(6) << 2, BAD_OPTIONS)]
    cases += [(SOURCE, SINK, 1 << bit, BAD_OPTIONS) for bit in range(8, 32)]
    cases += [(SOURCE | 1 << bit, SINK, 0, MISALIGNED) for bit in range(6)]
    cases += [(SOURCE, SINK | 1 << bit, 0, MISALIGNED) for bit in range(6)]
    for source, sink, options, wanted in cases:
        kernel.source.forget()
        kernel.sink.forget()
        status = await kernel.launch(source, sink, random.randrange(1, 100), options)
        assert status == wanted, f"options {options:#x}, {source:#x}, {sink:#x}: status {status}, not {wanted}"
        assert not kernel.source.read_bursts and not kernel.sink.write_bursts
        await kernel.expect(FAIL_ADDRESS, 0, "address of no access")
        if random.random() < 0.3:
            good = tcp.Options(checksum=tcp.SUM)
            await kernel.run(batch(random, good, tcp.RESET_POLICY, 5), good, SOURCE, SINK)
    await kernel.check_counters()


@cocotb.test()
async def interrupts(dut):
    """ap_done and ap_ready, each behind its own enable and the global one, until they are toggled away."""
    random = rng("interrupts")
    kernel = await fresh(dut)
    options = tcp.Options(checksum=tcp.SUM)
    descriptors = batch(random, options, tcp.RESET_POLICY, 3)
    line = lambda: int(dut.interrupt.value)
    for enabled in range(4):
        for globally in (0, 1):
            await kernel.write(GLOBAL_ENABLE, globally)
            await kernel.write(INTERRUPT_ENABLE, enabled)
            await kernel.expect(GLOBAL_ENABLE, globally, "global enable")
            await kernel.expect(INTERRUPT_ENABLE, enabled, "enable")
            kernel.place(descriptors, SOURCE)
            await kernel.set_arguments(SOURCE, SINK, len(descriptors), options.word())
            await kernel.start()
            if enabled and globally:
                await high(dut.interrupt, kernel.clock, "interrupt")
                control = await kernel.read(CONTROL)
            else:
                control = await kernel.done()
            assert control == IDLE | DONE | READY, f"control {control:#x}"
            await kernel.expect(CONTROL, IDLE, "control once it was read")
            await kernel.expect(INTERRUPT_STATUS, enabled, "pending")
            assert line() == (globally and enabled != 0)
            for bit in (1, 2):
                await kernel.write(INTERRUPT_STATUS, enabled & bit)
                enabled_left = enabled & ~(bit | bit >> 1)
                await kernel.expect(INTERRUPT_STATUS, enabled_left, "pending once toggled")
                assert line() == (globally and enabled_left != 0)
    # A toggle sets what is not set.
    await kernel.write(INTERRUPT_STATUS, 2)
    await kernel.expect(INTERRUPT_STATUS, 2, "pending by the host")
    assert line() == 1
    # Other bytes than the lowest change nothing.
    for offset, value in ((INTERRUPT_STATUS, 2), (INTERRUPT_ENABLE, 3), (GLOBAL_ENABLE, 1), (CONTROL, IDLE)):
        await kernel.answered(offset + 1, b"\xff\xff\xff")
        await kernel.expect(offset, value, "register after other bytes")
    # What only bit 0 starts.
    await kernel.write(CONTROL, 0x7E)
    await kernel.expect(CONTROL, IDLE, "control")


@cocotb.test()
async def auto_restart(dut):
    """With auto_restart a run follows the other until it is switched off."""
    random = rng("auto_restart")
    kernel = await fresh(dut)
    options = tcp.Options(checksum=tcp.SUM)
    descriptors = batch(random, options, tcp.RESET_POLICY, 7)
    kernel.place(descriptors, SOURCE)
    await kernel.set_arguments(SOURCE, SINK, len(descriptors), options.word())
    await kernel.write(CONTROL, START | AUTO_RESTART)
    await kernel.clocks(500)
    control = await kernel.read(CONTROL)
    assert control & AUTO_RESTART and control & DONE, f"control {control:#x}"
    await kernel.write(CONTROL, 0)
    await kernel.clocks(200)
    control = await kernel.read(CONTROL)
    assert control == IDLE | DONE | READY, f"control {control:#x}"
    first = await kernel.read64(COUNTERS)
    assert first % 7 == 0 and first >= 5 * 7, f"{first} descriptors in runs of 7"
    await kernel.clocks(200)
    assert await kernel.read64(COUNTERS) == first
    verdicts = [tcp.judge(one, options, tcp.RESET_POLICY) for one in descriptors]
    assert kernel.memory.load(SINK, 7) == bytes(one.byte for one in verdicts)
    assert await kernel.launch(SOURCE, SINK, 0, options.word()) == OK


@cocotb.test()
async def clocks_counted(dut):
    """Counters of clocks: active, waiting for what was read, waiting for what is written to be accepted."""
    random = rng("clocks_counted")
    kernel = await fresh(dut)
    options = tcp.Options(checksum=tcp.SUM, detail=True)
    descriptors = batch(random, options, tcp.RESET_POLICY, 1200)

    async def cost(stalled, stall):
        before = [await kernel.read64(COUNTERS + 8 * one) for one in (ACTIVE, READ_WAIT, WRITE_WAIT)]
        kernel.place(descriptors, SOURCE)
        for channel in stalled:
            channel.pause = True
        await kernel.set_arguments(SOURCE, SINK, len(descriptors), options.word())
        await kernel.start()
        await kernel.clocks(stall)
        for channel in stalled:
            channel.pause = False
        await kernel.done()
        after = [await kernel.read64(COUNTERS + 8 * one) for one in (ACTIVE, READ_WAIT, WRITE_WAIT)]
        return [late - early for late, early in zip(after, before)]

    plain = await cost([], 0)
    beats = 24 * len(descriptors) // kernel.beat
    assert beats <= plain[0] <= 3 * beats + 100, f"{plain[0]} active clocks for {beats} beats"
    assert plain[1] <= plain[0], f"{plain}"
    reads = await cost([kernel.source.channels[1]], 700)
    assert 600 <= reads[1] - plain[1] <= 720, f"waiting for reads: {reads}, without a stall {plain}"
    assert 600 <= reads[0] - plain[0] <= 720, f"active: {reads}, without a stall {plain}"
    stall = beats + 3000
    writes = await cost(list(kernel.sink.channels[2:4]), stall)
    # All beats of the write side's store are taken before it waits.
    assert stall - beats - 900 <= writes[2] - plain[2] <= stall, f"waiting for writes: {writes}, without a stall {plain}"
    idle = [await kernel.read64(COUNTERS + 8 * one) for one in (ACTIVE, READ_WAIT, WRITE_WAIT)]
    await kernel.clocks(100)
    assert idle == [await kernel.read64(COUNTERS + 8 * one) for one in (ACTIVE, READ_WAIT, WRITE_WAIT)]


@cocotb.test()
async def counters_carry(dut):
    """The counters have 64 bits: put just before the carry of their low halves, and of their high ones, they count on."""
    random = rng("counters_carry")
    kernel = await fresh(dut)
    options = tcp.Options(checksum=tcp.SUM)
    # Each event twice and more in a run.
    await kernel.set_policy(0, (0xE4, 0x20, 0x40, 0x80, 9, 0xFFFFFFFF, 0, 0))
    body = lambda flags, time: b"TCP\x02\x00\x02abcd" + flags.to_bytes(4, "big") + time.to_bytes(8, "big")
    pairs = [(flags, time) for flags in (1, 2, 4, 8, 0, 0x21, 0x41) for time in (0, 1 << 56)]
    descriptors = [tcp.seal(body(flags, time), tcp.SUM) for flags, time in pairs]
    descriptors += [bytes(24), b"TCP\x02" + bytes(20), descriptors[0][:23] + b"\xff"]
    for high in (0xFFFFFFFF, 0, 0xFFFFFFFF, random.getrandbits(32)):
        for index in range(16):
            dut.i_counters.low_q[index].value = 0xFFFFFFFE
            dut.i_counters.high_q[index].value = high
        await kernel.clocks(2)
        kernel.counts = [high << 32 | 0xFFFFFFFE] * 13
        for _ in range(3):
            await kernel.run(descriptors, options, SOURCE, SINK)
        kernel.counts = [count & (1 << 64) - 1 for count in kernel.counts]
        assert all(count & 0xFFFFFFFF < 0x1000 for count in kernel.counts), f"{kernel.counts}"
        await kernel.check_counters()
        active = await kernel.read64(COUNTERS + 8 * ACTIVE)
        assert active >> 32 == (high + 1) & 0xFFFFFFFF, f"{active:#x} active clocks"
