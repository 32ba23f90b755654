//! `sim serve`: what it is told of the card, and how it says what it cannot do.

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use common::{Bench, wait_for};
use host_runtime::tcp::Profile;
use rustix::process::{Pid, Signal, kill_process};

/// A server that has said that it serves.
fn serve(bench: &Bench, arguments: &[&str]) -> Child {
    let mut command = bench.command();
    command.args(["sim", "serve"]).args(arguments);
    let mut server = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(server.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    assert!(line.contains("is served at"), "{line}");
    server
}

fn end(server: Child) {
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    wait_for(server).expect(0);
}

#[test]
fn a_card_is_served_as_it_is_told() {
    let bench = Bench::new();
    let sample = bench.sample(Profile::Wide);
    let sample = sample.to_str().unwrap();
    let server = serve(
        &bench,
        &[
            "--name",
            "small",
            "--banks",
            "2x64MiB",
            "--clock",
            "150",
            "--shell",
            "xdma:h2c=2,c2h=2",
        ],
    );
    let list = bench.run(&["list", "--json"]).expect(0).json();
    let mut cards = list["cards"].as_array().unwrap().iter();
    let card = cards.find(|entry| entry["card"] == "pcie:small").unwrap();
    assert_eq!(card["resources"]["memory"], 128u64 << 20);
    let validate = ["validate", "--card", "pcie:small", "--profile", "wide"];
    let validate = [&validate[..], &["--check", sample]].concat();
    bench.run(&validate).expect(0);
    end(server);
    // By its place, as before; and what it says of its size alone.
    let server = serve(&bench, &["lab", "--banks", "2", "--memory", "1GiB"]);
    let list = bench.run(&["list", "--json"]).expect(0).json();
    let mut cards = list["cards"].as_array().unwrap().iter();
    let card = cards.find(|entry| entry["card"] == "pcie:lab").unwrap();
    assert_eq!(card["resources"]["memory"], 1u64 << 30);
    end(server);
}

#[test]
fn what_no_card_can_be_is_refused_with_what_there_is() {
    let bench = Bench::new();
    for (arguments, words) in [
        (&["--shell", "qdma"][..], &["qdma", "there is xdma"][..]),
        (&["--shell", "xdma:h2c=5"], &["1 to 4", "xdma:h2c=2,c2h=2"]),
        (&["--banks", "0"], &["a number of banks, 1 to 64"]),
        (&["--banks", "2x10"], &["a multiple of 4096 bytes"]),
        (&["--banks", "2x1GB"], &["KiB, MiB, GiB"]),
        (
            &["--banks", "1"],
            &["2 memory banks of its own", "--banks 2"],
        ),
        (&["--clock", "0"], &["--clock"]),
        (&["lab", "--name", "other"], &["cannot be used with"]),
    ] {
        let arguments = [&["sim", "serve"], arguments].concat();
        bench.run(&arguments).expect(2).tells(words);
    }
}
