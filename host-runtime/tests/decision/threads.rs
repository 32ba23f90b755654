//! The engine with its own thread: many that ask, many that change things, and lanes that hold it up.

use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use host_runtime::CancelToken;
use host_runtime::decision::{
    AgentId, Answer, Client, ClientError, DecisionEngine, DecisionError, Lane, LaneError,
    NamespaceId, Question, Reason, Settings,
};
use host_runtime::queue::{Completion, Submission};
use host_runtime::tcp::{Decision, Options, Policy, golden, random};

use crate::doubles::double;
use crate::{AGENT, HOME, git, software};

/// Time enough for everything that is not meant to fail.
const LONG: Duration = Duration::from_secs(60);

fn patient() -> Settings {
    Settings {
        max_agents: 1000,
        lane_timeout: LONG,
        client_entries: 64,
        ..Settings::default()
    }
}

fn engine(settings: &Settings, lanes: Vec<Box<dyn Lane>>) -> DecisionEngine {
    let engine = DecisionEngine::start(settings, lanes).unwrap();
    engine
        .add_namespace(HOME, Options::default(), &Policy::default())
        .unwrap();
    engine.open(AGENT, HOME).unwrap();
    engine
}

fn question(ticket: u64) -> Question {
    Question {
        agent: AGENT,
        ticket,
        descriptor: git(),
    }
}

/// What a client is answered until it has so many answers.
fn answers(client: &mut Client, count: usize) -> Vec<Answer> {
    let blank = client_blank();
    let mut all = Vec::new();
    while all.len() < count {
        let mut some = [blank; 16];
        let taken = client.wait(&mut some, LONG, &CancelToken::new());
        assert!(taken > 0, "{} of {count} answers came", all.len());
        all.extend_from_slice(&some[..taken]);
    }
    all.sort_by_key(|answer| answer.ticket);
    all
}

/// Room for an answer.
fn client_blank() -> Answer {
    let engine = DecisionEngine::start(&Settings::default(), vec![software()]).unwrap();
    engine.decide(AGENT, &git(), LONG)
}

#[test]
fn many_threads_ask_while_policies_and_sessions_change() {
    const ASKING: u64 = 3;
    const ROUNDS: u64 = 300;
    let engine = engine(&patient(), vec![double("card", 4).0, software()]);
    let policies = std::sync::Mutex::new(vec![(1, Policy::default())]);
    let start = Barrier::new(ASKING as usize + 2);
    let answered: Vec<Answer> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..ASKING)
            .map(|thread| {
                let (engine, start) = (&engine, &start);
                scope.spawn(move || {
                    start.wait();
                    let own = AgentId(100 + thread);
                    let mut answers = Vec::new();
                    for round in 0..ROUNDS {
                        engine.open(own, HOME).unwrap();
                        for agent in [own, AGENT, AgentId(50 + round % 2)] {
                            answers.push(engine.decide(agent, &git(), LONG));
                        }
                        engine.close(own).unwrap();
                    }
                    answers
                })
            })
            .collect();
        scope.spawn(|| {
            start.wait();
            for number in 0..ROUNDS {
                let policy = random::policy(number);
                let mut policies = policies.lock().unwrap();
                let version = engine.set_policy(HOME, &policy).unwrap();
                policies.push((version.0, policy));
            }
        });
        scope.spawn(|| {
            start.wait();
            for _ in 0..ROUNDS {
                engine.open(AgentId(50), HOME).unwrap();
                engine.close(AgentId(50)).unwrap();
            }
        });
        asking
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(answered.len() as u64, 3 * ASKING * ROUNDS);
    let policies = policies.into_inner().unwrap();
    for answer in &answered {
        match answer.reason {
            Reason::Judged | Reason::Malformed => {
                let found = policies
                    .iter()
                    .find(|(version, _)| *version == answer.version.0);
                let (_, policy) = found.expect("a version that was given");
                let detail = golden::evaluate(&git(), Options::default(), policy);
                assert_eq!(answer.verdict, detail.verdict());
                assert_eq!(answer.cause(), detail.cause());
                assert_ne!(answer.agent, AgentId(51), "has no session");
            }
            Reason::UnknownAgent | Reason::SessionClosed => {
                assert!(
                    [AgentId(50), AgentId(51)].contains(&answer.agent),
                    "{answer:?}"
                );
                assert_eq!(answer.decision, Decision::Reject);
            }
            other => panic!("{other}: {answer:?}"),
        }
    }
    let total = engine.total_statistics().unwrap();
    assert_eq!(total.answers(), answered.len() as u64);
    engine.stop().unwrap();
}

#[test]
fn a_client_gets_its_tickets_back() {
    let engine = engine(&patient(), vec![software()]);
    let mut client = engine.client().unwrap();
    let questions: Vec<_> = (0..50).map(|number| question(number * 1000)).collect();
    assert_eq!(client.submit_many(&questions, LONG), Ok(50));
    client.submit(&question(7), LONG).unwrap();
    let answers = answers(&mut client, 51);
    let tickets: Vec<_> = answers.iter().map(|answer| answer.ticket).collect();
    let mut expected: Vec<_> = questions.iter().map(|question| question.ticket).collect();
    expected.push(7);
    expected.sort_unstable();
    assert_eq!(tickets, expected);
    assert!(answers.iter().all(|answer| answer.reason == Reason::Judged));
    assert_eq!(client.outstanding(), 0);
    let mut none = [answers[0]];
    assert_eq!(client.wait(&mut none, LONG, &CancelToken::new()), 0);
}

#[test]
fn a_client_takes_no_more_than_it_has_places() {
    let (lane, handle) = double("card", 16);
    handle.state().held = true;
    let engine = engine(&patient(), vec![lane]);
    let mut client = engine.client().unwrap();
    let questions: Vec<_> = (0..100).map(question).collect();
    assert_eq!(client.submit_many(&questions, LONG), Ok(64));
    let full = ClientError::Full { outstanding: 64 };
    assert_eq!(client.submit(&question(0), LONG), Err(full));
    let cancel = CancelToken::new();
    cancel.cancel();
    assert_eq!(client.wait(&mut [client_blank()], LONG, &cancel), 0);
    handle.state().held = false;
    assert_eq!(answers(&mut client, 64).len(), 64);
}

#[test]
fn without_room_for_another_client_a_decision_is_shed() {
    let settings = Settings {
        max_clients: 1,
        ..patient()
    };
    let engine = engine(&settings, vec![software()]);
    let client = engine.client().unwrap();
    assert_eq!(
        engine.client().unwrap_err(),
        DecisionError::TooManyClients { most: 1 }
    );
    let answer = engine.decide(AGENT, &git(), LONG);
    assert_eq!(
        (answer.reason, answer.decision),
        (Reason::Overload, Decision::Reject)
    );
    assert_eq!(engine.total_statistics().unwrap().of(Reason::Overload), 1);
    drop(client);
    assert_eq!(engine.decide(AGENT, &git(), LONG).reason, Reason::Judged);
}

#[test]
fn a_client_does_not_get_the_answers_of_one_before_it() {
    let (lane, handle) = double("card", 16);
    handle.state().held = true;
    let settings = Settings {
        max_clients: 1,
        ..patient()
    };
    let engine = engine(&settings, vec![lane]);
    let mut first = engine.client().unwrap();
    let questions: Vec<_> = (0..10).map(question).collect();
    assert_eq!(first.submit_many(&questions, LONG), Ok(10));
    drop(first);
    let mut second = engine.client().unwrap();
    second.submit(&question(77), LONG).unwrap();
    handle.state().held = false;
    assert_eq!(answers(&mut second, 1)[0].ticket, 77);
    let mut more = [client_blank()];
    assert_eq!(second.wait(&mut more, LONG, &CancelToken::new()), 0);
}

#[test]
fn stopping_answers_everything_and_takes_nothing_more() {
    let (lane, handle) = double("card", 16);
    handle.state().held = true;
    let engine = engine(&patient(), vec![lane]);
    let mut client = engine.client().unwrap();
    let questions: Vec<_> = (0..40).map(question).collect();
    assert_eq!(client.submit_many(&questions, LONG), Ok(40));
    engine.stop().unwrap();
    let answers = answers(&mut client, 40);
    for (ticket, answer) in answers.iter().enumerate() {
        assert_eq!(answer.ticket, ticket as u64);
        assert_eq!(
            (answer.reason, answer.decision),
            (Reason::Stopping, Decision::Reject)
        );
    }
    assert_eq!(client.submit(&question(0), LONG), Err(ClientError::Stopped));
    assert_eq!(
        client.submit_many(&questions, LONG),
        Err(ClientError::Stopped)
    );
    assert_eq!(engine.decide(AGENT, &git(), LONG).reason, Reason::Stopping);
    assert_eq!(engine.client().unwrap_err(), DecisionError::Stopped);
    assert_eq!(engine.open(AgentId(1), HOME), Err(DecisionError::Stopped));
    engine.stop().unwrap();
}

/// A lane that does not return from `poll` until it is let go, or panics then.
struct Hanging {
    let_go: mpsc::Receiver<()>,
    entered: mpsc::Sender<()>,
    panics: bool,
}

impl Lane for Hanging {
    fn name(&self) -> String {
        "hanging".to_owned()
    }

    fn policy_slots(&self) -> usize {
        16
    }

    fn set_policy(&mut self, _: usize, _: &Policy) -> Result<u8, LaneError> {
        Ok(1)
    }

    fn submit_many(&mut self, submissions: &[Submission]) -> Result<usize, LaneError> {
        Ok(submissions.len())
    }

    fn poll(&mut self, _: &mut [Completion]) -> Result<usize, LaneError> {
        let _ = self.entered.send(());
        let _ = self.let_go.recv();
        assert!(!self.panics, "as the test wants it");
        Err(LaneError::Failed("let go".to_owned()))
    }
}

fn hanging(panics: bool) -> (Box<dyn Lane>, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (letting_go, let_go) = mpsc::channel();
    let (entered, entering) = mpsc::channel();
    let lane = Hanging {
        let_go,
        entered,
        panics,
    };
    (Box::new(lane), letting_go, entering)
}

/// The engine's thread stands still: the client itself answers at the deadline, and throws the engine's answer away.
#[test]
fn a_lane_that_hangs_does_not_keep_an_answer_past_its_deadline() {
    let (lane, let_go, entering) = hanging(false);
    let engine = engine(&patient(), vec![lane, software()]);
    let mut client = engine.client().unwrap();
    client.submit(&question(1), LONG).unwrap();
    entering.recv().unwrap();
    let short = Duration::from_millis(1);
    client.submit(&question(2), short).unwrap();
    let late = answers(&mut client, 1)[0];
    assert_eq!((late.ticket, late.reason), (2, Reason::DeadlinePassed));
    assert_eq!(client.outstanding(), 2, "the engine has both still");
    let answer = engine.decide(AGENT, &git(), short);
    assert_eq!(
        (answer.reason, answer.decision),
        (Reason::DeadlinePassed, Decision::Reject)
    );

    let_go.send(()).unwrap();
    let answer = answers(&mut client, 1)[0];
    assert_eq!((answer.ticket, answer.reason), (1, Reason::Judged));
    // What the engine says of the other one is for nobody. It said so before it answered this one.
    client.submit(&question(3), LONG).unwrap();
    assert_eq!(answers(&mut client, 1)[0].ticket, 3);
    assert_eq!(client.outstanding(), 0);
    engine.stop().unwrap();
}

#[test]
fn a_lane_that_panics_leaves_nobody_without_an_answer() {
    let (lane, let_go, entering) = hanging(true);
    let engine = Arc::new(engine(&patient(), vec![lane, software()]));
    let mut client = engine.client().unwrap();
    client.submit(&question(1), LONG).unwrap();
    entering.recv().unwrap();
    let deciding = {
        let engine = Arc::clone(&engine);
        std::thread::spawn(move || engine.decide(AGENT, &git(), LONG))
    };
    let_go.send(()).unwrap();
    let answer = answers(&mut client, 1)[0];
    assert_eq!((answer.ticket, answer.reason), (1, Reason::Stopping));
    assert_eq!(deciding.join().unwrap().reason, Reason::Stopping);
    assert_eq!(client.submit(&question(2), LONG), Err(ClientError::Stopped));
    assert_eq!(
        engine.set_policy(HOME, &Policy::default()),
        Err(DecisionError::Stopped)
    );
    engine.stop().unwrap();
}

#[test]
fn sessions_open_by_the_thousand() {
    let engine = engine(&patient(), vec![software()]);
    let agents: Vec<_> = (1000..1500).map(AgentId).collect();
    assert_eq!(engine.open_many(&agents, HOME), Ok(500));
    assert_eq!(engine.agents(), Ok(501));
    let open = DecisionError::AgentOpen {
        agent: AgentId(1000),
        namespace: HOME,
    };
    assert_eq!(engine.open_many(&agents, HOME), Err(open));
    let more: Vec<_> = (1500..2500).map(AgentId).collect();
    assert_eq!(engine.open_many(&more, HOME), Ok(499), "as many as may be");
    assert!(engine.open_many(&more, NamespaceId(9)).is_err());
    assert_eq!(
        engine.decide(AgentId(1999 - 1), &git(), LONG).reason,
        Reason::Judged
    );
}
