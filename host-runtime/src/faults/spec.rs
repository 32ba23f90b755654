//! Faults as text: `KIND[:KEY=VALUE[,KEY=VALUE...]]`, as `--fault` takes them and as reports show them.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::{ErrorResponse, Event, Fault, FaultError, FaultKind, Trigger, names};

/// The settings that every kind has.
const COMMON: [&str; 6] = ["on", "at", "times", "chance", "port", "range"];

impl FaultKind {
    /// The settings that only this kind has.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::AxiError(_) | Self::RegisterError(_) | Self::DmaError(_) => &["response"],
            Self::Slow(_) | Self::InterruptLate(_) => &["clocks"],
            Self::MemoryFlip(_) => &["bits"],
            Self::DmaFlip { .. } => &["replay"],
            _ => &[],
        }
    }
}

/// A number, decimal or after `0x`.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn range(text: &str) -> Option<Range<u64>> {
    let (start, end) = text.split_once("..")?;
    let range = number(start)?..number(end)?;
    (!range.is_empty()).then_some(range)
}

fn response(text: &str) -> Option<ErrorResponse> {
    match text {
        "slverr" => Some(ErrorResponse::Slverr),
        "decerr" => Some(ErrorResponse::Decerr),
        _ => None,
    }
}

fn response_name(response: ErrorResponse) -> &'static str {
    match response {
        ErrorResponse::Slverr => "slverr",
        ErrorResponse::Decerr => "decerr",
    }
}

/// The settings of one text, as they are taken in.
struct Settings {
    kind: FaultKind,
    event: Event,
    port: Option<String>,
    range: Option<Range<u64>>,
    at: Option<u64>,
    times: Option<u64>,
    chance: Option<f64>,
}

impl Settings {
    fn set(&mut self, key: &'static str, value: &str) -> Result<(), FaultError> {
        let kind = self.kind.name();
        let wrong = |expected| FaultError::Value {
            kind,
            key,
            value: value.to_owned(),
            expected,
        };
        let count = || {
            number(value)
                .filter(|&number| number > 0)
                .ok_or_else(|| wrong("a number from 1"))
        };
        match key {
            "on" => {
                let events = self.kind.events();
                let found = events.iter().find(|event| event.name() == value);
                self.event = *found.ok_or_else(|| FaultError::Event {
                    kind,
                    event: value.to_owned(),
                    available: names(events.iter().map(|event| event.name())),
                })?;
            }
            "at" => self.at = Some(count()?),
            "times" if value == "all" => self.times = Some(u64::MAX),
            "times" => {
                let expected = "a number from 1, or all";
                self.times = Some(count().map_err(|_| wrong(expected))?);
            }
            "chance" => {
                let chance = value.parse().ok();
                let chance = chance.filter(|chance| *chance > 0.0 && *chance <= 1.0);
                self.chance = Some(chance.ok_or_else(|| wrong("a number above 0, at most 1"))?);
            }
            "port" => self.port = Some(value.to_owned()),
            "range" => {
                let expected = "addresses as 0x1000..0x2000, the end excluded";
                self.range = Some(range(value).ok_or_else(|| wrong(expected))?);
            }
            _ => self.set_own(key, value, wrong)?,
        }
        Ok(())
    }

    /// Sets what only this kind has.
    fn set_own(
        &mut self,
        key: &'static str,
        value: &str,
        wrong: impl Fn(&'static str) -> FaultError,
    ) -> Result<(), FaultError> {
        let response = || response(value).ok_or_else(|| wrong("slverr or decerr"));
        let clocks = || {
            let clocks = number(value).filter(|clocks| (1..1 << 40).contains(clocks));
            clocks.ok_or_else(|| wrong("a number of clocks from 1"))
        };
        self.kind = match (self.kind, key) {
            (FaultKind::AxiError(_), _) => FaultKind::AxiError(response()?),
            (FaultKind::RegisterError(_), _) => FaultKind::RegisterError(response()?),
            (FaultKind::DmaError(_), _) => FaultKind::DmaError(response()?),
            (FaultKind::Slow(_), _) => FaultKind::Slow(clocks()?),
            (FaultKind::InterruptLate(_), _) => FaultKind::InterruptLate(clocks()?),
            (FaultKind::MemoryFlip(_), _) => FaultKind::MemoryFlip(match value {
                "1" => 1,
                "2" => 2,
                _ => return Err(wrong("1, which is corrected, or 2, which is an error")),
            }),
            (FaultKind::DmaFlip { .. }, _) => FaultKind::DmaFlip {
                replayed: match value {
                    "helps" => true,
                    "fails" => false,
                    _ => return Err(wrong("helps or fails")),
                },
            },
            (kind, _) => kind,
        };
        Ok(())
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let found = FaultKind::ALL.iter().find(|kind| kind.name() == name);
        let kind = *found.ok_or_else(|| FaultError::Kind {
            kind: name.to_owned(),
            available: names(FaultKind::ALL.iter().map(|kind| kind.name())),
        })?;
        let mut settings = Settings {
            kind,
            event: kind.events()[0],
            port: None,
            range: None,
            at: None,
            times: None,
            chance: None,
        };
        let keys: Vec<&'static str> = COMMON.iter().chain(kind.keys()).copied().collect();
        let mut given = Vec::new();
        for setting in rest.split(',').filter(|setting| !setting.is_empty()) {
            let odd = |reason| FaultError::Setting {
                kind: name_of(kind),
                text: setting.to_owned(),
                reason,
            };
            let (key, value) = setting
                .split_once('=')
                .ok_or_else(|| odd("has no value: write KEY=VALUE"))?;
            let key = keys.iter().find(|known| **known == key).copied();
            let key = key.ok_or_else(|| FaultError::Key {
                kind: name_of(kind),
                key: setting.split('=').next().unwrap_or_default().to_owned(),
                available: names(keys.iter().copied()),
            })?;
            if given.contains(&key) {
                return Err(odd("is given twice"));
            }
            given.push(key);
            settings.set(key, value.trim())?;
        }
        if settings.port.is_some() && !settings.event.has_port() {
            return Err(FaultError::NoPorts {
                kind: name_of(kind),
                event: settings.event.name(),
            });
        }
        let trigger = Trigger {
            from: settings.at.unwrap_or(1),
            // Once, unless it is left to chance how often.
            times: settings.times.unwrap_or(
                if settings.chance.is_some() && settings.at.is_none() {
                    u64::MAX
                } else {
                    1
                },
            ),
            chance: settings.chance.unwrap_or(1.0),
        };
        Ok(Self {
            kind: settings.kind,
            event: settings.event,
            port: settings.port,
            range: settings.range,
            trigger,
        })
    }
}

fn name_of(kind: FaultKind) -> &'static str {
    kind.name()
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:on={}", self.kind.name(), self.event.name())?;
        match self.kind {
            FaultKind::AxiError(response)
            | FaultKind::RegisterError(response)
            | FaultKind::DmaError(response) => {
                write!(f, ",response={}", response_name(response))?;
            }
            FaultKind::Slow(clocks) | FaultKind::InterruptLate(clocks) => {
                write!(f, ",clocks={clocks}")?;
            }
            FaultKind::MemoryFlip(bits) => write!(f, ",bits={bits}")?,
            FaultKind::DmaFlip { replayed } => {
                write!(f, ",replay={}", if replayed { "helps" } else { "fails" })?;
            }
            _ => {}
        }
        let Trigger {
            from,
            times,
            chance,
        } = self.trigger;
        if self.event != Event::Now {
            write!(f, ",at={from}")?;
        }
        match times {
            1 => {}
            u64::MAX => write!(f, ",times=all")?,
            times => write!(f, ",times={times}")?,
        }
        if chance < 1.0 {
            write!(f, ",chance={chance}")?;
        }
        if let Some(port) = &self.port {
            write!(f, ",port={port}")?;
        }
        if let Some(range) = &self.range {
            write!(f, ",range={:#x}..{:#x}", range.start, range.end)?;
        }
        Ok(())
    }
}

impl serde::Serialize for Fault {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        for text in [
            "axi-error:port=m_axi_gmem0,at=3,response=decerr",
            "hang:on=register-write,at=2,times=4",
            "slow:on=read,clocks=500,chance=0.25",
            "memory-flip:bits=2,on=from-card,range=0x1000..0x2000",
            "dma-flip:replay=fails,on=to-card",
            "link-loss",
            "reset:on=burst,at=17",
            "interrupt-late:clocks=7,times=all",
        ] {
            let fault: Fault = text.parse().expect(text);
            let shown = fault.to_string();
            assert_eq!(shown.parse(), Ok(fault), "{text} was shown as {shown}");
        }
        for kind in FaultKind::ALL {
            for event in kind.events() {
                let fault = Fault::new(*kind).on(*event).expect("one of its events");
                assert_eq!(fault.to_string().parse(), Ok(fault));
            }
        }
    }

    #[test]
    fn without_settings_the_first_event_is_struck_and_by_chance_any() {
        let fault: Fault = "axi-error".parse().expect("a kind");
        assert_eq!(
            fault,
            Fault::new(FaultKind::AxiError(ErrorResponse::Slverr))
        );
        let fault: Fault = "axi-flip:chance=0.5".parse().expect("a chance");
        assert_eq!(fault.trigger.times, u64::MAX);
    }

    #[test]
    fn texts_that_make_no_sense_are_refused_with_what_can_be_given() {
        for (text, part) in [
            ("", "there are axi-error, axi-flip"),
            ("axi-eror:at=1", "there is no fault \"axi-eror\""),
            ("hang:bits=1", "hang has no setting \"bits\"; it has on, at"),
            ("hang:at", "has no value"),
            ("hang:at=1,at=2", "given twice"),
            ("hang:at=0", "a number from 1"),
            ("hang:at=-3", "a number from 1"),
            ("hang:on=now", "it strikes burst, read, write"),
            ("memory-flip:bits=3", "1, which is corrected, or 2"),
            ("axi-error:chance=1.5", "at most 1"),
            ("axi-error:chance=nan", "at most 1"),
            ("axi-error:range=5..5", "0x1000..0x2000"),
            ("slow:clocks=0", "a number of clocks"),
            ("dma-flip:replay=maybe", "helps or fails"),
            ("axi-error:response=ok", "slverr or decerr"),
            (
                "dma-error:port=m_axi_gmem0",
                "on=transfer comes by no port of a kernel",
            ),
        ] {
            let error = text.parse::<Fault>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
