//! Policies as people write them: TOML with names in place of bits.
//!
//! Every field is optional and starts from the profile's reset contents:
//!
//! ```toml
//! profile = "wide"                        # names the bits; "compact" or "wide"
//! reserved_mask = 0xc0e0                  # flags that make a descriptor malformed
//! deny = ["DESTRUCTIVE", "bit:16"]        # capability names, bits or masks
//! require_approval = ["NETWORK_ACCESS", 0x20000]
//!
//! [risk]                                  # a decision for each risk level
//! HIGH_RISK = "REJECT"
//!
//! [limits]
//! max_exec_ms = 60000
//! max_memory_mb = 1024
//! max_output_kb = 512
//! exceeded = "REQUIRE_APPROVAL"           # the least severe decision past a maximum
//! ```

use std::fmt::Write as _;

use serde::Deserialize;
use thiserror::Error;
use toml::{Spanned, Value};

use super::{Policy, Profile, RiskLevel};

/// A policy and the profile that names its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyFile {
    /// The profile, stated in the file or taken from the caller.
    pub profile: Profile,
    /// The policy.
    pub policy: Policy,
}

/// Why a text is not a policy.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PolicyFileError {
    /// It is not TOML, or has a field that policies do not have.
    #[error("the policy cannot be read: {0}")]
    Toml(toml::de::Error),
    /// A field has a value that it cannot have.
    #[error("policy line {line}: {field} is {found}; it must be {allowed}")]
    Value {
        /// The line, counted from 1.
        line: usize,
        /// The field, with the table it is in.
        field: String,
        /// The value as the file has it.
        found: String,
        /// What it may be.
        allowed: String,
    },
}

type Field = Option<Spanned<Value>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    profile: Field,
    reserved_mask: Field,
    deny: Field,
    require_approval: Field,
    #[serde(default)]
    risk: RiskTable,
    #[serde(default)]
    limits: LimitsTable,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "SCREAMING_SNAKE_CASE")]
struct RiskTable {
    safe: Field,
    low_risk: Field,
    medium_risk: Field,
    high_risk: Field,
    critical: Field,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    max_exec_ms: Field,
    max_memory_mb: Field,
    max_output_kb: Field,
    exceeded: Field,
}

impl PolicyFile {
    /// Reads a policy; `default_profile` holds where the text states none.
    ///
    /// # Errors
    ///
    /// [`PolicyFileError`], which names the line and the field and says what is allowed.
    pub fn parse(text: &str, default_profile: Profile) -> Result<Self, PolicyFileError> {
        let document: Document = toml::from_str(text).map_err(PolicyFileError::Toml)?;
        let reader = Reader { text };

        let profile = match document.profile {
            Some(value) => reader.name(&value, "profile", &Profile::ALL)?,
            None => default_profile,
        };
        let mut policy = Policy::for_profile(profile);
        let RiskTable {
            safe,
            low_risk,
            medium_risk,
            high_risk,
            critical,
        } = document.risk;
        let risks = [safe, low_risk, medium_risk, high_risk, critical];
        for ((level, decision), value) in RiskLevel::ALL.iter().zip(&mut policy.risk).zip(risks) {
            if let Some(value) = value {
                *decision = reader.decision(&value, &format!("risk.{level}"))?;
            }
        }
        if let Some(value) = document.reserved_mask {
            policy.reserved_mask = reader.integer(&value, "reserved_mask")?;
        }
        if let Some(value) = document.deny {
            policy.deny_mask = reader.flags(&value, "deny", profile)?;
        }
        if let Some(value) = document.require_approval {
            policy.approval_mask = reader.flags(&value, "require_approval", profile)?;
        }
        if let Some(value) = document.limits.max_exec_ms {
            policy.limits.max_exec_ms = reader.integer(&value, "limits.max_exec_ms")?;
        }
        if let Some(value) = document.limits.max_memory_mb {
            policy.limits.max_memory_mb = reader.integer(&value, "limits.max_memory_mb")?;
        }
        if let Some(value) = document.limits.max_output_kb {
            policy.limits.max_output_kb = reader.integer(&value, "limits.max_output_kb")?;
        }
        if let Some(value) = document.limits.exceeded {
            policy.exceeded = reader.decision(&value, "limits.exceeded")?;
        }
        Ok(Self { profile, policy })
    }

    /// The policy as TOML with every field stated; [`PolicyFile::parse`] reads it back.
    pub fn to_toml(&self) -> String {
        let Self { profile, policy } = self;
        let mut text = String::new();
        // Writing to a String cannot fail.
        let mut line = |arguments: std::fmt::Arguments<'_>| {
            let _ = writeln!(text, "{arguments}");
        };
        line(format_args!("profile = \"{profile}\""));
        line(format_args!("reserved_mask = {:#x}", policy.reserved_mask));
        line(format_args!(
            "deny = [{}]",
            flag_list(policy.deny_mask, *profile)
        ));
        line(format_args!(
            "require_approval = [{}]",
            flag_list(policy.approval_mask, *profile)
        ));
        line(format_args!("\n[risk]"));
        for (level, decision) in RiskLevel::ALL.iter().zip(policy.risk) {
            line(format_args!("{level} = \"{decision}\""));
        }
        line(format_args!("\n[limits]"));
        line(format_args!("max_exec_ms = {}", policy.limits.max_exec_ms));
        line(format_args!(
            "max_memory_mb = {}",
            policy.limits.max_memory_mb
        ));
        line(format_args!(
            "max_output_kb = {}",
            policy.limits.max_output_kb
        ));
        line(format_args!("exceeded = \"{}\"", policy.exceeded));
        text
    }
}

/// The bits of a mask as TOML strings: capabilities by name, all others by number.
fn flag_list(mask: u32, profile: Profile) -> String {
    let names: Vec<String> = (0..u32::BITS)
        .filter(|bit| mask >> bit & 1 == 1)
        .map(|bit| match profile.capability_names(1 << bit).next() {
            Some(name) => format!("\"{name}\""),
            None => format!("\"bit:{bit}\""),
        })
        .collect();
    names.join(", ")
}

/// Turns values into fields; the text is there to find the line of a bad one.
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn error(&self, value: &Spanned<Value>, field: &str, allowed: String) -> PolicyFileError {
        let before = &self.text.as_bytes()[..value.span().start.min(self.text.len())];
        PolicyFileError::Value {
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            field: field.to_owned(),
            found: value.get_ref().to_string(),
            allowed,
        }
    }

    fn name<T: Copy + ToString>(
        &self,
        value: &Spanned<Value>,
        field: &str,
        all: &[T],
    ) -> Result<T, PolicyFileError> {
        all.iter()
            .copied()
            .find(|choice| value.get_ref().as_str() == Some(&choice.to_string()))
            .ok_or_else(|| {
                let names: Vec<String> = all
                    .iter()
                    .map(|choice| format!("\"{}\"", choice.to_string()))
                    .collect();
                self.error(value, field, format!("one of {}", names.join(", ")))
            })
    }

    fn decision(
        &self,
        value: &Spanned<Value>,
        field: &str,
    ) -> Result<super::Decision, PolicyFileError> {
        self.name(value, field, &super::Decision::ALL)
    }

    fn integer<T: TryFrom<i64> + Bounded>(
        &self,
        value: &Spanned<Value>,
        field: &str,
    ) -> Result<T, PolicyFileError> {
        value
            .get_ref()
            .as_integer()
            .and_then(|integer| T::try_from(integer).ok())
            .ok_or_else(|| self.error(value, field, format!("an integer from 0 to {}", T::MAX)))
    }

    fn flags(
        &self,
        value: &Spanned<Value>,
        field: &str,
        profile: Profile,
    ) -> Result<u32, PolicyFileError> {
        let masks = value.get_ref().as_array().and_then(|items| {
            items
                .iter()
                .map(|item| flag_mask(item, profile))
                .collect::<Option<Vec<u32>>>()
        });
        masks
            .map(|masks| masks.into_iter().fold(0, |all, mask| all | mask))
            .ok_or_else(|| {
                let names: Vec<&str> = profile.capabilities().iter().map(|c| c.name).collect();
                let allowed = format!(
                    "a list of {}, \"bit:0\" to \"bit:31\", or 32-bit masks ({profile} profile)",
                    names.join(", ")
                );
                self.error(value, field, allowed)
            })
    }
}

fn flag_mask(item: &Value, profile: Profile) -> Option<u32> {
    match item {
        Value::Integer(mask) => u32::try_from(*mask).ok(),
        Value::String(name) => match name.strip_prefix("bit:") {
            Some(bit) => 1u32.checked_shl(bit.parse().ok()?),
            None => profile.capability_mask(name).ok(),
        },
        _ => None,
    }
}

trait Bounded {
    const MAX: u32;
}

impl Bounded for u16 {
    const MAX: u32 = u16::MAX as u32;
}

impl Bounded for u32 {
    const MAX: u32 = u32::MAX;
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::tcp::Decision;

    fn parse(text: &str) -> Result<PolicyFile, PolicyFileError> {
        PolicyFile::parse(text, Profile::Compact)
    }

    #[test]
    fn an_empty_text_is_the_default_profiles_reset_policy() {
        for profile in Profile::ALL {
            let file = PolicyFile::parse("", profile).unwrap();
            assert_eq!(
                file,
                PolicyFile {
                    profile,
                    policy: Policy::for_profile(profile)
                }
            );
        }
    }

    #[test]
    fn each_field_lands_in_its_word() {
        let text = r#"
            profile = "wide"
            reserved_mask = 0x80000000
            deny = ["DESTRUCTIVE", 0x10000]
            require_approval = ["bit:31", "FILE_MODIFICATION"]
            risk.SAFE = "REJECT"
            risk.CRITICAL = "APPROVE"
            [limits]
            max_exec_ms = 4294967295
            max_memory_mb = 7
            max_output_kb = 9
            exceeded = "REQUIRE_APPROVAL"
        "#;
        let file = parse(text).unwrap();
        assert_eq!(file.profile, Profile::Wide);
        let words = file.policy.to_words();
        assert_eq!(words[0], 0b00_10_01_00_11);
        assert_eq!(words[1..5], [0x8000_0000, 0x1_0800, 0x8000_0100, u32::MAX]);
        assert_eq!(words[5..], [9 << 16 | 7, 2, 0]);
    }

    #[test]
    fn bad_values_are_refused_with_line_field_and_choices() {
        let cases = [
            ("profile = \"broad\"", 1, "profile", "\"wide\""),
            (
                "\n[risk]\nSAFE = \"OK\"",
                3,
                "risk.SAFE",
                "\"REQUIRE_APPROVAL\"",
            ),
            (
                "deny = [\"PROCESS_CONTROL\"]",
                1,
                "deny",
                "PRIVILEGE_ESCALATION",
            ),
            ("deny = [\"bit:32\"]", 1, "deny", "bit:31"),
            ("deny = [0x100000000]", 1, "deny", "32-bit masks"),
            ("deny = \"DESTRUCTIVE\"", 1, "deny", "a list of"),
            (
                "\nreserved_mask = -1",
                2,
                "reserved_mask",
                "0 to 4294967295",
            ),
            (
                "limits.max_memory_mb = 65536",
                1,
                "limits.max_memory_mb",
                "0 to 65535",
            ),
            (
                "limits.max_exec_ms = \"1\"",
                1,
                "limits.max_exec_ms",
                "an integer",
            ),
            ("limits.exceeded = 3", 1, "limits.exceeded", "\"CAUTION\""),
        ];
        for (text, expected_line, expected_field, choice) in cases {
            match parse(text).unwrap_err() {
                PolicyFileError::Value {
                    line,
                    field,
                    allowed,
                    ..
                } => {
                    assert_eq!(
                        (line, field.as_str()),
                        (expected_line, expected_field),
                        "{text}"
                    );
                    assert!(allowed.contains(choice), "{text}: {allowed}");
                }
                error => panic!("{text}: {error}"),
            }
        }
    }

    #[test]
    fn unknown_fields_and_broken_toml_are_refused_with_their_line() {
        for (text, line, word) in [
            ("\ndenny = []", "line 2", "require_approval"),
            ("[limits]\nmax_ms = 1", "line 2", "max_exec_ms"),
            ("[risk]\n\nUNSAFE = \"REJECT\"", "line 3", "LOW_RISK"),
            ("deny = [", "line 1", "deny"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(line) && error.contains(word), "{error}");
        }
    }

    proptest! {
        #[test]
        fn every_policy_round_trips(
            profile in select(&Profile::ALL),
            other in select(&Profile::ALL),
            words: [u32; 6],
            exceeded in select(&Decision::ALL),
        ) {
            let [risk, rest @ ..] = words;
            let [reserved, deny, approval, exec, sizes] = rest;
            let words = [
                risk & 0x3ff, reserved, deny, approval, exec, sizes, exceeded.code().into(), 0,
            ];
            let file = PolicyFile { profile, policy: Policy::from_words(words).unwrap() };
            prop_assert_eq!(PolicyFile::parse(&file.to_toml(), other), Ok(file));
        }
    }
}
