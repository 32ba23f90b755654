"""Tests of `tcp_validator` at any width."""

import cocotb

import traffic
import descriptor as tcp
from memory import bursty, endless
from rig import rng, rounds
from validator import COUNTERS, IDENTITY, VERSION, WIDTH, Validator

SOURCE, SINK = 0x1_0000, 0x9_0000_0000

VECTORS = [
    ("5443500200029033e0e30000040100000064000a000103e5", 5, 0x01),
    ("544350020002ba9f11ec0000024407d000c80d920003f202", 0, 0x13),
    ("544350020002d67f249b0000022f138801f40032000296f8", 0, 0x00),
]


@cocotb.test()
async def known_vectors(dut):
    """The vectors that descriptor.md prints, on the kernel and on the model."""
    kernel = Validator(dut)
    await kernel.reset()
    await kernel.set_policy(0, (0x390, tcp.WIDE_RESERVED, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 1, 0))
    for text, word, byte in VECTORS:
        if word == 0:
            await kernel.set_policy(0, tcp.RESET_POLICY)
        options = tcp.Options(checksum=word & 3, wide=word >> 2 & 1 == 1)
        verdicts = await kernel.run([bytes.fromhex(text)], options, SOURCE, SINK)
        assert verdicts[0].byte == byte
    await kernel.check_counters()


@cocotb.test()
async def random_runs(dut):
    """Random descriptors, options, policies and places, under idle clocks and back-pressure on every channel."""
    random = rng("random_runs")
    kernel = Validator(dut)
    await kernel.reset()
    for _ in range(rounds(12, 200)):
        share = random.choice([0, 0, 0.1, 0.5, 0.9])
        for port in (kernel.source, kernel.sink):
            kind = random.choice([endless, lambda random, share: bursty(random, share, 20)])
            port.pause([kind(random, share) if share else None for _ in port.channels])
        kernel.pause_control(random, random.choice([0, 0.5]))
        options = traffic.options(random)
        if random.random() < 0.7:
            await kernel.set_policy(options.slot, traffic.policy(random))
        words = kernel.policies[options.slot]
        count = random.choice([random.randrange(1, 9), random.randrange(1, 80), random.randrange(170, 700)])
        source = random.getrandbits(52) << 12 | random.randrange(64) << 6
        sink = random.getrandbits(52) << 12 | random.randrange(64) << 6
        batch = [traffic.descriptor(random, options, words) for _ in range(count)]
        await kernel.run(batch, options, source, sink)
        await kernel.check_counters()
