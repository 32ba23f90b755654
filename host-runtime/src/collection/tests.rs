//! Whole files, through the door that users take.

use std::{fs, io::Write as _, path::PathBuf};

use super::*;
use crate::tcp::{Cause, Detail, Options, Policy, Profile, Tally, golden};

const GIT: &str = "544350020002ba9f11ec0000024407d000c80d920003f202";

fn file(contents: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(contents).unwrap();
    file
}

#[test]
fn a_packed_file_is_mapped_not_copied() {
    let git: Descriptor = GIT.parse().unwrap();
    let file = file(&[git.0, [0xff; 24], git.0].concat());
    let collection = Collection::open(file.path()).unwrap();
    assert!(matches!(collection.descriptors, Storage::Mapped(_)));
    assert_eq!(collection.format(), Format::Packed);
    assert_eq!(collection.descriptors(), [git, Descriptor([0xff; 24]), git]);
    assert!(collection.names().is_none() && collection.database().is_none());
}

#[test]
fn one_collection_reads_alike_in_every_format() {
    let entries = sample::entries(Profile::Wide);
    let mut sorted = entries.clone();
    sorted.sort();
    let packed: Vec<u8> = sorted
        .iter()
        .flat_map(|(_, descriptor)| descriptor.0)
        .collect();
    let lines: String = sorted
        .iter()
        .map(|(name, descriptor)| format!("{descriptor} {name}\n"))
        .collect();
    let members: Vec<String> = sorted
        .iter()
        .map(|(name, descriptor)| format!("\"{name}\":\"{descriptor}\""))
        .collect();
    let json = format!("{{\"deep\":[{{{}}}]}}", members.join(","));
    let expected: Vec<Descriptor> = sorted.iter().map(|(_, descriptor)| *descriptor).collect();
    for (format, contents) in [
        (Format::Packed, packed),
        (Format::Database, sample::database(Profile::Wide)),
        (Format::HexLines, lines.into_bytes()),
        (Format::Json, json.into_bytes()),
    ] {
        let collection = Collection::open(file(&contents).path()).unwrap();
        assert_eq!(collection.format(), format);
        assert_eq!(collection.descriptors(), expected, "{format}");
        if format != Format::Packed {
            for (index, (name, _)) in sorted.iter().enumerate() {
                assert_eq!(collection.name(index), Some(name.as_str()), "{format}");
            }
        }
        let from_bytes = Collection::from_bytes(contents).unwrap();
        assert_eq!(from_bytes.descriptors(), expected, "{format}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_path() {
    let missing = Collection::open("no/such/file").unwrap_err();
    assert!(matches!(&missing, CollectionError::Io { .. }));
    assert!(missing.to_string().contains("no/such/file"));
    assert!(matches!(
        Collection::open("."),
        Err(CollectionError::Io { .. })
    ));
    let empty = file(b"");
    let error = Collection::open(empty.path()).unwrap_err();
    assert!(matches!(
        &error,
        CollectionError::Content {
            source: ContentError::Empty,
            ..
        }
    ));
    assert!(error.to_string().contains(empty.path().to_str().unwrap()));
}

#[test]
fn files_that_cannot_be_mapped_are_read() {
    let error = Collection::open("/dev/null").unwrap_err();
    assert!(matches!(
        error,
        CollectionError::Content {
            source: ContentError::Empty,
            ..
        }
    ));
    // A regular file that has contents but states no size.
    let error = Collection::open("/proc/self/status").unwrap_err();
    assert!(matches!(
        error,
        CollectionError::Content {
            source: ContentError::Unknown { .. },
            ..
        }
    ));
}

#[test]
fn text_with_no_names_has_none() {
    let collection = Collection::from_bytes(format!("{GIT}\n{GIT}\n").into()).unwrap();
    assert!(collection.names().is_none());
    assert_eq!(collection.name(1), None);
}

#[test]
fn text_without_a_descriptor_is_refused() {
    for text in ["{}", "[\"x\"]"] {
        let error = Collection::from_bytes(text.into()).unwrap_err();
        assert!(
            matches!(error, ContentError::NoDescriptors(Format::Json)),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_database_of_no_entries_is_an_empty_collection() {
    let mut bytes = Vec::new();
    tcpdb::write::<&str>(&[], 7, &mut bytes).unwrap();
    let collection = Collection::from_bytes(bytes).unwrap();
    assert!(collection.descriptors().is_empty());
    assert_eq!(collection.database().map(|info| info.unix_time), Some(7));
}

/// A collection that others published, tallied by the golden model. They are not part of this
/// repository: the test says that it is skipped where they are absent.
fn tally_published(name: &str, profile: Profile) -> Option<Tally> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data")
        .join(name);
    if !fs::exists(&path).unwrap() {
        eprintln!("skipped: {} is not on this machine", path.display());
        return None;
    }
    let collection = Collection::open(path).unwrap();
    assert!(collection.database().is_none_or(|info| info.sorted));
    let mut details = vec![Detail::default(); collection.descriptors().len()];
    let (options, policy) = (Options::for_profile(profile), Policy::for_profile(profile));
    golden::evaluate_details(collection.descriptors(), options, &policy, &mut details);
    Some(Tally::from_details(&details))
}

#[test]
fn the_published_knowledge_base_is_judged_as_known() {
    if let Some(tally) = tally_published("knowledge-base.tcpdb", Profile::Wide) {
        assert_eq!(
            (tally.verdicts.descriptors, tally.verdicts.valid),
            (1567, 1552)
        );
        assert_eq!(tally.verdicts.malformed(), tally.caused_by(Cause::BadRisk));
        assert_eq!(tally.verdicts.decisions, [1008, 480, 20, 44]);
    }
}

#[test]
fn the_published_command_families_are_judged_as_known() {
    if let Some(tally) = tally_published("command-families.json", Profile::Compact) {
        assert_eq!(
            (tally.verdicts.descriptors, tally.verdicts.valid),
            (184, 184)
        );
        assert_eq!(tally.verdicts.decisions, [48, 104, 29, 3]);
    }
}
