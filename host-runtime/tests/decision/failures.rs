//! Lanes that fail: what they had is answered by the next one, once.

use host_runtime::decision::{Answer, Reason, Time};
use host_runtime::tcp::{Decision, Policy, Verdict};

use crate::doubles::{Fault, double};
use crate::{HOME, PATIENCE, core, request, software, submit, turn};

const LATE: u64 = PATIENCE.as_nanos() as u64;

/// Whether these are the answers to tickets 0, 1, .., each once, with the verdict on `git`.
fn assert_all_judged(mut answers: Vec<Answer>, count: u64, what: &str) {
    answers.sort_by_key(|answer| answer.ticket);
    assert_eq!(answers.len() as u64, count, "{what}");
    for (ticket, answer) in answers.iter().enumerate() {
        assert_eq!(answer.ticket, ticket as u64, "{what}");
        assert_eq!(answer.reason, Reason::Judged, "{what}");
        assert_eq!(answer.verdict, Verdict(0x13), "{what}");
        assert_eq!(answer.decision, Decision::Caution, "{what}");
    }
}

#[test]
fn whatever_a_lane_does_wrong_the_next_one_answers() {
    for fault in Fault::ALL {
        let (lane, handle) = double("card", 16);
        let mut settings = crate::settings();
        settings.audit = std::num::NonZeroU32::new(1);
        let mut core =
            host_runtime::decision::Core::new(&settings, vec![lane, software()]).unwrap();
        core.add_namespace(HOME, Default::default(), &Policy::default())
            .unwrap();
        core.open(crate::AGENT, HOME).unwrap();
        handle.state().fault = Some(fault);
        let requests: Vec<_> = (0..20).map(request).collect();
        let mut answers = submit(&mut core, 0, &requests);
        for now in [10, 20, LATE, LATE + 10] {
            answers.extend(turn(&mut core, now));
        }
        let what = format!("{fault:?}");
        assert_all_judged(answers, 20, &what);
        let lane = core.lanes().next().unwrap();
        assert!(lane.failure.is_some(), "{what}");
        assert_eq!((lane.failures, lane.under_way), (1, 0), "{what}");
        assert_eq!(core.under_way(), 0, "{what}");
        let calls = handle.state().calls;
        assert_eq!(submit(&mut core, LATE + 20, &[request(7)]).len(), 1);
        assert_eq!(
            handle.state().calls,
            calls,
            "{what}: a failed lane is asked"
        );
    }
}

/// Its card's queue is free for others, or for the lane that is put in its place.
#[test]
fn a_lane_that_has_failed_is_let_go() {
    let (lane, handle) = double("card", 16);
    let mut core = core(vec![lane, software()]);
    handle.state().fault = Some(Fault::Poll);
    submit(&mut core, 0, &[request(0)]);
    turn(&mut core, 10);
    assert!(core.lanes().next().unwrap().failure.is_some());
    let begin = std::time::Instant::now();
    while !handle.state().dropped {
        assert!(begin.elapsed() < PATIENCE * 1000, "the engine keeps it");
        std::thread::yield_now();
    }
    assert_eq!(core.lanes().next().unwrap().name, "card");
}

#[test]
fn without_another_lane_all_is_rejected() {
    for fault in Fault::ALL {
        if fault == Fault::Approve {
            continue; // Only an audit sees it.
        }
        let (lane, handle) = double("card", 16);
        let mut core = core(vec![lane]);
        handle.state().fault = Some(fault);
        let requests: Vec<_> = (0..20).map(request).collect();
        let mut answers = submit(&mut core, 0, &requests);
        for now in [10, LATE, LATE + 10] {
            answers.extend(turn(&mut core, now));
        }
        answers.sort_by_key(|answer| answer.ticket);
        assert_eq!(answers.len(), 20, "{fault:?}");
        for (ticket, answer) in answers.iter().enumerate() {
            assert_eq!(answer.ticket, ticket as u64, "{fault:?}");
            if answer.reason == Reason::Judged {
                assert_eq!(answer.verdict, Verdict(0x13), "{fault:?}");
            } else {
                let expected = (Reason::NoLane, Decision::Reject);
                assert_eq!((answer.reason, answer.decision), expected, "{fault:?}");
            }
        }
        let later = submit(&mut core, LATE + 20, &[request(1)]);
        assert_eq!(later[0].reason, Reason::NoLane, "{fault:?}");
    }
}

#[test]
fn failures_go_down_the_whole_list() {
    let lanes: Vec<_> = (0..4).map(|_| double("card", 16)).collect();
    let (lanes, handles): (Vec<_>, Vec<_>) = lanes.into_iter().unzip();
    let mut core = core(lanes.into_iter().chain([software()]).collect());
    let faults = [Fault::Poll, Fault::SetPolicy, Fault::Silent, Fault::Double];
    for (handle, fault) in handles.iter().zip(faults) {
        handle.state().fault = Some(fault);
    }
    let requests: Vec<_> = (0..20).map(request).collect();
    let mut answers = submit(&mut core, 0, &requests);
    for turns in 0..10 {
        answers.extend(turn(&mut core, turns * LATE / 2));
    }
    assert_all_judged(answers, 20, "all four");
    assert!(core.lanes().take(4).all(|lane| lane.failures == 1));
}

#[test]
fn a_lane_that_lost_one_completion_is_found_out_though_it_completes_others() {
    let (lane, handle) = double("card", 16);
    let mut core = core(vec![lane, software()]);
    handle.state().fault = Some(Fault::Lose);
    let mut answers = submit(&mut core, 0, &[request(0)]);
    let mut now = 0;
    let mut ticket = 1;
    while core.lanes().next().unwrap().failure.is_none() {
        now += LATE / 10;
        assert!(now <= LATE, "not found out");
        answers.extend(submit(&mut core, now, &[request(ticket)]));
        answers.extend(turn(&mut core, now));
        ticket += 1;
    }
    assert_all_judged(answers, ticket, "all");
}

#[test]
fn a_lane_put_in_place_of_a_failed_one_gets_the_requests_again() {
    let (lane, handle) = double("card", 16);
    let mut core = core(vec![lane, software()]);
    let (idle, _) = double("idle", 16);
    assert!(
        core.reinstate(0, idle)
            .unwrap_err()
            .to_string()
            .contains("has not failed")
    );
    handle.state().fault = Some(Fault::Poll);
    submit(&mut core, 0, &[request(0)]);
    turn(&mut core, 1);
    assert!(core.lanes().next().unwrap().failure.is_some());

    let (mended, handle) = double("mended card", 16);
    core.reinstate(0, mended).unwrap();
    submit(&mut core, 2, &[request(1)]);
    assert_eq!(turn(&mut core, 3).len(), 1);
    assert_eq!(handle.state().taken.len(), 1);
    let lane = core.lanes().next().unwrap();
    assert_eq!((lane.name.as_str(), &lane.failure), ("mended card", &None));
    assert_eq!((lane.failures, lane.completed), (1, 1));
    let (other, _) = double("other", 16);
    assert!(
        core.reinstate(9, other)
            .unwrap_err()
            .to_string()
            .contains("no lane 9")
    );
}

/// The first lane gives everything back at once; the time of the second one begins when it gets it.
#[test]
fn a_request_that_moved_has_the_next_lanes_whole_time() {
    let (first, handle) = double("first", 16);
    let (second, slow) = double("second", 16);
    let mut core = core(vec![first, second]);
    handle.state().fault = Some(Fault::Silent);
    slow.state().held = true;
    submit(&mut core, 0, &[request(0)]);
    assert_eq!(turn(&mut core, 1), []);
    assert_eq!(turn(&mut core, LATE), []);
    assert_eq!(turn(&mut core, 2 * LATE - 1), []);
    assert!(core.lanes().nth(1).unwrap().failure.is_none());
    slow.state().held = false;
    assert_all_judged(turn(&mut core, 2 * LATE - 1), 1, "in time");
}

#[test]
fn time_that_goes_back_changes_nothing() {
    let (lane, handle) = double("card", 16);
    let mut core = core(vec![lane]);
    handle.state().held = true;
    let early = host_runtime::decision::Request {
        asked: Time(1000),
        ..request(0)
    };
    submit(&mut core, 1000, &[early]);
    assert_eq!(turn(&mut core, 10), []);
    handle.state().held = false;
    let answers = turn(&mut core, 20);
    assert_eq!((answers[0].reason, answers[0].latency), (Reason::Judged, 0));
    let stale = host_runtime::decision::Request {
        deadline: Time(900),
        ..request(1)
    };
    assert_eq!(
        submit(&mut core, 30, &[stale])[0].reason,
        Reason::DeadlinePassed
    );
}
