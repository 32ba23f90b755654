//! Images of simulated cards, built from the packaging script and the linking configuration that v++ would be given.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host_runtime::bitstreams::Xclbin;
use host_runtime::queue::{Completion, QueueOptions, Submission};
use host_runtime::tcp::{Options, Policy, Profile, golden};
use host_runtime::{CancelToken, Card, CardId, Image, OpenOptions, TrustOptions};

use crate::common::{Bench, sample_descriptors};

fn vitis(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../hdl/vitis")
        .join(name)
}

/// Builds `kernel.xclbin`.
fn build(bench: &Bench, kernel: &str, width: &str) {
    let mut command = bench.command();
    command.arg("build").arg(vitis("gen_xo.tcl"));
    command.args([
        "--tclargs",
        &format!("{kernel} {width}"),
        "-o",
        "kernel.xclbin",
    ]);
    command.arg("--config").arg(vitis(&format!("{kernel}.cfg")));
    let output = command.output().unwrap();
    crate::common::Ended::from(output).expect(0);
}

#[test]
fn a_validator_of_each_width_decides_as_the_golden_model() {
    for width in ["128", "256", "512"] {
        let bench = Bench::new();
        build(&bench, "tcp_validator", width);
        bench.run(&["program", "kernel.xclbin"]).expect(0);
        let image = Xclbin::read(bench.path("kernel.xclbin")).unwrap();
        let metadata = image.embedded_metadata().unwrap().unwrap();
        let kernel = &metadata.kernel("tcp_validator").unwrap().description;
        let master = kernel.port("m_axi_gmem0").unwrap();
        assert_eq!(master.data_width.to_string(), width);
        for profile in [Profile::Compact, Profile::Wide] {
            let file = bench.sample(profile);
            let file = file.to_str().unwrap();
            bench
                .run(&[
                    "validate",
                    file,
                    "--check",
                    "--profile",
                    &profile.to_string(),
                ])
                .expect(0);
        }
    }
}

#[test]
fn a_queue_answers_as_the_golden_model() {
    let bench = Bench::new();
    build(&bench, "tcp_queue", "512");
    let options = OpenOptions {
        state_folder: Some(bench.state_folder()),
        trust: TrustOptions {
            folder: Some(bench.trust_folder()),
            ..TrustOptions::default()
        },
        ..OpenOptions::default()
    };
    let card = Card::open_with(CardId::Simulated(0), &options).unwrap();
    card.program(&Image::new(Xclbin::read(bench.path("kernel.xclbin")).unwrap()).unwrap())
        .unwrap();
    let mut queue = card.open_queue(&QueueOptions::default()).unwrap();
    let profile = Options::for_profile(Profile::Compact);
    let descriptors = &sample_descriptors(Profile::Compact)[..16];
    let policy = Policy::for_profile(Profile::Compact);
    for (tag, descriptor) in (0..).zip(descriptors) {
        queue
            .submit(Submission::new(*descriptor, tag, profile))
            .unwrap();
    }
    let mut answered = Vec::new();
    let mut some = [Completion::default(); 16];
    while answered.len() < descriptors.len() {
        let count = queue
            .wait(&mut some, Duration::from_secs(60), &CancelToken::new())
            .unwrap();
        assert_ne!(count, 0, "the queue does not answer");
        answered.extend_from_slice(&some[..count]);
    }
    for (completion, descriptor) in answered.iter().zip(descriptors) {
        let detail = golden::evaluate(descriptor, profile, &policy);
        assert_eq!(
            completion.verdict(),
            detail.verdict(),
            "tag {}",
            completion.tag()
        );
    }
}
