//! Values of the library that are chosen by name on the command line.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use host_runtime::tcp::{Checksum, Profile, RiskLevel};

/// Takes one of these names.
fn named<T: Clone + Send + Sync + 'static, const N: usize>(
    choices: [(&'static str, T); N],
) -> impl TypedValueParser<Value = T> {
    let names = choices.clone().map(|(name, _)| name);
    PossibleValuesParser::new(names).try_map(move |text| {
        let chosen = choices.iter().find(|(name, _)| *name == text);
        chosen
            .map(|(_, value)| value.clone())
            .ok_or("not a possible value")
    })
}

pub(crate) fn profile() -> impl TypedValueParser<Value = Profile> {
    named([("compact", Profile::Compact), ("wide", Profile::Wide)])
}

pub(crate) fn checksum() -> impl TypedValueParser<Value = Checksum> {
    named([
        ("crc32", Checksum::Crc32),
        ("sum", Checksum::Sum),
        ("modbus", Checksum::Modbus),
    ])
}

pub(crate) fn risk() -> impl TypedValueParser<Value = RiskLevel> {
    named([
        ("safe", RiskLevel::Safe),
        ("low", RiskLevel::LowRisk),
        ("medium", RiskLevel::MediumRisk),
        ("high", RiskLevel::HighRisk),
        ("critical", RiskLevel::Critical),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_library_prints() {
        for profile in Profile::ALL {
            let text = profile.to_string();
            let names = ["compact", "wide"];
            assert!(names.contains(&text.as_str()));
        }
        for checksum in Checksum::ALL {
            assert!(["crc32", "sum", "modbus"].contains(&checksum.to_string().as_str()));
        }
    }
}
