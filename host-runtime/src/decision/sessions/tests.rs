use std::collections::HashMap;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::decision::{Request, Time};
use crate::tcp::Descriptor;

fn get(sessions: &Sessions, agent: u64) -> Option<Session> {
    let one_by_one = sessions.get(AgentId(agent));
    let request = Request {
        agent: AgentId(agent),
        ticket: 0,
        asked: Time(0),
        deadline: Time(0),
        descriptor: Descriptor([0; Descriptor::SIZE]),
    };
    let (mut spots, mut found) = (Spots::default(), [Session::NONE; GROUP]);
    sessions.seek(AgentId(agent), 0, &mut spots);
    sessions.find(&[request], &spots, &mut found);
    assert_eq!(one_by_one.unwrap_or(Session::NONE), found[0]);
    one_by_one
}

/// The agents' numbers are few, so that the same ones come and go; the shards are crowded by leaving out most of them.
#[test]
fn sessions_open_and_close_in_any_order_as_in_a_map() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut sessions = Sessions::new().unwrap();
    let mut expected: HashMap<u64, u32> = HashMap::new();
    let agents: Vec<u64> = (0..u64::MAX)
        .filter(|agent| sessions.hash(AgentId(*agent)).shard() < 2)
        .take(600)
        .collect();
    for step in 0..40_000 {
        let agent = agents[random.random_range(0..agents.len())];
        let namespace = random.random_range(0..100);
        // Waves: mostly opening, then mostly closing.
        if random.random_ratio(if step / 4000 % 2 == 0 { 3 } else { 1 }, 4) {
            let before = expected.get(&agent).copied();
            let opened = sessions.open(AgentId(agent), namespace);
            let in_it = match opened {
                Ok(()) => None,
                Err(OpenError::In(namespace)) => Some(namespace),
                Err(OpenError::Memory(error)) => panic!("{error}"),
            };
            assert_eq!(in_it, before, "step {step}");
            expected.entry(agent).or_insert(namespace);
        } else {
            let closed = sessions.close(AgentId(agent));
            assert_eq!(
                closed.map(|session| session.namespace),
                expected.remove(&agent),
                "step {step}"
            );
        }
        assert_eq!(sessions.len(), expected.len());
        if step % 64 == 0 {
            for agent in &agents {
                let found = get(&sessions, *agent).map(|session| session.namespace);
                assert_eq!(found, expected.get(agent).copied(), "step {step}");
            }
        }
    }
}

#[test]
fn a_session_that_was_opened_again_is_another_one() {
    let mut sessions = Sessions::new().unwrap();
    sessions.open(AgentId(7), 3).unwrap();
    let first = get(&sessions, 7).unwrap();
    sessions.close(AgentId(7)).unwrap();
    sessions.open(AgentId(7), 3).unwrap();
    assert_ne!(get(&sessions, 7), Some(first));
}

/// From no session to a million, no agent takes more than half of what is allowed once there are enough to speak of.
#[test]
fn a_session_takes_little_memory_at_every_size() {
    let mut sessions = Sessions::new().unwrap();
    let mut least = f64::MAX;
    for agent in 0..1_000_000u64 {
        sessions.open(AgentId(agent << 20), 0).unwrap();
        let each = sessions.memory() as f64 / (agent + 1) as f64;
        least = least.min(each);
        assert!(
            agent < 10_000 || each <= 100.0,
            "{agent}: {each} bytes each"
        );
    }
    assert!(least >= 16.0, "an entry is 16 bytes");
    for agent in 0..1_000_000u64 {
        assert!(get(&sessions, agent << 20).is_some(), "{agent}");
    }
}
