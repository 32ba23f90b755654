//! What runs as `/init` in the virtual machine of `scripts/test-vfio`: it loads the kernel's VFIO, gives the functions to
//! it, and tests what `host-runtime` stands on. Linked statically, as there is nothing else in the machine but `fpga-ctl`.
//!
//! The last line tells the script the result; then the machine is off. The script bounds the time of all.

mod bind;
mod card;
mod edu;
mod engine;
mod flaky;
mod machine;
mod memory;
mod programs;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};

/// A test by its name.
type Test<T> = (&'static str, fn(&T) -> Result<()>);

fn main() -> ExitCode {
    if std::process::id() != 1 {
        eprintln!(
            "vfio-guest is the first program of the virtual machine of scripts/test-vfio, and runs nowhere else"
        );
        return ExitCode::FAILURE;
    }
    let tally = all().unwrap_or_else(|error| {
        println!("test the virtual machine begins ... FAILED\n  {error:#}");
        Tally {
            passed: 0,
            failed: 1,
        }
    });
    let word = if tally.failed == 0 { "ok" } else { "FAILED" };
    println!(
        "guest result: {word}. {} passed; {} failed",
        tally.passed, tally.failed
    );
    machine::power_off()
}

#[derive(Debug, Default)]
struct Tally {
    passed: u32,
    failed: u32,
}

impl Tally {
    fn run<T>(&mut self, subject: &T, tests: &[Test<T>]) {
        for (name, test) in tests {
            // A test that panics must not end the machine's first program.
            let test = std::panic::AssertUnwindSafe(|| test(subject));
            let result = std::panic::catch_unwind(test);
            match result.unwrap_or_else(|_| Err(anyhow::anyhow!("it panicked"))) {
                Ok(()) => {
                    self.passed += 1;
                    println!("test {name} ... ok");
                }
                Err(error) => {
                    self.failed += 1;
                    println!("test {name} ... FAILED\n  {error:#}");
                }
            }
        }
    }
}

fn all() -> Result<Tally> {
    machine::begin()?;
    let subjects =
        machine::parameter("guest.test").context("the kernel was not told guest.test=")?;
    let mut tally = Tally::default();
    for subject in subjects.split(',') {
        match subject {
            "edu" => {
                let edu = edu::Edu::find()?;
                tally.run(&edu, edu::TESTS);
            }
            "card" => {
                let card = card::TestCard::find()?;
                tally.run(&card, card::TESTS);
            }
            "flaky" => {
                let card = card::TestCard::find_flaky()?;
                tally.run(&card, flaky::TESTS);
            }
            other => bail!("there are no tests of {other:?}"),
        }
    }
    ensure!(tally.passed + tally.failed > 0, "nothing was tested");
    Ok(tally)
}
