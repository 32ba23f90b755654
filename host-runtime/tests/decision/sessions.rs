//! Agents, their sessions, and deadlines.

use host_runtime::decision::{AgentId, DecisionError, NamespaceId, Reason, Request, Time, Version};
use host_runtime::tcp::{Cause, Decision, Options, Policy, Profile};

use crate::doubles::double;
use crate::{AGENT, HOME, core, request, software, submit, turn};

#[test]
fn an_answer_names_all_that_it_is_about() {
    let mut core = core(vec![double("card", 16).0]);
    let asked = Request {
        asked: Time(60),
        ..request(7)
    };
    assert_eq!(submit(&mut core, 100, &[asked]), []);
    let answer = turn(&mut core, 350)[0];
    assert_eq!((answer.agent, answer.namespace), (AGENT, HOME));
    assert_eq!((answer.ticket, answer.descriptor), (7, crate::git()));
    assert_eq!((answer.version, answer.latency), (Version(1), 290));
    assert_eq!(
        (answer.decision, answer.reason),
        (Decision::Caution, Reason::Judged)
    );
    assert_eq!((answer.verdict.0, answer.cause()), (0x13, None));
}

#[test]
fn a_malformed_descriptor_is_rejected_with_its_cause() {
    let mut core = core(vec![double("card", 16).0]);
    let mut bad = request(1);
    bad.descriptor.0[23] ^= 1;
    submit(&mut core, 0, &[bad]);
    let answer = turn(&mut core, 1)[0];
    assert_eq!(
        (answer.decision, answer.reason),
        (Decision::Reject, Reason::Malformed)
    );
    assert_eq!(
        (answer.cause(), answer.version),
        (Some(Cause::BadChecksum), Version(1))
    );
}

#[test]
fn an_agent_without_a_session_is_rejected() {
    let mut core = core(vec![software()]);
    let stranger = Request {
        agent: AgentId(43),
        ..request(5)
    };
    let answer = submit(&mut core, 0, &[stranger])[0];
    assert_eq!(
        (answer.decision, answer.reason),
        (Decision::Reject, Reason::UnknownAgent)
    );
    assert_eq!((answer.ticket, answer.agent), (5, AgentId(43)));
    core.close(AGENT).unwrap();
    assert_eq!(
        submit(&mut core, 0, &[request(6)])[0].reason,
        Reason::UnknownAgent
    );
    assert_eq!(core.total_statistics().of(Reason::UnknownAgent), 2);
    assert_eq!(turn(&mut core, 1), []);
}

/// Also if the agent is back before the answer, in the same namespace.
#[test]
fn a_session_that_closes_takes_its_requests_with_it() {
    for reopened in [false, true] {
        let (lane, handle) = double("card", 16);
        let mut core = core(vec![lane]);
        core.open(AgentId(1), HOME).unwrap();
        handle.state().held = true;
        let other = Request {
            agent: AgentId(1),
            ..request(1)
        };
        submit(&mut core, 0, &[request(0), other]);
        turn(&mut core, 1);
        core.close(AGENT).unwrap();
        if reopened {
            core.open(AGENT, HOME).unwrap();
            submit(&mut core, 2, &[request(2)]);
        }
        handle.state().held = false;
        let answers = turn(&mut core, 3);
        assert_eq!(answers.len(), 2 + usize::from(reopened));
        for answer in answers {
            let expected = if answer.ticket == 0 {
                (Reason::SessionClosed, Decision::Reject)
            } else {
                (Reason::Judged, Decision::Caution)
            };
            assert_eq!(
                (answer.reason, answer.decision),
                expected,
                "{}",
                answer.ticket
            );
        }
    }
}

#[test]
fn a_deadline_counts_wherever_the_request_is() {
    let (lane, handle) = double("card", 16);
    let mut core = core(vec![lane]);
    let until = |ticket, deadline| Request {
        deadline: Time(deadline),
        ..request(ticket)
    };
    let passed = submit(&mut core, 100, &[until(0, 100)]);
    assert_eq!(
        (passed[0].reason, passed[0].decision),
        (Reason::DeadlinePassed, Decision::Reject)
    );

    // The lane holds it beyond its deadline: answered at the first turn after it, and not again.
    handle.state().held = true;
    submit(&mut core, 100, &[until(1, 200), until(2, 300)]);
    assert_eq!(turn(&mut core, 199), []);
    let late = turn(&mut core, 200);
    assert_eq!((late.len(), late[0].ticket), (1, 1));
    assert_eq!(
        (late[0].reason, late[0].version),
        (Reason::DeadlinePassed, Version::NONE)
    );
    assert_eq!(core.under_way(), 2);

    // It comes back in the turn that is at the other's deadline.
    handle.state().held = false;
    let late = turn(&mut core, 300);
    assert_eq!((late.len(), late[0].ticket), (1, 2));
    assert_eq!(
        (late[0].reason, late[0].decision),
        (Reason::DeadlinePassed, Decision::Reject)
    );
    assert_eq!(core.under_way(), 0);
}

#[test]
fn stopping_answers_everything_and_asks_no_lane_again() {
    let (lane, handle) = double("card", 16);
    let mut core = core(vec![lane]);
    handle.state().held = true;
    submit(&mut core, 0, &[request(0), request(1)]);
    turn(&mut core, 1);
    submit(&mut core, 2, &[request(2)]);
    let mut answers = Vec::new();
    core.stop(Time(3), &mut answers);
    handle.state().held = false;
    let calls = handle.state().calls;
    assert_eq!(turn(&mut core, 4), []);
    answers.extend(submit(&mut core, 5, &[request(3)]));
    let mut tickets: Vec<_> = answers.iter().map(|answer| answer.ticket).collect();
    tickets.sort_unstable();
    assert_eq!(tickets, [0, 1, 2, 3]);
    assert!(
        answers
            .iter()
            .all(|answer| answer.reason == Reason::Stopping)
    );
    assert_eq!((handle.state().calls, core.under_way()), (calls, 0));
}

#[test]
fn what_cannot_be_done_is_an_error_that_says_so() {
    let mut core = core(vec![software()]);
    let nowhere = NamespaceId(9);
    let policy = Policy::default();
    let in_use = DecisionError::NamespaceInUse {
        namespace: HOME,
        sessions: 1,
        under_way: 0,
    };
    let open = DecisionError::AgentOpen {
        agent: AGENT,
        namespace: HOME,
    };
    let unknown = DecisionError::NamespaceUnknown { namespace: nowhere };
    let exists = DecisionError::NamespaceExists { namespace: HOME };
    assert_eq!(core.open(AGENT, HOME), Err(open));
    assert_eq!(core.open(AgentId(1), nowhere), Err(unknown.clone()));
    assert_eq!(
        core.add_namespace(HOME, Options::default(), &policy),
        Err(exists)
    );
    assert_eq!(core.set_policy(nowhere, &policy), Err(unknown.clone()));
    assert_eq!(core.statistics(nowhere).unwrap_err(), unknown);
    assert_eq!(core.remove_namespace(HOME), Err(in_use));
    core.close(AGENT).unwrap();
    let gone = DecisionError::AgentUnknown { agent: AGENT };
    assert_eq!(core.close(AGENT), Err(gone));
    core.remove_namespace(HOME).unwrap();
    assert_eq!(
        core.remove_namespace(HOME),
        Err(DecisionError::NamespaceUnknown { namespace: HOME })
    );
}

#[test]
fn a_namespace_reads_descriptors_by_its_own_options() {
    let mut core = core(vec![software()]);
    let wide = NamespaceId(2);
    core.add_namespace(
        wide,
        Options::for_profile(Profile::Wide),
        &Policy::for_profile(Profile::Wide),
    )
    .unwrap();
    core.open(AgentId(1), wide).unwrap();
    let bang = Request {
        agent: AgentId(1),
        descriptor: "5443500200029033e0e30000040100000064000a000103e5"
            .parse()
            .unwrap(),
        ..request(0)
    };
    let git = Request {
        agent: AgentId(1),
        ..request(1)
    };
    let answers = submit(&mut core, 0, &[bang, git]);
    let of = |ticket| {
        answers
            .iter()
            .find(|answer| answer.ticket == ticket)
            .unwrap()
    };
    assert_eq!((of(0).decision, of(0).namespace), (Decision::Approve, wide));
    assert_eq!(of(1).cause(), Some(Cause::BadChecksum));
}

#[test]
fn statistics_are_kept_for_each_namespace() {
    let mut core = core(vec![double("card", 16).0]);
    let other = NamespaceId(2);
    core.add_namespace(other, Options::default(), &Policy::default())
        .unwrap();
    core.open(AgentId(1), other).unwrap();
    let mut requests: Vec<_> = (0..10).map(request).collect();
    requests[3].descriptor.0[0] = 0;
    requests[4].agent = AgentId(1);
    requests[5].deadline = Time(0);
    submit(&mut core, 0, &requests);
    turn(&mut core, 1000);
    let home = core.statistics(HOME).unwrap();
    assert_eq!((home.answers(), home.decided(Decision::Caution)), (9, 7));
    assert_eq!(
        (home.decided(Decision::Reject), home.of(Reason::Malformed)),
        (2, 1)
    );
    assert_eq!(home.of(Reason::DeadlinePassed), 1);
    let median = home.latency(0.5).unwrap().as_nanos();
    assert!((1000..=1250).contains(&median), "{median}");
    assert_eq!(core.statistics(other).unwrap().answers(), 1);
    assert_eq!(core.total_statistics().answers(), 10);
    // What was answered stays counted when its namespace goes.
    core.close(AgentId(1)).unwrap();
    core.remove_namespace(other).unwrap();
    assert_eq!(core.total_statistics().answers(), 10);
}
