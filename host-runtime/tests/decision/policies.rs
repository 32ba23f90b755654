//! Policies, their slots and their versions.

use host_runtime::decision::{AgentId, Core, NamespaceId, Reason, Request, Version};
use host_runtime::tcp::random::{self, RandomDescriptors};
use host_runtime::tcp::{Decision, Options, Output, Policy, golden};

use crate::doubles::{Fault, Handle, double};
use crate::{HOME, core, request, settings, software, submit, turn};

/// A policy that no other number has, by which `git` gets that decision.
fn policy(number: u32, decision: Decision) -> Policy {
    Policy {
        risk: [decision; 5],
        deny_mask: 1 << 31,
        approval_mask: number << 16,
        ..Policy::default()
    }
}

#[test]
fn a_request_is_decided_by_the_policy_in_force_when_it_came() {
    let (lane, handle) = double("card", 16);
    let mut core = core(vec![lane]);
    handle.state().held = true;
    submit(&mut core, 0, &[request(0)]);
    turn(&mut core, 1);
    let strict = core.set_policy(HOME, &policy(0, Decision::Reject)).unwrap();
    submit(&mut core, 2, &[request(1)]);
    turn(&mut core, 3);
    let lax = core
        .set_policy(HOME, &policy(0, Decision::Approve))
        .unwrap();
    submit(&mut core, 4, &[request(2)]);
    handle.state().held = false;
    let answers = turn(&mut core, 5);
    let told: Vec<_> = answers
        .iter()
        .map(|answer| (answer.ticket, answer.version, answer.decision))
        .collect();
    let expected = [
        (0, Version(1), Decision::Caution),
        (1, strict, Decision::Reject),
        (2, lax, Decision::Approve),
    ];
    assert_eq!(told, expected);
    assert!(Version(1) < strict && strict < lax);
}

/// The double asserts that no slot is rewritten under a request; its version has eight bits and wraps many times.
#[test]
fn versions_do_not_mix_over_a_thousand_swaps() {
    let (lane, handle) = double("card", 2);
    let mut core = core(vec![lane, software()]);
    let mut versions = Vec::new();
    let mut answers = Vec::new();
    for swap in 0..1000u64 {
        handle.state().held = swap % 3 != 0;
        let decision = Decision::from_code(swap as u8);
        let version = core
            .set_policy(HOME, &policy(swap as u32 % 256, decision))
            .unwrap();
        versions.push((version, decision));
        answers.extend(submit(&mut core, 10 * swap, &[request(swap)]));
        answers.extend(turn(&mut core, 10 * swap + 1));
    }
    handle.state().held = false;
    answers.extend(turn(&mut core, 10_000));
    assert_eq!(answers.len(), 1000);
    for answer in answers {
        let told = (answer.version, answer.decision);
        assert_eq!(told, versions[answer.ticket as usize]);
    }
    assert!(
        core.lanes()
            .all(|lane| lane.failure.is_none() && lane.completed > 100)
    );
}

/// So many namespaces, each with an agent of its number and a policy of its own.
fn many(count: u32, slots: usize, with_software: bool) -> (Core, Handle) {
    let (lane, handle) = double("card", slots);
    let lanes = [lane].into_iter().chain(with_software.then(software));
    let mut core = Core::new(&settings(), lanes.collect()).unwrap();
    for number in 0..count {
        let id = NamespaceId(number);
        core.add_namespace(id, Options::default(), &policy(number, Decision::Approve))
            .unwrap();
        core.open(AgentId(number.into()), id).unwrap();
    }
    (core, handle)
}

fn of(agent: u32) -> Request {
    Request {
        agent: AgentId(agent.into()),
        ..request(agent.into())
    }
}

#[test]
fn what_has_no_slot_on_the_card_is_judged_in_software() {
    let (mut core, handle) = many(20, 16, true);
    let requests: Vec<_> = (0..20).map(of).collect();
    let at_once = submit(&mut core, 0, &requests);
    assert_eq!(at_once.len(), 4);
    let answers = [at_once, turn(&mut core, 1)].concat();
    assert_eq!(answers.len(), 20);
    assert!(
        answers
            .iter()
            .all(|answer| answer.decision == Decision::Approve)
    );
    assert_eq!(handle.state().taken.len(), 16);

    // A policy that leaves its slot makes room for one that found none.
    core.set_policy(NamespaceId(3), &policy(4, Decision::Approve))
        .unwrap();
    let at_once = submit(&mut core, 2, &requests);
    assert_eq!(at_once.len() + turn(&mut core, 3).len(), 20);
    assert_eq!(handle.state().taken.len(), 16 + 17);
}

/// Many more than are judged together, of namespaces that differ in policy, in options, or in nothing.
#[test]
fn what_is_judged_at_once_is_judged_by_the_policy_and_options_of_its_own_namespace() {
    let mut core = Core::new(&settings(), vec![software()]).unwrap();
    let mut rules = Vec::new();
    for number in 0..40 {
        let options = Options {
            output: Output::Verdicts,
            slot: Default::default(),
            ..random::options(number % 9)
        };
        let policy = random::policy(number % 11);
        let id = NamespaceId(number as u32);
        let version = core.add_namespace(id, options, &policy).unwrap();
        core.open(AgentId(number), id).unwrap();
        rules.push((options, policy, version));
    }
    let mut seen = 0;
    for round in 0..3 {
        let requests: Vec<_> = (0..5000)
            .map(|ticket| {
                let agent = ticket * 7 % 41;
                let (options, policy, _) = rules[agent as usize % 40];
                let mut descriptors = RandomDescriptors::new(ticket ^ round, options, &policy);
                Request {
                    agent: AgentId(agent),
                    descriptor: descriptors.next().unwrap(),
                    ..request(ticket)
                }
            })
            .collect();
        let mut answers = submit(&mut core, round, &requests);
        answers.sort_by_key(|answer| answer.ticket);
        assert_eq!(answers.len(), 5000);
        for (answer, request) in answers.iter().zip(&requests) {
            assert_eq!(
                (answer.agent, answer.descriptor),
                (request.agent, request.descriptor)
            );
            let Some((options, policy, version)) = rules.get(request.agent.0 as usize) else {
                assert_eq!(answer.reason, Reason::UnknownAgent);
                continue;
            };
            let detail = golden::evaluate(&request.descriptor, *options, policy);
            assert_eq!(
                (answer.verdict, answer.cause()),
                (detail.verdict(), detail.cause())
            );
            assert_eq!(answer.version, *version);
            seen += 1;
        }
        assert_eq!((turn(&mut core, round), core.under_way()), (Vec::new(), 0));
        // Others come into the places of those that go.
        for (number, (_, policy, version)) in rules.iter_mut().enumerate().skip(round as usize) {
            if number % 3 == 0 {
                *policy = random::policy(round * 100 + number as u64 % 5);
                *version = core.set_policy(NamespaceId(number as u32), policy).unwrap();
            }
        }
    }
    assert_eq!(core.lanes().next().unwrap().completed, seen);
}

#[test]
fn without_software_what_has_no_slot_is_rejected() {
    let (mut core, _) = many(20, 16, false);
    let requests: Vec<_> = (0..20).map(of).collect();
    let refused = submit(&mut core, 0, &requests);
    assert_eq!(refused.len(), 4);
    assert!(refused.iter().all(|answer| answer.reason == Reason::NoLane));
    assert_eq!(turn(&mut core, 1).len(), 16);
}

#[test]
fn identical_policies_share_a_slot_and_keep_their_versions() {
    let (lane, handle) = double("card", 1);
    let mut core = core(vec![lane]);
    let twin = NamespaceId(2);
    let version = core
        .add_namespace(twin, Options::default(), &Policy::default())
        .unwrap();
    core.open(AgentId(2), twin).unwrap();
    submit(&mut core, 0, &[request(0), of(2)]);
    let mut versions: Vec<_> = turn(&mut core, 1)
        .iter()
        .map(|answer| answer.version)
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, [Version(1), version]);
    assert_eq!(handle.state().policies.len(), 1);
}

#[test]
fn policies_are_set_up_on_the_next_lane_before_requests_go_there() {
    let (first, broken) = double("first", 16);
    let (second, handle) = double("second", 16);
    let mut core = core(vec![first, second]);
    let version = core
        .set_policy(HOME, &policy(1, Decision::RequireApproval))
        .unwrap();
    broken.state().fault = Some(Fault::Poll);
    submit(&mut core, 0, &[request(0)]);
    let answers = turn(&mut core, 1);
    assert_eq!(
        (answers[0].decision, answers[0].version),
        (Decision::RequireApproval, version)
    );
    assert_eq!(
        handle.state().policies,
        [(0, policy(1, Decision::RequireApproval))]
    );
}

/// What moves is decided by the policy in force now: a new one may have been made because the old was dangerous.
#[test]
fn a_request_that_moves_is_decided_by_the_newest_policy() {
    let (first, broken) = double("first", 16);
    let mut core = core(vec![first, software()]);
    broken.state().held = true;
    submit(&mut core, 0, &[request(0)]);
    turn(&mut core, 1);
    let version = core.set_policy(HOME, &policy(0, Decision::Reject)).unwrap();
    broken.state().fault = Some(Fault::Poll);
    let answer = turn(&mut core, 2)[0];
    assert_eq!(
        (answer.decision, answer.version),
        (Decision::Reject, version)
    );
}

#[test]
fn an_audit_finds_a_lane_that_approves_too_much() {
    let (lane, handle) = double("card", 16);
    let mut settings = settings();
    settings.audit = std::num::NonZeroU32::new(10);
    let mut core = Core::new(&settings, vec![lane, software()]).unwrap();
    core.add_namespace(HOME, Options::default(), &Policy::default())
        .unwrap();
    core.open(crate::AGENT, HOME).unwrap();
    handle.state().fault = Some(Fault::Approve);
    let mut answers = Vec::new();
    for ticket in 0..10 {
        submit(&mut core, ticket, &[request(ticket)]);
        answers.extend(turn(&mut core, ticket));
    }
    // The tenth was audited, and answered by the software device.
    assert_eq!(answers[8].decision, Decision::Approve);
    assert_eq!(answers[9].decision, Decision::Caution);
    let lane = core.lanes().next().unwrap();
    assert!(lane.failure.as_ref().unwrap().contains("golden model"));
}
