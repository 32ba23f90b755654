//! The golden model: the specification's checks and decision rule, one descriptor at a time.
//!
//! Written to be read beside the specification, not to be fast: every device, in hardware or in
//! software, is compared with this.

use super::{
    Cause, Decision, Descriptor, Detail, Options, Policy, RiskLevel, Verdict,
    descriptor::{MAGIC, VERSION},
};

/// The detail word of one descriptor; its byte 0 is the verdict byte.
pub fn evaluate(descriptor: &Descriptor, options: Options, policy: &Policy) -> Detail {
    match check(descriptor, options, policy.reserved_mask) {
        Ok(risk) => {
            let verdict = decide(descriptor, options, policy, risk);
            Detail::well_formed(verdict, descriptor.flags())
        }
        Err(cause) => Detail::malformed(cause, descriptor.flags()),
    }
}

/// The risk level of a well-formed descriptor, or the first check that fails.
///
/// # Errors
///
/// The [`Cause`] that makes the descriptor malformed.
pub fn check(
    descriptor: &Descriptor,
    options: Options,
    reserved_mask: u32,
) -> Result<RiskLevel, Cause> {
    if descriptor.magic() != MAGIC {
        return Err(Cause::BadMagic);
    }
    if descriptor.version() != VERSION {
        return Err(Cause::BadVersion);
    }
    if descriptor.stored_checksum() != descriptor.expected_checksum(options.checksum) {
        return Err(Cause::BadChecksum);
    }
    let risk = RiskLevel::from_flags(descriptor.flags()).ok_or(Cause::BadRisk)?;
    if descriptor.flags() & reserved_mask != 0 {
        return Err(Cause::ReservedFlags);
    }
    Ok(risk)
}

fn decide(descriptor: &Descriptor, options: Options, policy: &Policy, risk: RiskLevel) -> Verdict {
    let denied = descriptor.flags() & policy.deny_mask != 0;
    let needs_approval = descriptor.flags() & policy.approval_mask != 0;
    let over_maximum = descriptor.exec_ms(options.layout) > policy.limits.max_exec_ms
        || descriptor.memory_mb(options.layout) > policy.limits.max_memory_mb
        || descriptor.output_kb(options.layout) > policy.limits.max_output_kb;

    let mut decision = policy.risk[risk.bit() as usize];
    if denied {
        decision = decision.max(Decision::Reject);
    }
    if needs_approval {
        decision = decision.max(Decision::RequireApproval);
    }
    if over_maximum {
        decision = decision.max(policy.exceeded);
    }
    Verdict::new(decision, risk, over_maximum, denied || needs_approval)
}

/// Writes one verdict byte for each descriptor.
///
/// # Panics
///
/// If the two slices differ in length.
pub fn evaluate_verdicts(
    descriptors: &[Descriptor],
    options: Options,
    policy: &Policy,
    verdicts: &mut [Verdict],
) {
    assert_eq!(
        descriptors.len(),
        verdicts.len(),
        "one verdict for each descriptor"
    );
    for (descriptor, verdict) in descriptors.iter().zip(verdicts) {
        *verdict = evaluate(descriptor, options, policy).verdict();
    }
}

/// Writes one detail word for each descriptor.
///
/// # Panics
///
/// If the two slices differ in length.
pub fn evaluate_details(
    descriptors: &[Descriptor],
    options: Options,
    policy: &Policy,
    details: &mut [Detail],
) {
    assert_eq!(
        descriptors.len(),
        details.len(),
        "one detail word for each descriptor"
    );
    for (descriptor, detail) in descriptors.iter().zip(details) {
        *detail = evaluate(descriptor, options, policy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::{Checksum, Layout, Limits, Profile};

    const BANG: &str = "5443500200029033e0e30000040100000064000a000103e5";
    const GIT: &str = "544350020002ba9f11ec0000024407d000c80d920003f202";
    const RM: &str = "544350020002d67f249b0000022f138801f40032000296f8";

    fn judge(text: &str, profile: Profile) -> Detail {
        let descriptor = text.parse().unwrap();
        evaluate(
            &descriptor,
            Options::for_profile(profile),
            &Policy::for_profile(profile),
        )
    }

    /// `GIT` with other flags, or other bytes, and the checksum made right again.
    fn git_with(change: impl FnOnce(&mut [u8; 24])) -> Descriptor {
        let mut descriptor: Descriptor = GIT.parse().unwrap();
        change(&mut descriptor.0);
        descriptor.write_checksum(Checksum::Crc32);
        descriptor
    }

    #[test]
    fn the_known_vectors_get_their_verdicts() {
        assert_eq!(judge(BANG, Profile::Wide).verdict(), Verdict(0x01));
        assert_eq!(judge(GIT, Profile::Compact).verdict(), Verdict(0x13));
        assert_eq!(judge(GIT, Profile::Compact).low_flags(), 0x0244);
        let rm = judge(RM, Profile::Compact);
        assert_eq!(
            (rm.verdict(), rm.cause()),
            (Verdict(0), Some(Cause::BadChecksum))
        );
        assert_eq!(rm.low_flags(), 0x022f);
    }

    #[test]
    fn the_specifications_rm_is_bad_risk_once_its_checksum_is_mended() {
        assert_eq!(
            judge(&RM.replace("96f8", "fd61"), Profile::Compact).cause(),
            Some(Cause::BadRisk)
        );
    }

    #[test]
    fn the_first_failing_check_names_the_cause() {
        let options = Options::default();
        let cause = |descriptor: &Descriptor| {
            evaluate(descriptor, options, &Policy::default())
                .cause()
                .unwrap()
        };
        // Everything is wrong at first; each step mends the cause just named.
        let mut descriptor = Descriptor([0xff; 24]);
        assert_eq!(cause(&descriptor), Cause::BadMagic);
        descriptor.0[..4].copy_from_slice(&MAGIC);
        assert_eq!(cause(&descriptor), Cause::BadVersion);
        descriptor.0[4..6].copy_from_slice(&VERSION.to_be_bytes());
        assert_eq!(cause(&descriptor), Cause::BadChecksum);
        descriptor.write_checksum(options.checksum);
        assert_eq!(cause(&descriptor), Cause::BadRisk);
        descriptor.0[13] = 0x30;
        descriptor.write_checksum(options.checksum);
        assert_eq!(cause(&descriptor), Cause::ReservedFlags);
        descriptor.0[12] = 0x0f;
        descriptor.0[13] = 0x10;
        descriptor.write_checksum(options.checksum);
        assert!(
            evaluate(&descriptor, options, &Policy::default())
                .verdict()
                .is_valid()
        );
    }

    #[test]
    fn no_risk_bit_is_malformed_not_safe() {
        let none = git_with(|bytes| bytes[13] &= !0x1f);
        let detail = evaluate(&none, Options::default(), &Policy::default());
        assert_eq!(detail.cause(), Some(Cause::BadRisk));
    }

    #[test]
    fn vendor_bits_are_ignored_unless_the_policy_reserves_them() {
        let vendor = git_with(|bytes| bytes[10] = 0x80);
        let mut policy = Policy::default();
        assert!(
            evaluate(&vendor, Options::default(), &policy)
                .verdict()
                .is_valid()
        );
        policy.reserved_mask |= 0x8000_0000;
        let detail = evaluate(&vendor, Options::default(), &policy);
        assert_eq!(detail.cause(), Some(Cause::ReservedFlags));
    }

    #[test]
    fn the_most_severe_rule_decides() {
        let git: Descriptor = GIT.parse().unwrap();
        let verdict = |policy: Policy| evaluate(&git, Options::default(), &policy).verdict();
        let medium = RiskLevel::MediumRisk;

        let mut policy = Policy {
            approval_mask: 0x200,
            ..Policy::default()
        };
        assert_eq!(
            verdict(policy),
            Verdict::new(Decision::RequireApproval, medium, false, true)
        );
        policy.risk[2] = Decision::Reject;
        assert_eq!(
            verdict(policy),
            Verdict::new(Decision::Reject, medium, false, true)
        );
        policy = Policy {
            deny_mask: 0x40,
            approval_mask: 0x200,
            ..Policy::default()
        };
        assert_eq!(
            verdict(policy),
            Verdict::new(Decision::Reject, medium, false, true)
        );
        policy = Policy {
            exceeded: Decision::Approve,
            ..Policy::default()
        };
        policy.limits.max_exec_ms = 0;
        assert_eq!(
            verdict(policy),
            Verdict::new(Decision::Caution, medium, true, false)
        );
        policy.exceeded = Decision::Reject;
        assert_eq!(
            verdict(policy),
            Verdict::new(Decision::Reject, medium, true, false)
        );
    }

    #[test]
    fn a_maximum_is_exceeded_only_when_strictly_greater() {
        let git: Descriptor = GIT.parse().unwrap();
        let exact = Limits {
            max_exec_ms: 0x7d0,
            max_memory_mb: 0xc8,
            max_output_kb: 0xd92,
        };
        let over = |limits: Limits| {
            let policy = Policy {
                limits,
                ..Policy::default()
            };
            evaluate(&git, Options::default(), &policy)
                .verdict()
                .over_maximum()
        };
        assert!(!over(exact));
        assert!(over(Limits {
            max_exec_ms: 0x7cf,
            ..exact
        }));
        assert!(over(Limits {
            max_memory_mb: 0xc7,
            ..exact
        }));
        assert!(over(Limits {
            max_output_kb: 0xd91,
            ..exact
        }));
    }

    #[test]
    fn the_layout_of_the_options_places_the_costs() {
        let git: Descriptor = GIT.parse().unwrap();
        let mut policy = Policy::default();
        policy.limits.max_exec_ms = 0xffff;
        let wide = Options {
            layout: Layout::Wide,
            ..Options::default()
        };
        assert!(
            !evaluate(&git, Options::default(), &policy)
                .verdict()
                .over_maximum()
        );
        assert!(evaluate(&git, wide, &policy).verdict().over_maximum());
    }

    #[test]
    fn slices_get_one_answer_each_in_order() {
        let descriptors: Vec<Descriptor> = [GIT, RM, GIT]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let (options, policy) = (Options::default(), Policy::default());
        let mut details = [Detail::default(); 3];
        evaluate_details(&descriptors, options, &policy, &mut details);
        let expected = [GIT, RM, GIT].map(|text| judge(text, Profile::Compact));
        assert_eq!(details, expected);
        let mut verdicts = [Verdict::default(); 3];
        evaluate_verdicts(&descriptors, options, &policy, &mut verdicts);
        assert_eq!(verdicts, expected.map(Detail::verdict));
    }
}
