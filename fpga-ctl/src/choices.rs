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
    use clap::{Arg, Command};

    use super::*;

    fn parse<T: Clone + Send + Sync + 'static>(
        parser: impl TypedValueParser<Value = T>,
        name: &str,
    ) -> T {
        let command = Command::new("test").arg(Arg::new("value").value_parser(parser));
        let matches = command.get_matches_from(["test", name]);
        matches.get_one::<T>("value").unwrap().clone()
    }

    #[test]
    fn the_names_that_the_library_prints_are_taken() {
        for value in Profile::ALL {
            assert_eq!(parse(profile(), &value.to_string()), value);
        }
        for value in Checksum::ALL {
            assert_eq!(parse(checksum(), &value.to_string()), value);
        }
        for value in RiskLevel::ALL {
            let name = value.name().to_lowercase().replace("_risk", "");
            assert_eq!(parse(risk(), &name), value);
        }
    }
}
