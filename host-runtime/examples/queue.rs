//! Decisions by a queue: puts the sample collection through one, on the card that is named, and compares every answer with
//! the golden model. A card without the kernel `tcp_queue` is programmed first.
//!
//! ```text
//! cargo run -p host-runtime --example queue -- sim:0
//! ```

use std::error::Error;
use std::time::Duration;

use host_runtime::collection::sample;
use host_runtime::queue::{Completion, KERNEL, QueueOptions, Submission};
use host_runtime::tcp::{Options, Policy, Profile, golden};
use host_runtime::{CancelToken, Card, Image};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1);
    let card = Card::open(name.as_deref().unwrap_or("sim:0").parse()?)?;
    let has_queues = |image: &Image| image.kernels().iter().any(|kernel| kernel.name == KERNEL);
    if !card.image().is_some_and(|image| has_queues(&image)) {
        card.program(&Image::queue_image()?)?;
    }

    let options = Options::for_profile(Profile::Wide);
    let policy = Policy::reset_default();
    let entries = sample::entries(Profile::Wide);
    let submissions: Vec<Submission> = (0..)
        .zip(&entries)
        .map(|(tag, (_, descriptor))| Submission::new(*descriptor, tag, options))
        .collect();

    let mut queue = card.open_queue(&QueueOptions::default())?;
    let mut completions = [Completion::default(); 64];
    let (mut submitted, mut answered) = (0, 0);
    while answered < submissions.len() {
        submitted += queue.submit_many(&submissions[submitted..]);
        let count = queue.wait(&mut completions, PATIENCE, &CancelToken::new())?;
        if count == 0 {
            return Err(format!("no answer came within {PATIENCE:?}").into());
        }
        for completion in &completions[..count] {
            let (name, descriptor) = &entries[completion.tag() as usize];
            let expected = golden::evaluate(descriptor, options, &policy);
            if completion.verdict() != expected.verdict() {
                let got = completion.verdict();
                return Err(format!("{name}: {got:?}, and not {:?}", expected.verdict()).into());
            }
        }
        answered += count;
    }
    println!(
        "{answered} decisions by a queue of {}, as the golden model has them",
        card.id()
    );
    Ok(())
}
