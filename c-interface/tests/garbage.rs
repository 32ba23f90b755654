//! Arguments of all kinds, sound ones and garbage: a call answers what the golden model says, or it fails and its outputs hold
//! the closed answer. Only what a program could never keep its promise about (a wild pointer, a length past the end of
//! an array) is not tried.

use std::ffi::{CString, c_char};
use std::ptr;

use host_runtime::tcp::random::{self, RandomDescriptors};
use host_runtime::tcp::{Checksum, Decision, Descriptor, Limits, Options, Policy, Profile, golden};
use proptest::prelude::*;
use tcp_hardware::hardware::{
    cards::*, evaluate::*, policy::*, queue::*, status::tcp_status_t, status::*,
};

/// What stands in outputs before a call.
const GARBAGE: u8 = 0xa5;

/// The software device, opened once and never closed.
fn card() -> *mut tcp_hardware_t {
    static CARD: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    let open = || {
        let mut card = ptr::null_mut();
        // SAFETY: a text, and a place for a handle.
        let status = unsafe { tcp_hardware_open(c"software:0".as_ptr(), &raw mut card) };
        assert_eq!(status, tcp_status_t::TCP_OK);
        card.addr()
    };
    ptr::without_provenance_mut(*CARD.get_or_init(open))
}

/// Small codes, as they mean something, and any.
fn code() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0u32..5, 1 => any::<u32>()]
}

/// The open card's handle, and others that never were one.
fn handle() -> impl Strategy<Value = *mut tcp_hardware_t> {
    prop_oneof![
        6 => Just(card().addr()),
        1 => any::<usize>(),
        1 => Just(0),
        1 => (0usize..64).prop_map(|bit| card().addr() ^ 1 << bit),
    ]
    .prop_map(ptr::without_provenance_mut)
}

fn policy() -> impl Strategy<Value = tcp_policy_t> {
    let decision = || prop_oneof![20 => 1u8..5, 1 => any::<u8>()];
    (
        prop::array::uniform5(decision()),
        decision(),
        prop_oneof![20 => Just(0u16), 1 => any::<u16>()],
        any::<[u32; 4]>(),
        any::<[u16; 2]>(),
    )
        .prop_map(|(risk, exceeded, reserved, words, halves)| tcp_policy_t {
            risk,
            exceeded,
            reserved,
            reserved_mask: words[0] & 0xffff_0000,
            deny_mask: words[1] & words[2],
            approval_mask: words[2] & words[0],
            max_exec_ms: words[3],
            max_memory_mb: halves[0],
            max_output_kb: halves[1],
        })
}

/// What a structure says, read in the plainest way; `None` if it is no policy.
fn meant(given: &tcp_policy_t) -> Option<Policy> {
    let decision = |code: u8| {
        (1..=4)
            .contains(&code)
            .then(|| Decision::ALL[usize::from(code) - 1])
    };
    if given.reserved != 0 {
        return None;
    }
    let mut risk = [Decision::Reject; 5];
    for (level, code) in risk.iter_mut().zip(given.risk) {
        *level = decision(code)?;
    }
    Some(Policy {
        risk,
        reserved_mask: given.reserved_mask,
        deny_mask: given.deny_mask,
        approval_mask: given.approval_mask,
        limits: Limits {
            max_exec_ms: given.max_exec_ms,
            max_memory_mb: given.max_memory_mb,
            max_output_kb: given.max_output_kb,
        },
        exceeded: decision(given.exceeded)?,
    })
}

/// Options without a policy slot, which lies in files.
fn options() -> impl Strategy<Value = (tcp_options_t, Option<tcp_policy_t>)> {
    let zero = || prop_oneof![20 => Just(0u32), 1 => any::<u32>()];
    let source = prop_oneof![8 => 0u32..2, 1 => 3u32..];
    (
        code(),
        code(),
        source,
        zero(),
        zero(),
        any::<u32>(),
        policy(),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(profile, checksum, policy_source, policy_slot, reserved, timeout_ms, policy, odd)| {
                let options = tcp_options_t {
                    profile,
                    checksum,
                    policy_source,
                    policy_slot,
                    policy: ptr::null(),
                    timeout_ms,
                    reserved,
                };
                (options, ((policy_source == 1) != odd).then_some(policy))
            },
        )
}

/// What options ask for; `None` if they are to be refused.
fn asked(options: &tcp_options_t, policy: Option<&tcp_policy_t>) -> Option<(Options, Policy)> {
    let profile = *Profile::ALL.get(options.profile as usize)?;
    let checksum = match options.checksum {
        0 => profile.checksum(),
        code => *Checksum::ALL.get(code as usize - 1)?,
    };
    let policy = match (options.policy_source, policy) {
        (0, None) => Policy::for_profile(profile),
        (1, Some(policy)) => meant(policy)?,
        _ => return None,
    };
    if options.policy_slot != 0 || options.reserved != 0 {
        return None;
    }
    let options = Options {
        checksum,
        ..Options::for_profile(profile)
    };
    Some((options, policy))
}

fn is_not_judged(result: &tcp_result_t) -> bool {
    result.decision == 4
        && (result.verdict, result.cause, result.risk, result.low_flags) == (0, 255, 0, 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn batches_are_the_golden_models_or_refused_with_closed_answers(
        card in handle(),
        (mut options, policy) in options(),
        no_options in prop::bool::weighted(0.1),
        seed: u64,
        count in 0usize..300,
        claimed in prop_oneof![8 => Just(None), 1 => (usize::MAX / 40..).prop_map(Some)],
        offset in 0usize..8,
        nulls in prop::array::uniform4(prop::bool::weighted(0.2)),
    ) {
        if let Some(policy) = &policy {
            options.policy = policy;
        }
        let expected = if no_options {
            Some((Options::default(), Policy::default()))
        } else {
            asked(&options, policy.as_ref())
        };
        let (judged, rules) = expected.unwrap_or_default();
        let source = RandomDescriptors::new(seed, judged, &rules).malformed_share(0.3);
        let descriptors: Vec<Descriptor> = source.take(count).collect();
        // Arrays at any offset: all but results may lie anywhere.
        let mut bytes = vec![0u8; offset];
        bytes.extend(descriptors.iter().flat_map(|descriptor| descriptor.0));
        let mut verdicts = vec![GARBAGE; count + offset];
        let mut results: Vec<tcp_result_t> =
            vec![bytemuck::pod_read_unaligned(&[GARBAGE; 8]); count];
        let mut tally: tcp_tally_t = bytemuck::pod_read_unaligned(&[GARBAGE; 104]);
        let [no_descriptors, no_verdicts, no_results, no_tally] = nulls;
        // SAFETY: arrays of that length, or a length that no memory has.
        let status = unsafe {
            tcp_hardware_evaluate_batch(
                card,
                if no_descriptors { ptr::null() } else { bytes[offset..].as_ptr().cast() },
                claimed.unwrap_or(count),
                if no_options { ptr::null() } else { &raw const options },
                if no_verdicts { ptr::null_mut() } else { verdicts[offset..].as_mut_ptr() },
                if no_results { ptr::null_mut() } else { results.as_mut_ptr() },
                if no_tally { ptr::null_mut() } else { &raw mut tally },
            )
        };
        let sound = expected.is_some()
            && card == self::card()
            && claimed.is_none()
            && !(no_descriptors && count > 0)
            && !(no_verdicts && no_results && no_tally);
        prop_assert_eq!(status == tcp_status_t::TCP_OK, sound);
        prop_assert!(verdicts[..offset].iter().all(|byte| *byte == GARBAGE));
        if claimed.is_some() {
            return Ok(());
        }
        for (index, descriptor) in descriptors.iter().enumerate() {
            let detail = golden::evaluate(descriptor, judged, &rules);
            let verdict = if sound { detail.verdict().0 } else { 0 };
            prop_assert_eq!(verdicts[offset + index], if no_verdicts { GARBAGE } else { verdict });
            let result = &results[index];
            if no_results {
                prop_assert_eq!(result.verdict, GARBAGE);
            } else if !sound {
                prop_assert!(is_not_judged(result));
            } else {
                let decision = detail.verdict().decision().unwrap_or(Decision::Reject);
                prop_assert_eq!(result.verdict, verdict);
                prop_assert_eq!(result.decision, decision.code() + 1);
                prop_assert_eq!(result.cause, detail.cause().map_or(0, |cause| cause.code()));
                prop_assert_eq!(result.low_flags, detail.low_flags());
            }
        }
        if !no_tally {
            prop_assert_eq!(tally.descriptors, if sound { count as u64 } else { 0 });
            let told: u64 = tally.decisions.iter().chain(&tally.causes).sum();
            prop_assert_eq!(told, tally.descriptors);
        }
    }

    #[test]
    fn one_descriptor_is_the_golden_models_or_refused_with_a_rejection(
        card in handle(),
        (mut options, policy) in options(),
        bytes: [u8; 24],
        well_formed: bool,
        seed: u64,
        no_descriptor in prop::bool::weighted(0.1),
    ) {
        if let Some(policy) = &policy {
            options.policy = policy;
        }
        let expected = asked(&options, policy.as_ref());
        let (judged, rules) = expected.unwrap_or_default();
        let mut descriptor = Descriptor(bytes);
        if well_formed {
            descriptor = RandomDescriptors::new(seed, judged, &rules).next().unwrap();
        }
        let given = tcp_descriptor_t { bytes: descriptor.0 };
        let mut result: tcp_result_t = bytemuck::pod_read_unaligned(&[GARBAGE; 8]);
        // SAFETY: what is not null is there.
        let status = unsafe {
            let given = if no_descriptor { ptr::null() } else { &raw const given };
            tcp_hardware_evaluate(card, given, &raw const options, &raw mut result)
        };
        let sound = expected.is_some() && card == self::card() && !no_descriptor;
        prop_assert_eq!(status == tcp_status_t::TCP_OK, sound);
        if sound {
            let detail = golden::evaluate(&descriptor, judged, &rules);
            prop_assert_eq!(result.verdict, detail.verdict().0);
            prop_assert_eq!(result.decision, tcp_verdict_decision(detail.verdict().0));
        } else {
            prop_assert!(is_not_judged(&result));
        }
    }

    #[test]
    fn texts_of_policies_become_policies_or_one_that_rejects_everything(
        text in prop_oneof![
            "[\\PC\n]{0,200}",
            "(deny|require_approval|risk|limits|profile|\\[|\\]|=|\"|[0-9]|\n| ){0,40}",
            any::<u64>().prop_map(|seed| {
                let policy = random::policy(seed);
                host_runtime::tcp::PolicyFile { profile: Profile::Wide, policy }.to_toml()
            }),
        ],
        cut in 0usize..400,
        profile in code(),
    ) {
        let bytes = &text.as_bytes()[..cut.min(text.len())];
        let mut read: tcp_policy_t = garbage_policy();
        let mut stated = 99;
        // SAFETY: a text of that length, and places for the answers.
        let status = unsafe {
            tcp_policy_parse(bytes.as_ptr().cast(), bytes.len(), profile, &raw mut read, &raw mut stated)
        };
        let expected = std::str::from_utf8(bytes).ok().and_then(|text| {
            let profile = *Profile::ALL.get(profile as usize)?;
            host_runtime::tcp::PolicyFile::parse(text, profile).ok()
        });
        match expected {
            Some(expected) => {
                prop_assert_eq!(status, tcp_status_t::TCP_OK);
                prop_assert_eq!(meant(&read), Some(expected.policy));
                prop_assert_eq!(stated, expected.profile as u32);
            }
            None => {
                prop_assert_ne!(status, tcp_status_t::TCP_OK);
                prop_assert_eq!((read.risk, read.exceeded), ([4; 5], 4));
                prop_assert_eq!(stated, profile);
            }
        }
    }

    #[test]
    fn names_of_cards_and_descriptors_are_taken_or_refused(
        name in prop_oneof!["[a-z]{0,8}:?[0-9]{0,6}", ".{0,40}", Just("software:0".to_owned())],
    ) {
        let Ok(text) = CString::new(name.clone()) else { return Ok(()) };
        let mut card: *mut tcp_hardware_t = ptr::without_provenance_mut(1);
        let mut descriptor = tcp_descriptor_t { bytes: [GARBAGE; 24] };
        // Simulated cards and those behind XRT are not opened here: that touches files.
        let digits = text.as_ptr();
        if !name.starts_with("sim:") && !name.starts_with("xrt:") {
            // SAFETY: a text, and a place for the handle.
            let status = unsafe { tcp_hardware_open(text.as_ptr(), &raw mut card) };
            prop_assert_eq!(status == tcp_status_t::TCP_OK, !card.is_null());
            prop_assert_eq!(!card.is_null(), name.starts_with("software:") && name.parse::<host_runtime::CardId>().is_ok());
            if !card.is_null() {
                prop_assert_eq!(tcp_hardware_close(card), tcp_status_t::TCP_OK);
            }
            prop_assert_eq!(tcp_hardware_close(card), tcp_status_t::TCP_ERROR_HANDLE);
        }
        // SAFETY: a text, and a place for the descriptor.
        let status = unsafe { tcp_descriptor_parse(digits, &raw mut descriptor) };
        let parsed = name.parse::<Descriptor>();
        prop_assert_eq!(status == tcp_status_t::TCP_OK, parsed.is_ok());
        prop_assert_eq!(descriptor.bytes, parsed.map_or([0; 24], |parsed| parsed.0));
    }

    #[test]
    fn made_up_queues_and_codes_are_found_out(bits: usize, codes: [u32; 3]) {
        let queue: *mut tcp_queue_t = ptr::without_provenance_mut(bits);
        let (mut count, mut tag) = (9usize, 0u32);
        let submission: tcp_submission_t = bytemuck::pod_read_unaligned(&[GARBAGE; 32]);
        let mut completion: tcp_completion_t = bytemuck::pod_read_unaligned(&[GARBAGE; 8]);
        let handle = tcp_status_t::TCP_ERROR_HANDLE;
        // SAFETY: what is pointed to is there.
        unsafe {
            prop_assert_eq!(tcp_queue_submit(queue, &raw const submission), handle);
            prop_assert_eq!(tcp_queue_poll(queue, &raw mut completion, 1, &raw mut count), handle);
            prop_assert_eq!(count, 0);
            prop_assert_eq!(tcp_queue_unanswered(queue, &raw mut tag, 1, &raw mut count), handle);
            prop_assert_eq!(tcp_queue_cancel(queue, tag, ptr::null_mut()), handle);
        }
        prop_assert_eq!(tcp_queue_close(queue), handle);
        let text = |text: *const c_char| {
            // SAFETY: what the library gives is a text.
            unsafe { std::ffi::CStr::from_ptr(text) }.to_str().unwrap().to_owned()
        };
        prop_assert!(text(tcp_last_error()).starts_with("tcp_queue_close: "));
        for code in codes {
            for name in [tcp_decision_name(code), tcp_risk_name(code), tcp_cause_name(code), tcp_status_text(code)] {
                prop_assert!(!text(name).is_empty());
            }
        }
        let word = tcp_submission_options(codes[0], codes[1] % 5, codes[2] % 20);
        let known = codes[0] < 2 && codes[1] % 5 < 4 && codes[2] % 20 < 16;
        prop_assert_eq!(Options::try_from(word).is_ok(), known);
    }
}

fn garbage_policy() -> tcp_policy_t {
    tcp_policy_t {
        risk: [GARBAGE; 5],
        exceeded: GARBAGE,
        reserved: 0,
        reserved_mask: 0,
        deny_mask: 0,
        approval_mask: 0,
        max_exec_ms: 0,
        max_memory_mb: 0,
        max_output_kb: 0,
    }
}
