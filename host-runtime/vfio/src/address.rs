//! The address of a PCI function, as Linux writes it.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// `domain:bus:device.function`, in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciAddress {
    /// 0 on most machines; more than 16 bits behind controllers that make domains of their own.
    pub domain: u32,
    /// Bus within the domain.
    pub bus: u8,
    /// Device on the bus, less than 32.
    pub device: u8,
    /// Function of the device, less than 8.
    pub function: u8,
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            domain,
            bus,
            device,
            function,
        } = self;
        write!(f, "{domain:04x}:{bus:02x}:{device:02x}.{function}")
    }
}

impl FromStr for PciAddress {
    type Err = Error;

    /// Reads an address; the domain may be left out where it is 0, as `lspci` does.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Address(text.to_owned());
        // No sign, and exactly so many digits: what `from_str_radix` takes is more.
        let number = |digits: &str, lengths: std::ops::RangeInclusive<usize>| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let plain = plain && lengths.contains(&digits.len());
            plain
                .then(|| u32::from_str_radix(digits, 16).ok())
                .flatten()
        };
        let (slot, function) = text.rsplit_once('.').ok_or_else(wrong)?;
        let (rest, device) = slot.rsplit_once(':').ok_or_else(wrong)?;
        let (domain, bus) = rest.rsplit_once(':').unwrap_or(("0000", rest));
        let address = || {
            Some(Self {
                domain: number(domain, 4..=8)?,
                bus: number(bus, 2..=2)? as u8,
                device: number(device, 2..=2).filter(|&device| device < 32)? as u8,
                function: number(function, 1..=1).filter(|&function| function < 8)? as u8,
            })
        };
        address().ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back() {
        for text in ["0000:03:00.0", "0001:ff:1f.7", "10000:01:00.0"] {
            assert_eq!(text.parse::<PciAddress>().unwrap().to_string(), text);
        }
        let short: PciAddress = "3b:0A.1".parse().unwrap();
        assert_eq!(short.to_string(), "0000:3b:0a.1");
    }

    #[test]
    fn what_no_function_has_is_refused() {
        for text in [
            "",
            "0",
            "03:00",
            "03:00.8",
            "03:20.0",
            "3:00.0",
            "000:03:00.0",
            "0000:+3:00.0",
            "0000:03:00.0.0",
            "0000:03:00.",
            "lab.0",
            "123456789:03:00.0",
            "0000:0000:03:00.0",
        ] {
            assert!(
                matches!(text.parse::<PciAddress>(), Err(Error::Address(_))),
                "{text:?}"
            );
        }
    }
}
