//! Requests that the software device judges while they are taken in: some hundred at a time, by number or by handle.

use host_runtime::decision::{Answer, Core, Reason, Request, SessionHandle, SessionRequest, Time};
use host_runtime::tcp::random::RandomDescriptors;
use host_runtime::tcp::{Decision, Options, Policy, golden};

use crate::{AGENT, HOME, core, request, settings, software, submit};

/// Counts around the number that is taken in together.
const COUNTS: [usize; 8] = [0, 1, 63, 255, 256, 257, 512, 1000];

/// An engine of the software device with the agent's session.
fn engine() -> (Core, SessionHandle) {
    let mut core = Core::new(&settings(), vec![software()]).unwrap();
    core.add_namespace(HOME, Options::default(), &Policy::default())
        .unwrap();
    let session = core.open(AGENT, HOME).unwrap();
    (core, session)
}

fn decide(core: &mut Core, now: u64, session: SessionHandle, asked: &[Request]) -> Vec<Answer> {
    let mut answers = Vec::new();
    let requests = asked.iter().map(|request| SessionRequest {
        session,
        ticket: request.ticket,
        asked: request.asked,
        deadline: request.deadline,
        descriptor: &request.descriptor,
    });
    core.decide(Time(now), requests, |answer| answers.push(answer));
    answers
}

/// One of which is late, or none.
fn requests(count: usize, late: Option<usize>) -> Vec<Request> {
    let policy = Policy::default();
    let descriptors = RandomDescriptors::new(3, Options::default(), &policy).malformed_share(0.2);
    let requests = descriptors.take(count).zip(0..);
    requests
        .map(|(descriptor, ticket)| Request {
            descriptor,
            asked: Time(ticket % 3),
            deadline: Time(if late == Some(ticket as usize) {
                100
            } else {
                101
            }),
            ..request(ticket)
        })
        .collect()
}

#[test]
fn each_of_any_number_is_answered_once_by_the_golden_model_both_ways() {
    for count in COUNTS {
        for late in [None, count.checked_sub(1), Some(count / 2)] {
            let asked = requests(count, late);
            for by_handle in [false, true] {
                let (mut core, session) = engine();
                let mut answers = if by_handle {
                    decide(&mut core, 100, session, &asked)
                } else {
                    submit(&mut core, 100, &asked)
                };
                answers.sort_by_key(|answer| answer.ticket);
                let tickets: Vec<_> = answers.iter().map(|answer| answer.ticket).collect();
                assert_eq!(tickets, (0..count as u64).collect::<Vec<_>>());
                for (answer, request) in answers.iter().zip(&asked) {
                    assert_eq!((answer.agent, answer.namespace), (AGENT, HOME));
                    assert_eq!(answer.descriptor, request.descriptor);
                    assert_eq!(answer.latency, 100 - request.asked.0);
                    if request.deadline.0 == 100 {
                        assert_eq!(answer.reason, Reason::DeadlinePassed);
                        assert_eq!(answer.decision, Decision::Reject);
                        continue;
                    }
                    let policy = Policy::default();
                    let detail = golden::evaluate(&answer.descriptor, Options::default(), &policy);
                    assert_eq!(answer.verdict, detail.verdict());
                    assert_eq!(answer.cause(), detail.cause());
                }
                assert_eq!(core.total_statistics().answers(), count as u64);
                assert_eq!(core.statistics(HOME).unwrap().answers(), count as u64);
            }
        }
    }
}

#[test]
fn the_handle_of_a_closed_session_is_refused_also_among_others_and_once_it_is_open_again() {
    let (mut core, session) = engine();
    core.close(AGENT).unwrap();
    for reopened in [false, true] {
        if reopened {
            core.open(AGENT, HOME).unwrap();
        }
        for answer in decide(&mut core, 0, session, &requests(300, None)) {
            assert_eq!(answer.reason, Reason::SessionClosed);
            assert_eq!(answer.decision, Decision::Reject);
            assert_eq!((answer.agent.0, answer.namespace.0), (0, 0));
        }
    }
    assert_eq!(core.total_statistics().of(Reason::SessionClosed), 600);
}

#[test]
fn an_engine_that_stopped_judges_nothing_more() {
    let (mut core, session) = engine();
    // Its way is known.
    decide(&mut core, 0, session, &requests(10, None));
    core.stop(Time(1), &mut Vec::new());
    let mut answers = submit(&mut core, 2, &requests(10, None));
    answers.extend(decide(&mut core, 2, session, &requests(10, None)));
    assert_eq!(answers.len(), 20);
    for answer in answers {
        assert_eq!(
            (answer.reason, answer.decision),
            (Reason::Stopping, Decision::Reject)
        );
    }
}

/// By handle too, what a lane has is answered by a turn, to the agent.
#[test]
fn what_goes_to_a_lane_by_handle_comes_back_to_the_agent() {
    let (lane, _) = crate::doubles::double("card", 16);
    let mut core = core(vec![lane]);
    core.close(AGENT).unwrap();
    let session = core.open(AGENT, HOME).unwrap();
    assert_eq!(decide(&mut core, 0, session, &requests(3, None)), []);
    let answers = crate::turn(&mut core, 1);
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|answer| answer.agent == AGENT));
}
