//! Clients that vanish while something waits for them.

use std::time::{Duration, Instant};

use card_shell::ShellKind;
use vfio_user::{CONFIG_REGION, ServerOptions, Timeouts};
use xdma::registers::{channel, control, sgdma, target};

use crate::driver::HOST;
use crate::plain_card::Bench;
use crate::raw::{Raw, access, dma_map, message};

/// Longer than this test waits.
const REPLY: Duration = Duration::from_secs(600);
const PATIENCE: Duration = Duration::from_secs(60);

/// Its function would otherwise wait for an answer that does not come, with all that the client holds.
#[test]
fn a_client_that_vanishes_while_the_card_waits_for_its_memory_is_gone_at_once() {
    let timeouts = Timeouts {
        reply: REPLY,
        ..Timeouts::default()
    };
    let options = ServerOptions {
        timeouts,
        ..ServerOptions::default()
    };
    let bench = Bench::with(ShellKind::default(), options);
    let mut raw = Raw::greeted(bench.shell.path());
    // Memory without a file: the card asks for the DMA descriptor by a message.
    raw.send(&message(1, 2, 0, &dma_map(HOST, 0x1000, 0)));
    let write = |region: u32, offset: u32, bytes: &[u8]| {
        let access = access(offset.into(), region, bytes.len() as u32);
        message(3, 10, 0, &[&access[..], bytes].concat())
    };
    raw.send(&write(CONFIG_REGION, 4, &[6, 0]));
    let first = (HOST as u32).to_ne_bytes();
    raw.send(&write(1, target::H2C_SGDMA + sgdma::FIRST_LOW, &first));
    let run = control::RUN.to_ne_bytes();
    raw.send(&write(1, target::H2C + channel::CONTROL, &run));
    let mut messages = std::iter::from_fn(|| raw.reply());
    // A reply has type 1.
    assert!(
        messages.any(|(_, flags, _)| flags & 0xF == 0),
        "the card asks for nothing"
    );
    assert_eq!(bench.shell.clients(), 1);
    drop(raw);
    let begin = Instant::now();
    while bench.shell.clients() > 0 {
        assert!(begin.elapsed() < PATIENCE, "it still waits");
        std::thread::yield_now();
    }
}
