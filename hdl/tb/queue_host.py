"""`tcp_queue` as its host sees it: rings in memory, doorbells, pushes, and what each completion must say.

Written from the kernel's page, docs/queue.md, alone. (Its name is not queue.py: that is a module of Python's own.)
"""

from collections import deque
from dataclasses import dataclass

import descriptor as tcp
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiBurstType, AxiMasterWrite, AxiResp, AxiWriteBus
from memory import PAGE, Memory, Port
from rig import Kernel, bounded

GLOBAL_ENABLE, INTERRUPT_ENABLE, PENDING, MODERATION = 0x004, 0x008, 0x00C, 0x010
IDENTITY, VERSION, WIDTH, PAIRS = 0x0F0, 0x0F4, 0x0F8, 0x0FC
EVENTS, COUNTERS = 0x100, 0x180
POLICIES, POLICY_VERSIONS = 0x400, 0x600
DOORBELLS, PAIR = 0x700, 0x800
CONTROL, SIZES, SUBMISSIONS, COMPLETIONS, SUBMISSION_INDICES, COMPLETION_INDICES = 0x00, 0x04, 0x08, 0x10, 0x18, 0x1C

ENABLED, UNDER_WAY = 1, 2
(BAD_SIZE, BAD_BASE, BAD_TAIL, BAD_HEAD, BAD_READ, BAD_WRITE, PUSH_OVERRUN, PUSH_TORN) = range(1, 9)

BAD_OPTIONS = 6
NONE = 1 << 31
"""The option of a submission that is none: it pads a push."""

SUBMISSION, COMPLETION = 32, 8
REGION = 1 << 24
"""Bytes of address space for each pair, so that rings never meet."""


@dataclass(frozen=True)
class Submission:
    descriptor: bytes
    tag: int
    options: int

    def written(self):
        return self.descriptor + self.tag.to_bytes(4, "little") + self.options.to_bytes(4, "little")

    @property
    def slot(self):
        return self.options >> 4 & 15

    @property
    def accepted(self):
        """Whether the options are some; else nothing is checked."""
        return self.options & 3 != 3 and self.options & ~0xF7 == 0

    def answer(self, policy):
        """(verdict byte, cause)."""
        if not self.accepted:
            return 0, BAD_OPTIONS
        verdict = tcp.judge(self.descriptor, tcp.Options(self.options & 3, self.options >> 2 & 1 == 1), policy)
        return verdict.byte, verdict.cause


class Pair:
    """A queue pair: its rings, its indices as the host knows them, and what it waits for."""

    def __init__(self, host, index, ring_bits, completion_bits, base):
        self.host, self.index = host, index
        self.ring_bits, self.completion_bits = ring_bits, completion_bits
        self.ring = base
        self.completions = base + REGION // 2
        self.offset = PAIR + 64 * index
        self.clear()

    def clear(self):
        self.tail = self.head = 0
        self.by_ring, self.by_push = deque(), deque()
        self.answered = 0

    # The rings.

    @property
    def waiting(self):
        return len(self.by_ring) + len(self.by_push)

    def room(self):
        """Submissions that the ring takes, so that no entry is overwritten whose completion was not seen."""
        return (1 << self.ring_bits) - len(self.by_ring)

    def place(self, submission):
        """Writes a submission into the ring; a doorbell is due."""
        address = self.ring + SUBMISSION * (self.tail % (1 << self.ring_bits))
        self.host.memory.store(address, submission.written())
        self.tail = (self.tail + 1) & 0xFFFF
        self.by_ring.append((submission, self.host.versions[submission.slot]))

    async def ring_tail(self):
        await self.host.write(DOORBELLS + 8 * self.index, self.tail)

    async def ring_head(self):
        await self.host.write(DOORBELLS + 8 * self.index + 4, self.head)

    def completion(self):
        """The next completion, if the phase says that it is there."""
        address = self.completions + COMPLETION * (self.head % (1 << self.completion_bits))
        entry = self.host.memory.load(address, COMPLETION)
        phase = ~self.head >> self.completion_bits & 1
        return entry if entry[6] & 1 == phase else None

    def take(self):
        """Takes every completion that is there, and checks it; how many."""
        taken = 0
        while (entry := self.completion()) is not None:
            self.check(entry)
            self.head = (self.head + 1) & 0xFFFF
            taken += 1
        self.answered += taken
        return taken

    def check(self, entry):
        what = f"pair {self.index}, completion {self.head}, {entry.hex()}"
        assert entry[6] & ~3 == 0, f"{what}: flags that are none"
        by_push = entry[6] & 2
        queue = self.by_push if by_push else self.by_ring
        assert queue, f"{what}: nothing was waiting for it"
        submission, before = queue.popleft()
        assert int.from_bytes(entry[:4], "little") == submission.tag, f"{what}: the tag is not {submission.tag:#x}"
        slot, version = submission.slot, entry[7]
        if submission.accepted:
            known = self.host.policies[slot]
            span = range(before, self.host.versions[slot] + 1)
            decided = [number for number in span if number & 0xFF == version]
            assert decided, f"{what}: version {version} of slot {slot}, which was not in force"
            wanted = submission.answer(known[decided[-1]])
        else:
            wanted = submission.answer(None)
        assert (entry[4], entry[5]) == wanted, f"{what}: not verdict {wanted[0]:#x}, cause {wanted[1]} ({submission})"

    def owns_free(self, address, length):
        """Whether the kernel may write completions there now."""
        offset = address - self.completions
        size = COMPLETION << self.completion_bits
        if not 0 <= offset < size:
            return False
        first = offset // COMPLETION
        for entry in range(first, first + length // COMPLETION):
            # The host has taken what was there before.
            if (entry - self.head) % (1 << self.completion_bits) >= self.waiting + self.lost:
                return False
        return True

    lost = 0
    """Completions that may still be written though nobody waits for them."""

    # The registers.

    async def control(self):
        return await self.host.read(self.offset + CONTROL)

    async def configure(self):
        await self.host.write(self.offset + SIZES, self.ring_bits | self.completion_bits << 8)
        for offset, base in ((SUBMISSIONS, self.ring), (COMPLETIONS, self.completions)):
            await self.host.write(self.offset + offset, base & 0xFFFFFFFF)
            await self.host.write(self.offset + offset + 4, base >> 32)

    async def enable(self):
        """Clears the completion ring and enables the pair."""
        self.clear()
        self.host.memory.store(self.completions, bytes(COMPLETION << self.completion_bits))
        await self.host.write(self.offset + CONTROL, 1)

    async def expect(self, wanted, what):
        control = await self.control()
        assert control == wanted, f"pair {self.index}, {what}: control {control:#x}, not {wanted:#x}"

    async def drained(self):
        """Waits until nothing is under way; the control word."""

        async def poll():
            while (control := await self.control()) & UNDER_WAY:
                pass
            return control

        return await bounded(poll(), f"pair {self.index}: under way")

    async def stopped(self, cause):
        """Waits until the pair is stopped for this cause, and drained."""

        async def poll():
            while (control := await self.control()) & (ENABLED | UNDER_WAY):
                pass
            return control

        control = await bounded(poll(), f"pair {self.index}: stopped by cause {cause}")
        assert control == cause << 4, f"pair {self.index}: control {control:#x}, not cause {cause}"

    async def finish(self, give_back=True):
        """Takes completions, and gives them back, until all that waits is answered."""

        async def poll():
            while self.waiting:
                if self.take() and give_back:
                    await self.ring_head()
                await RisingEdge(self.host.clock)

        await bounded(poll(), f"pair {self.index}: {self.waiting} completions")


class QueueHost(Kernel):
    """The kernel between a memory and a host with any number of pairs."""

    def __init__(self, dut):
        super().__init__(dut)
        self.memory = Memory()
        self.source = Port(dut, "m_axi_gmem0", self.memory)
        self.sink = Port(dut, "m_axi_gmem1", self.memory)
        self.sink.on_write = self.may_write
        bus = AxiWriteBus.from_prefix(dut, "s_axi_push")
        self.window = AxiMasterWrite(bus, dut.ap_clk, dut.ap_rst_n, reset_active_level=False)
        self.window.log.setLevel("ERROR")
        self.forget()

    def forget(self):
        self.pairs = {}
        self.versions = [0] * 16
        """How often each slot was swapped."""
        self.policies = [{0: tcp.RESET_POLICY} for _ in range(16)]

    async def reset(self, clocks=4):
        await super().reset(clocks)
        # Not before: what the kernel writes until then is judged by what it was told.
        self.forget()

    def may_write(self, address, data):
        """A completion is written whole, and only where the host has room for it."""
        assert address % COMPLETION == 0 and len(data) % COMPLETION == 0, f"{len(data)} bytes written to {address:#x}"
        assert any(pair.owns_free(address, len(data)) for pair in self.pairs.values()), f"{len(data)} bytes to {address:#x}"

    async def pair(self, index, ring_bits, completion_bits, base=None):
        """An enabled pair, whatever it was before."""
        pair = Pair(self, index, ring_bits, completion_bits, REGION * (index + 1) if base is None else base)
        await self.write(pair.offset + CONTROL, 0)
        await pair.drained()
        self.pairs[index] = pair
        await pair.configure()
        await pair.enable()
        await pair.expect(ENABLED, "enabled")
        return pair

    async def set_policy(self, slot, words):
        """Writes the shadow and puts it in force."""
        await self.write_shadow(slot, words)
        await self.swap(slot, words)

    async def write_shadow(self, slot, words):
        for index, word in enumerate(words):
            await self.write(POLICIES + 32 * slot + 4 * index, word)

    async def swap(self, slot, words):
        """Puts the shadow in force, which holds these words."""
        # In force at some time during the next write: until it is answered, either side may decide.
        self.versions[slot] += 1
        self.policies[slot][self.versions[slot]] = tuple(words)
        await self.write(POLICY_VERSIONS + 4 * slot, 0)

    async def push(self, pair, low, high, offset=0):
        """Pushes up to two submissions; a missing one by clear strobes. The response."""
        for one in (low, high):
            if one is not None and not one.options & NONE:
                pair.by_push.append((one, self.versions[one.slot]))
        if low is not None and high is not None:
            start, data = 0, low.written() + high.written()
        elif low is not None:
            start, data = 0, low.written()
        else:
            start, data = SUBMISSION, high.written()
        return await self.push_bytes(pair.index, offset + start, data)

    async def push_bytes(self, index, offset, data, burst=AxiBurstType.INCR):
        address = PAGE * index + offset
        return (await bounded(self.window.write(address, data, burst=burst), f"push to {address:#x}")).resp

    async def idle(self, clocks):
        for _ in range(clocks):
            await RisingEdge(self.clock)
