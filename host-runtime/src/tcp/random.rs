//! Random descriptors, policies and options from a seed: test support, for users' tests too.
//!
//! The generator is Xoshiro256++ and draws only fixed-width integers, so a seed gives the same
//! descriptors on every machine. Values crowd around the boundaries where devices go wrong.

use rand::{Rng, RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{
    Checksum, Decision, Descriptor, Layout, Limits, Options, Output, Policy, PolicySlot, RiskLevel,
    descriptor::{MAGIC, VERSION},
    profile::RISK_MASK,
};

/// An endless iterator of random descriptors for a device with these options and this policy.
///
/// A settable share is malformed, of every kind: wrong magic, version or checksum, no risk level
/// or several, reserved flags, several faults at once, and 24 bytes of noise.
///
/// ```
/// use host_runtime::tcp::{Options, Policy, random::RandomDescriptors};
///
/// let batch: Vec<_> = RandomDescriptors::new(7, Options::default(), &Policy::default())
///     .malformed_share(0.25)
///     .take(1000)
///     .collect();
/// assert_eq!(batch.len(), 1000);
/// ```
#[derive(Debug, Clone)]
pub struct RandomDescriptors {
    rng: Xoshiro256PlusPlus,
    options: Options,
    policy: Policy,
    malformed: u32,
}

/// Denominator of the share of malformed descriptors.
const SHARE_UNIT: u32 = 1 << 16;

impl RandomDescriptors {
    /// Descriptors for these options and this policy, half of them malformed.
    pub fn new(seed: u64, options: Options, policy: &Policy) -> Self {
        Self {
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            options,
            policy: *policy,
            malformed: SHARE_UNIT / 2,
        }
    }

    /// Sets the share of malformed descriptors, 0.0 (none) to 1.0 (all).
    pub fn malformed_share(mut self, share: f64) -> Self {
        self.malformed = (share.clamp(0.0, 1.0) * f64::from(SHARE_UNIT)).round() as u32;
        self
    }

    /// Overwrites a slice.
    pub fn fill(&mut self, descriptors: &mut [Descriptor]) {
        descriptors.fill_with(|| self.draw());
    }

    fn draw(&mut self) -> Descriptor {
        let malformed = self.rng.random_range(0..SHARE_UNIT) < self.malformed;
        let mut descriptor = self.well_formed();
        if malformed {
            self.spoil(&mut descriptor);
        }
        descriptor
    }

    fn well_formed(&mut self) -> Descriptor {
        let mut descriptor = Descriptor([0; Descriptor::SIZE]);
        let bytes = &mut descriptor.0;
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&VERSION.to_be_bytes());
        bytes[6..10].copy_from_slice(&self.rng.next_u32().to_be_bytes());
        let capabilities = sparse_mask(&mut self.rng) & !RISK_MASK & !self.policy.reserved_mask;
        let flags = capabilities | self.risk_bit();
        bytes[10..14].copy_from_slice(&flags.to_be_bytes());

        let Limits {
            max_exec_ms,
            max_memory_mb,
            max_output_kb,
        } = self.policy.limits;
        let max = self.options.layout.max_exec_ms();
        let exec_ms = near(&mut self.rng, max_exec_ms.min(max), max);
        let memory_mb = near(&mut self.rng, max_memory_mb.into(), 0xffff) as u16;
        let output_kb = near(&mut self.rng, max_output_kb.into(), 0xffff) as u16;
        let costs = match self.options.layout {
            Layout::Compact => {
                bytes[14..16].copy_from_slice(&(exec_ms as u16).to_be_bytes());
                bytes[20..22].copy_from_slice(&(self.rng.next_u32() as u16).to_be_bytes());
                &mut bytes[16..20]
            }
            Layout::Wide => {
                bytes[14..18].copy_from_slice(&exec_ms.to_be_bytes());
                &mut bytes[18..22]
            }
        };
        costs[..2].copy_from_slice(&memory_mb.to_be_bytes());
        costs[2..].copy_from_slice(&output_kb.to_be_bytes());
        descriptor.write_checksum(self.options.checksum);
        descriptor
    }

    /// A risk bit that the policy does not reserve, if it leaves one.
    fn risk_bit(&mut self) -> u32 {
        let free: Vec<RiskLevel> = RiskLevel::ALL
            .into_iter()
            .filter(|level| self.policy.reserved_mask >> level.bit() & 1 == 0)
            .collect();
        let levels = if free.is_empty() {
            &RiskLevel::ALL[..]
        } else {
            &free
        };
        1 << pick(&mut self.rng, levels).bit()
    }

    fn spoil(&mut self, descriptor: &mut Descriptor) {
        match self.rng.random_range(0..8u32) {
            0 => self.spoil_magic(descriptor),
            1 => self.spoil_version(descriptor),
            2 => self.spoil_checksum(descriptor),
            3 => self.set_risk(descriptor, 0),
            4 => self.several_risks(descriptor),
            5 => self.reserve(descriptor),
            6 => {
                self.several_risks(descriptor);
                for spoil in [Self::reserve, Self::spoil_version, Self::spoil_magic] {
                    if self.rng.random() {
                        spoil(self, descriptor);
                    }
                }
                if self.rng.random() {
                    self.spoil_checksum(descriptor);
                }
            }
            _ => {
                self.rng.fill_bytes(&mut descriptor.0);
                // One draw in 2^32 would have the magic.
                descriptor.0[0] |= 0x80;
            }
        }
    }

    fn spoil_magic(&mut self, descriptor: &mut Descriptor) {
        let byte = self.rng.random_range(0..4u32) as usize;
        descriptor.0[byte] ^= self.one_or_more_bits();
        descriptor.write_checksum(self.options.checksum);
    }

    fn spoil_version(&mut self, descriptor: &mut Descriptor) {
        let byte = self.rng.random_range(4..6u32) as usize;
        descriptor.0[byte] ^= self.one_or_more_bits();
        descriptor.write_checksum(self.options.checksum);
    }

    fn spoil_checksum(&mut self, descriptor: &mut Descriptor) {
        let right = descriptor.stored_checksum();
        descriptor.write_checksum(pick(&mut self.rng, &Checksum::ALL));
        if descriptor.stored_checksum() == right {
            let byte = self.rng.random_range(22..24u32) as usize;
            descriptor.0[byte] ^= self.one_or_more_bits();
        }
    }

    fn several_risks(&mut self, descriptor: &mut Descriptor) {
        let risks = loop {
            let risks = self.rng.next_u32() & RISK_MASK;
            if risks.count_ones() > 1 {
                break risks;
            }
        };
        self.set_risk(descriptor, risks);
    }

    fn set_risk(&mut self, descriptor: &mut Descriptor, risks: u32) {
        self.set_flags(descriptor, descriptor.flags() & !RISK_MASK | risks);
    }

    /// Sets reserved flags, or a wrong checksum where the policy reserves nothing.
    fn reserve(&mut self, descriptor: &mut Descriptor) {
        let reserved: Vec<u32> = (5..u32::BITS)
            .filter(|bit| self.policy.reserved_mask >> bit & 1 == 1)
            .collect();
        if reserved.is_empty() {
            return self.spoil_checksum(descriptor);
        }
        let bit = pick(&mut self.rng, &reserved);
        self.set_flags(descriptor, descriptor.flags() | 1 << bit);
    }

    fn set_flags(&mut self, descriptor: &mut Descriptor, flags: u32) {
        descriptor.0[10..14].copy_from_slice(&flags.to_be_bytes());
        descriptor.write_checksum(self.options.checksum);
    }

    fn one_or_more_bits(&mut self) -> u8 {
        if self.rng.random() {
            1 << self.rng.random_range(0..8u32)
        } else {
            self.rng.random_range(1..=u8::MAX)
        }
    }
}

impl Iterator for RandomDescriptors {
    type Item = Descriptor;

    fn next(&mut self) -> Option<Descriptor> {
        Some(self.draw())
    }
}

/// A random policy: any risk table, sparse masks, maxima at and between their ends.
pub fn policy(seed: u64) -> Policy {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
    // Reserved risk bits would leave some levels without a well-formed descriptor.
    let reserved_mask = sparse_mask(rng) & !RISK_MASK;
    Policy {
        risk: [(); 5].map(|()| pick(rng, &Decision::ALL)),
        reserved_mask,
        deny_mask: sparse_mask(rng) & sparse_mask(rng),
        approval_mask: sparse_mask(rng) & sparse_mask(rng),
        limits: Limits {
            max_exec_ms: near(rng, 0xffff, u32::MAX),
            max_memory_mb: near(rng, 0xff, 0xffff) as u16,
            max_output_kb: near(rng, 0xff, 0xffff) as u16,
        },
        exceeded: pick(rng, &Decision::ALL),
    }
}

/// Random options, over all checksums, layouts, outputs and policy slots.
pub fn options(seed: u64) -> Options {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
    let slots: Vec<PolicySlot> = PolicySlot::all().collect();
    Options {
        checksum: pick(rng, &Checksum::ALL),
        layout: pick(rng, &Layout::ALL),
        output: pick(rng, &[Output::Verdicts, Output::Details]),
        slot: pick(rng, &slots),
    }
}

fn pick<T: Copy>(rng: &mut impl Rng, choices: &[T]) -> T {
    choices[rng.random_range(0..choices.len() as u32) as usize]
}

/// A value up to `max`: an end, at or beside `limit`, within it, or anything.
fn near(rng: &mut impl Rng, limit: u32, max: u32) -> u32 {
    match rng.random_range(0..12u32) {
        0 => 0,
        1 => max,
        2 => limit,
        3 => limit.saturating_sub(1),
        4 => limit.saturating_add(1).min(max),
        5 => 1 << rng.random_range(0..=max.ilog2()),
        6..10 => rng.random_range(0..=limit),
        _ => rng.random_range(0..=max),
    }
}

/// A mask of few bits more often than of many: each of zero to three draws halves the bits.
fn sparse_mask(rng: &mut impl Rng) -> u32 {
    (0..rng.random_range(0..4u32)).fold(u32::MAX, |mask, _| mask & rng.next_u32())
        & if rng.random_range(0..8u32) == 0 {
            0
        } else {
            u32::MAX
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::{Cause, Profile, Tally, VerdictCounts, golden};

    fn tally(seed: u64, share: f64, options: Options, policy: &Policy, count: usize) -> Tally {
        let mut generator = RandomDescriptors::new(seed, options, policy).malformed_share(share);
        let mut descriptors = vec![Descriptor([0; 24]); count];
        generator.fill(&mut descriptors);
        let mut details = vec![Default::default(); count];
        golden::evaluate_details(&descriptors, options, policy, &mut details);
        Tally::from_details(&details)
    }

    #[test]
    fn a_seed_means_the_same_descriptors_everywhere() {
        let wide = Options::for_profile(Profile::Wide);
        let policy = Policy::for_profile(Profile::Wide);
        let bytes: Vec<u8> = RandomDescriptors::new(1, wide, &policy)
            .take(1000)
            .flat_map(|d| d.0)
            .collect();
        assert_eq!(crc32fast::hash(&bytes), 0x3887_c72a);
    }

    #[test]
    fn the_share_of_malformed_is_kept_for_all_options_and_policies() {
        for seed in 0..300 {
            let (options, policy) = (options(seed), policy(seed));
            for (share, expected) in [(0.0, 0), (1.0, 200)] {
                let tally = tally(seed, share, options, &policy, 200);
                assert_eq!(
                    tally.verdicts.malformed(),
                    expected,
                    "seed {seed}: {options:?} {policy:?}"
                );
            }
        }
    }

    #[test]
    fn every_cause_decision_and_mark_comes_up() {
        let policy = Policy {
            deny_mask: 0x1_0000,
            approval_mask: 0x2_0000,
            limits: Limits {
                max_exec_ms: 1000,
                max_memory_mb: 100,
                max_output_kb: 10,
            },
            ..Policy::default()
        };
        let tally = tally(2, 0.5, Options::default(), &policy, 4000);
        for cause in Cause::ALL {
            assert!(tally.caused_by(cause) > 50, "{cause}: {tally:?}");
        }
        for decision in Decision::ALL {
            assert!(
                tally.verdicts.decided(decision) > 50,
                "{decision}: {tally:?}"
            );
        }
        let VerdictCounts {
            over_maximum,
            flag_hit,
            valid,
            ..
        } = tally.verdicts;
        assert!(
            (50..valid).contains(&over_maximum) && (50..valid).contains(&flag_hit),
            "{tally:?}"
        );
        assert!((1800..2200).contains(&valid), "{tally:?}");
    }

    #[test]
    fn costs_sit_at_and_beside_the_maxima() {
        let mut policy = Policy::default();
        policy.limits.max_memory_mb = 500;
        let generator = RandomDescriptors::new(3, Options::default(), &policy).malformed_share(0.0);
        let seen: std::collections::HashSet<u16> = generator
            .take(500)
            .map(|d| d.memory_mb(Layout::Compact))
            .collect();
        for value in [0, 499, 500, 501, 0xffff] {
            assert!(seen.contains(&value), "{value}");
        }
    }

    #[test]
    fn options_cover_their_whole_word() {
        let words: std::collections::HashSet<u32> =
            (0..5000).map(|seed| options(seed).into()).collect();
        assert_eq!(words.len(), 3 * 2 * 2 * 16);
    }
}
