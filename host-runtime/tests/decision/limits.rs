//! What is bounded, and what happens at the bounds.

use std::time::Duration;

use host_runtime::decision::{AgentId, Core, DecisionError, NamespaceId, Reason, Settings};
use host_runtime::tcp::{Decision, Options, Policy};

use crate::doubles::double;
use crate::{core, request, settings, software, submit, turn};

#[test]
fn more_than_may_be_under_way_is_shed_at_once() {
    let (lane, handle) = double("card", 16);
    let mut core = core(vec![lane]);
    handle.state().held = true;
    let requests: Vec<_> = (0..100).map(request).collect();
    let shed = submit(&mut core, 0, &requests);
    let tickets: Vec<_> = shed.iter().map(|answer| answer.ticket).collect();
    assert_eq!(tickets, (64..100).collect::<Vec<_>>());
    for answer in &shed {
        assert_eq!(
            (answer.reason, answer.decision),
            (Reason::Overload, Decision::Reject)
        );
    }
    let memory = core.request_memory();
    for now in 1..50 {
        turn(&mut core, now);
        assert_eq!(submit(&mut core, now, &requests).len(), 100);
    }
    assert_eq!((core.request_memory(), core.under_way()), (memory, 64));
    handle.state().held = false;
    assert_eq!(turn(&mut core, 50).len(), 64);
    assert_eq!(submit(&mut core, 51, &requests).len(), 36);
}

#[test]
fn a_lane_with_little_room_gets_the_rest_later_in_order() {
    let (lane, handle) = double("card", 16);
    let mut core = core(vec![lane]);
    handle.state().room = Some(7);
    let requests: Vec<_> = (0..64).map(request).collect();
    submit(&mut core, 0, &requests);
    let mut tickets = Vec::new();
    for now in 1..=10 {
        let answers = turn(&mut core, now);
        assert!(answers.len() <= 7);
        tickets.extend(answers.iter().map(|answer| answer.ticket));
    }
    assert_eq!(tickets, (0..64).collect::<Vec<_>>());
}

#[test]
fn sessions_and_namespaces_have_limits() {
    let small = Settings {
        max_agents: 2,
        max_namespaces: 2,
        ..settings()
    };
    let mut core = Core::new(&small, vec![software()]).unwrap();
    for number in 0..2 {
        let id = NamespaceId(number);
        core.add_namespace(id, Options::default(), &Policy::default())
            .unwrap();
        core.open(AgentId(number.into()), id).unwrap();
    }
    let refused = core.add_namespace(NamespaceId(2), Options::default(), &Policy::default());
    assert_eq!(refused, Err(DecisionError::TooManyNamespaces { most: 2 }));
    let refused = core.open(AgentId(9), NamespaceId(0));
    assert_eq!(refused, Err(DecisionError::TooManyAgents { most: 2 }));
    core.close(AgentId(0)).unwrap();
    core.open(AgentId(9), NamespaceId(0)).unwrap();
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    assert_eq!(
        Core::new(&settings(), Vec::new()).unwrap_err(),
        DecisionError::NoLanes
    );
    let of = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        Core::new(&settings, vec![software()])
            .unwrap_err()
            .to_string()
    };
    for (error, name) in [
        (of(|settings| settings.max_agents = 0), "max_agents"),
        (
            of(|settings| settings.max_namespaces = 1 << 21),
            "max_namespaces",
        ),
        (
            of(|settings| settings.max_under_way = 65_537),
            "max_under_way",
        ),
        (
            of(|settings| settings.lane_timeout = Duration::from_secs(3601)),
            "lane_timeout",
        ),
    ] {
        assert!(error.contains(name), "{error}");
    }
}
