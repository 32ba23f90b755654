"""Random descriptors and policies, drawn so that every cause and decision comes up, and near each limit."""

import descriptor as tcp


def policy(random):
    """Eight words of a slot."""
    few = lambda: 0 if random.random() < 0.4 else 1 << random.randrange(32) | 1 << random.randrange(5, 32)
    risk_table = random.choice([0x390, random.getrandbits(10), random.getrandbits(32)])
    small = lambda bits: random.choice([(1 << bits) - 1, random.getrandbits(bits), random.randrange(200)])
    return (
        risk_table,
        random.choice([0, 0xF020, tcp.WIDE_RESERVED, 1 << random.randrange(5, 32), random.getrandbits(27) << 5]),
        few(),
        few(),
        random.choice([small(16), small(32)]),
        small(16) | small(16) << 16,
        random.randrange(4) | (random.getrandbits(30) << 2 if random.random() < 0.2 else 0),
        0,
    )


def near(random, limit, bits):
    """A value about a limit, at it, or anywhere."""
    top = (1 << bits) - 1
    value = random.choice([limit, limit + 1, limit - 1, 0, top, random.getrandbits(bits)])
    return min(max(value, 0), top)


def performance(random, options, words):
    """Bytes 14..21, near the maxima of the policy."""
    if options.wide:
        parts = [(near(random, words[4], 32), 4), (near(random, words[5] & 0xFFFF, 16), 2), (near(random, words[5] >> 16, 16), 2)]
    else:
        parts = [
            (near(random, words[4], 16), 2),
            (near(random, words[5] & 0xFFFF, 16), 2),
            (near(random, words[5] >> 16, 16), 2),
            (random.getrandbits(16), 2),
        ]
    return b"".join(value.to_bytes(size, "big") for value, size in parts)


def flags(random, words):
    """Security flags with one risk level, mostly none that is reserved, sometimes one that is denied."""
    others = random.getrandbits(32) & random.getrandbits(32) & ~0x1F
    if random.random() < 0.8:
        others &= ~words[1]
    if random.random() < 0.7:
        others &= ~(words[2] | words[3])
    elif random.random() < 0.5:
        # One single flag that the policy asks about.
        mask = (words[2] | words[3]) & ~0x1F & ~words[1]
        bits = [bit for bit in range(32) if mask >> bit & 1]
        others = 1 << random.choice(bits) if bits else others
    return others | 1 << random.randrange(5)


def descriptor(random, options, words, malformed=0.3):
    """A descriptor, malformed in one way or in several with this probability."""
    security = flags(random, words)
    body = bytearray(b"TCP\x02\x00\x02") + random.randbytes(4)
    wrong = random.random() < malformed
    kind = random.randrange(8) if wrong else None
    if kind == 0:
        body[random.randrange(4)] ^= 1 << random.randrange(8)
    elif kind == 1:
        body[random.randrange(4, 6)] ^= 1 << random.randrange(8)
    elif kind == 2:
        security ^= random.choice([security & 0x1F, 1 << random.randrange(5), random.getrandbits(5)])
    elif kind == 3 and words[1]:
        security |= words[1] & random.getrandbits(32)
    body += security.to_bytes(4, "big") + performance(random, options, words)
    whole = bytearray(tcp.seal(body, options.checksum))
    if kind == 4:
        whole[random.randrange(22, 24)] ^= 1 << random.randrange(8)
    elif kind == 5:
        whole[random.randrange(24)] ^= 1 << random.randrange(8)
    elif kind == 6:
        whole = bytearray(tcp.seal(body, random.randrange(3)))
    elif kind == 7:
        whole = bytearray(random.randbytes(24))
    return bytes(whole)


def options(random):
    return tcp.Options(
        checksum=random.randrange(3),
        wide=random.random() < 0.5,
        detail=random.random() < 0.5,
        slot=random.randrange(16),
    )
