use std::collections::HashMap;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

/// Room enough.
fn sessions() -> Sessions {
    Sessions::new(1 << 20).unwrap()
}

/// The session, the same by every way there is.
fn get(sessions: &Sessions, agent: u64) -> Option<Session> {
    let agent = AgentId(agent);
    let one_by_one = sessions.get(agent);
    let finder = sessions.finder();
    let found = agent.find(agent.seek(&finder), &finder);
    assert_eq!(one_by_one.unwrap_or(Session::NONE), found);
    if let Some(session) = one_by_one {
        let handle = sessions.handle(session);
        handle.seek(&finder);
        assert_eq!(handle.find((), &finder), session);
        assert_eq!(sessions.of_handle(handle), session);
        assert_eq!(sessions.agent(session), agent);
    }
    one_by_one
}

/// The agents' numbers are few, so that the same ones come and go; the shards are crowded by leaving out most of them.
#[test]
fn sessions_open_and_close_in_any_order_as_in_a_map() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut sessions = sessions();
    let mut expected: HashMap<u64, u32> = HashMap::new();
    let mut closed_handles = Vec::new();
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
                Ok(_) => None,
                Err(OpenError::In(namespace)) => Some(namespace),
                Err(OpenError::Memory(error)) => panic!("{error}"),
            };
            assert_eq!(in_it, before, "step {step}");
            expected.entry(agent).or_insert(namespace);
        } else {
            let open = sessions.get(AgentId(agent));
            closed_handles.extend(open.map(|session| sessions.handle(session)));
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
            for handle in &closed_handles {
                assert!(!sessions.of_handle(*handle).is_some(), "step {step}");
            }
        }
    }
}

#[test]
fn a_handle_leads_to_its_own_session_and_nowhere_else() {
    let mut sessions = sessions();
    let first = sessions.open(AgentId(7), 3).unwrap();
    sessions.close(AgentId(7)).unwrap();
    let second = sessions.open(AgentId(7), 3).unwrap();
    assert_eq!(first.place(), second.place(), "the place is used again");
    assert!(!sessions.of_handle(first).is_some());
    assert_eq!(sessions.of_handle(second).namespace, 3);
    let bits = second.to_bits();
    assert_eq!(SessionHandle::from_bits(bits), second);
    sessions.close(AgentId(7)).unwrap();
    // Places that nobody has, nobody had, and that cannot be.
    for forged in [0, second.place() as u64, 1, u64::MAX, u64::MAX >> 32] {
        let handle = SessionHandle::from_bits(forged);
        assert!(!sessions.of_handle(handle).is_some(), "{forged:#x}");
        handle.seek(&sessions.finder());
        assert!(
            !handle.find((), &sessions.finder()).is_some(),
            "{forged:#x}"
        );
    }
}

/// From no session to a million, no agent takes more than half of what is allowed once there are enough to speak of.
#[test]
fn a_session_takes_little_memory_at_every_size() {
    let mut sessions = sessions();
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
