//! Sizes, numbers and durations as people write them.

use std::time::Duration;

/// Longest that may be waited, so that no sum of times overflows.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Bytes: a number, alone or with KiB, MiB, GiB or TiB.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 4] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    scaled(text, &UNITS).ok_or_else(|| "write bytes, or KiB, MiB, GiB, TiB: 16GiB".to_owned())
}

/// A number, alone or with k or M for thousands and millions.
pub(crate) fn number(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 2] = [("k", 1000), ("M", 1_000_000)];
    scaled(text, &UNITS)
        .ok_or_else(|| "write a number, or thousands as 100k, or millions as 2M".to_owned())
}

/// As [`number`], of 32 bits.
pub(crate) fn word(text: &str) -> Result<u64, String> {
    let number = number(text)?;
    let fits = u32::try_from(number).is_ok();
    fits.then_some(number)
        .ok_or_else(|| format!("no card has that many; at most {}", u32::MAX))
}

/// A duration such as `90s`, `5m` or `1h 30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a number and a unit: 90s, 5m"))?;
    if duration > LONGEST {
        return Err("that is longer than a year".to_owned());
    }
    Ok(duration)
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (digits, scale) = units
        .iter()
        .find_map(|(unit, scale)| Some((text.strip_suffix(unit)?, *scale)))
        .unwrap_or((text, 1));
    // No sign: `parse` takes a plus.
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .parse::<u64>()
        .ok()
        .filter(|_| plain)?
        .checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_the_units_that_people_write() {
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("16GiB"), Ok(16 << 30));
        assert_eq!(number("1728k"), Ok(1_728_000));
        assert_eq!(number("2M"), Ok(2_000_000));
        for wrong in [
            "",
            "GiB",
            "-1",
            "+1",
            "1.5GiB",
            "16GB",
            "99999999TiB",
            "1 GiB",
        ] {
            assert!(bytes(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "90", "soon", "999y"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }
}
