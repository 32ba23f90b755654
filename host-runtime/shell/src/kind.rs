//! Which shell a card has. There is one, XDMA, with as many channels as it is told.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use xdma::Layout;
use xdma::registers::MAX_CHANNELS;

/// A shell and its variants, written `xdma` or `xdma:h2c=2,c2h=2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShellKind {
    /// AMD's DMA/Bridge Subsystem (PG195) with so many DMA channels.
    Xdma(Layout),
}

impl Default for ShellKind {
    fn default() -> Self {
        Self::Xdma(Layout::default())
    }
}

/// A text names no shell that there is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is no shell; there is xdma, also with channels of a number from 1 to {MAX_CHANNELS}: xdma:h2c=2,c2h=2"
)]
pub struct NoSuchShell(String);

impl fmt::Display for ShellKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Xdma(layout) = self;
        f.write_str("xdma")?;
        if *layout != Layout::default() {
            write!(f, ":h2c={},c2h={}", layout.h2c, layout.c2h)?;
        }
        Ok(())
    }
}

impl FromStr for ShellKind {
    type Err = NoSuchShell;

    fn from_str(text: &str) -> Result<Self, NoSuchShell> {
        let wrong = || NoSuchShell(text.to_owned());
        let (name, variants) = match text.split_once(':') {
            Some((name, variants)) => (name, Some(variants)),
            None => (text, None),
        };
        if name != "xdma" {
            return Err(wrong());
        }
        let mut layout = Layout::default();
        for variant in variants.into_iter().flat_map(|all| all.split(',')) {
            let (key, count) = variant.split_once('=').ok_or_else(wrong)?;
            let count = count.parse().ok();
            let count = count.filter(|count| (1..=MAX_CHANNELS).contains(count));
            let channels = match key {
                "h2c" => &mut layout.h2c,
                "c2h" => &mut layout.c2h,
                _ => return Err(wrong()),
            };
            *channels = count.ok_or_else(wrong)?;
        }
        Ok(Self::Xdma(layout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_are_told_from_their_names() {
        let shell = |text: &str| text.parse::<ShellKind>();
        for (text, h2c, c2h) in [
            ("xdma", 1, 1),
            ("xdma:h2c=4", 4, 1),
            ("xdma:c2h=2,h2c=3", 3, 2),
        ] {
            let kind = ShellKind::Xdma(Layout { h2c, c2h });
            assert_eq!(shell(text), Ok(kind));
            assert_eq!(shell(&kind.to_string()), Ok(kind));
        }
        for text in [
            "",
            "qdma",
            "xdma:",
            "xdma:h2c",
            "xdma:h2c=0",
            "xdma:h2c=5",
            "xdma:h2c=x",
            "xdma:irqs=3",
            "XDMA",
        ] {
            let error = shell(text).unwrap_err().to_string();
            assert!(error.contains("there is xdma"), "{error}");
        }
    }
}
