//! The ratios that were asked for, and whether this run reached them.

use crate::results::{Bound, Group, Target};

/// A ratio of two figures of a group.
struct Ratio<'a> {
    group: &'static str,
    numerator: &'a str,
    denominator: &'static str,
    to_reach: Bound,
    name: &'static str,
    what: &'static str,
}

const fn times(
    group: &'static str,
    set: &'static str,
    least: f64,
    name: &'static str,
    what: &'static str,
) -> Ratio<'static> {
    Ratio {
        group,
        numerator: "loop",
        denominator: set,
        to_reach: Bound::AtLeast(least),
        name,
        what,
    }
}

const fn trips(
    ours: &'static str,
    limit: &'static str,
    most: f64,
    name: &'static str,
) -> Ratio<'static> {
    Ratio {
        group: "latency",
        numerator: ours,
        denominator: limit,
        to_reach: Bound::AtMost(most),
        name,
        what: "times a cache line there and back",
    }
}

const CRC32FAST: &str = "times as fast as a loop with crc32fast";
const CRATE_CRC: &str = "times as fast as a loop with the crate crc";
const PLAIN_SUM: &str = "times as fast as a loop with a plain sum";

const RATIOS: [Ratio<'static>; 8] = [
    times("cache", "avx512", 10.0, "CRC-32, AVX-512", CRC32FAST),
    times(
        "cache",
        "avx2-gfni",
        7.0,
        "CRC-32, AVX2 and GFNI",
        CRC32FAST,
    ),
    times("cache", "avx2", 6.0, "CRC-32, AVX2", CRC32FAST),
    times("cache", "portable", 1.2, "CRC-32, portable", CRC32FAST),
    times(
        "modbus",
        "avx512",
        20.0,
        "CRC-16/MODBUS, AVX-512",
        CRATE_CRC,
    ),
    times("sum", "avx512", 7.0, "sum, AVX-512", PLAIN_SUM),
    trips(
        "queue-p50",
        "ping-pong-p50",
        2.0,
        "one decision by queue, p50",
    ),
    trips(
        "queue-p99",
        "ping-pong-p99",
        3.0,
        "one decision by queue, p99",
    ),
];

/// The least share of the core's read bandwidth.
const BANDWIDTH: Bound = Bound::AtLeast(0.7);

/// Those whose figures are there.
pub(crate) fn of(groups: &[Group]) -> Vec<Target> {
    let find = |id: &str| groups.iter().find(|group| group.id == id);
    let bandwidth = find("memory").map(|memory| Ratio {
        group: "memory",
        numerator: &memory.reference,
        denominator: "read",
        to_reach: BANDWIDTH,
        name: "CRC-32, from memory",
        what: "share of a core's read bandwidth",
    });
    RATIOS
        .into_iter()
        .chain(bandwidth)
        .filter_map(|ratio| {
            let measured = find(ratio.group)?.ratio(ratio.numerator, ratio.denominator)?;
            Some(Target {
                name: ratio.name.to_owned(),
                what: ratio.what.to_owned(),
                to_reach: ratio.to_reach,
                reached: ratio.to_reach.holds(measured.median),
                measured,
            })
        })
        .collect()
}
