//! Validation on every kind of card: the same answers, whatever computes them.

mod common;

use common::{Bench, CARDS};
use host_runtime::Validator;
use host_runtime::collection::{Collection, sample};
use host_runtime::tcp::{Cause, Decision, Descriptor, Output, Profile};

fn sample_descriptors(profile: Profile) -> Vec<Descriptor> {
    sample::entries(profile)
        .into_iter()
        .map(|(_, descriptor)| descriptor)
        .collect()
}

#[test]
fn the_sample_database_gets_the_same_answers_from_every_card() {
    let bench = Bench::new();
    for profile in Profile::ALL {
        let descriptors = sample_descriptors(profile);
        for output in [Output::Verdicts, Output::Details] {
            let reports: Vec<_> = CARDS
                .iter()
                .map(|&id| {
                    let card = bench.open(id);
                    let mut validator = Validator::new(&card)
                        .unwrap()
                        .profile(profile)
                        .output(output)
                        .check(true);
                    validator.validate(&descriptors).unwrap()
                })
                .collect();
            assert_eq!(reports[0].answers, reports[1].answers);
            assert_eq!(reports[0].summary.tally, reports[1].summary.tally);
            assert_eq!(
                reports[0].summary.tally.verdicts.malformed(),
                sample::malformed_count() as u64
            );
        }
    }
}

/// The numbers of the issue, where the published collections are at hand.
#[test]
fn the_published_collections_count_as_known() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.exists() {
        println!("skipped: {} is not there", data.display());
        return;
    }
    let bench = Bench::new();
    for id in CARDS {
        let card = bench.open(id);
        let count = |file: &str, profile| {
            let collection = Collection::open(data.join(file)).unwrap();
            let mut validator = Validator::new(&card).unwrap().profile(profile).check(true);
            let tally = validator
                .validate(collection.descriptors())
                .unwrap()
                .summary
                .tally;
            let decided = Decision::ALL.map(|decision| tally.verdicts.decided(decision));
            (
                tally.verdicts.descriptors,
                tally.verdicts.valid,
                tally.caused_by(Cause::BadRisk),
                decided,
            )
        };
        assert_eq!(
            count("knowledge-base.tcpdb", Profile::Wide),
            (1567, 1552, 15, [1008, 480, 20, 44])
        );
        assert_eq!(
            count("command-families.json", Profile::Compact),
            (184, 184, 0, [48, 104, 29, 3])
        );
    }
}
