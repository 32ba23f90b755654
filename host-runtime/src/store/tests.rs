use super::*;
use crate::cancel::CancelToken;
use std::time::Duration;

const SIM: CardId = CardId::Simulated(0);

fn open(folder: &Path, access: Access) -> Result<CardStore> {
    let options = OpenOptions {
        access,
        purpose: "a test".to_owned(),
        state_folder: Some(folder.to_owned()),
        ..OpenOptions::default()
    };
    CardStore::open(SIM, &options, Passage::find(SIM, Some(folder), &|| Ok(()))?)
}

#[test]
fn what_was_committed_is_read_back_and_old_blobs_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Access::Shared).unwrap();
    assert_eq!(store.load().unwrap().record, Record::default());
    store.commit(3, Some(b"image"), Some(b"model")).unwrap();
    store.commit(4, Some(b"image"), Some(b"other")).unwrap();
    let stored = store.load().unwrap();
    assert_eq!(
        (
            stored.record.generation,
            stored.image.unwrap(),
            stored.model.unwrap()
        ),
        (4, b"image".to_vec(), b"other".to_vec())
    );
    let blobs = std::fs::read_dir(folder.path().join("sim-0"))
        .unwrap()
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains('-')
        })
        .count();
    assert_eq!(blobs, 2);
}

#[test]
fn exclusive_excludes_and_names_the_holder_and_is_released_on_drop() {
    let folder = tempfile::tempdir().unwrap();
    let shared = open(folder.path(), Access::Shared).unwrap();
    let also_shared = open(folder.path(), Access::Shared).unwrap();
    let error = open(folder.path(), Access::Exclusive).unwrap_err();
    assert!(
        matches!(&error, Error::CardBusy { holders, .. } if holders.contains("for a test")),
        "{error}"
    );
    drop((shared, also_shared));
    let exclusive = open(folder.path(), Access::Exclusive).unwrap();
    assert!(matches!(
        open(folder.path(), Access::Shared),
        Err(Error::CardBusy { .. })
    ));
    assert_eq!(peek(SIM, Some(folder.path())).unwrap().holders.len(), 1);
    drop(exclusive);
    assert!(peek(SIM, Some(folder.path())).unwrap().holders.is_empty());
}

#[test]
fn a_left_over_holder_file_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Access::Shared).unwrap();
    let left = folder.path().join("sim-0/holders/1-x.json");
    std::fs::write(&left, "{}").unwrap();
    assert_eq!(peek(SIM, Some(folder.path())).unwrap().holders.len(), 1);
    assert!(!left.exists());
    drop(store);
}

#[test]
fn any_changed_byte_of_the_stored_state_is_found_and_can_be_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Access::Exclusive).unwrap();
    for victim in ["state", "model", "image"] {
        store
            .commit(7, Some(b"an image"), Some(b"a model"))
            .unwrap();
        let file = std::fs::read_dir(folder.path().join("sim-0"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| {
                path.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .starts_with(victim)
            })
            .unwrap();
        let original = std::fs::read(&file).unwrap();
        for index in 0..original.len() {
            let mut bytes = original.clone();
            bytes[index] ^= 1;
            std::fs::write(&file, &bytes).unwrap();
            // A changed white space of the JSON changes nothing that is stored.
            if let Ok(stored) = store.load() {
                assert_eq!(
                    (stored.record.generation, &stored.model.unwrap()[..]),
                    (7, &b"a model"[..]),
                    "{victim}[{index}]"
                );
            }
        }
        std::fs::write(&file, &original[..original.len() / 2]).unwrap();
        let error = store.load().unwrap_err();
        assert!(matches!(&error, Error::StateDamaged { .. }), "{error}");
        store.discard_model_state().unwrap();
        assert!(store.load().unwrap().model.is_none());
    }
}

#[test]
fn turns_alternate_and_a_wait_for_one_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), Access::Shared).unwrap();
    let second = open(folder.path(), Access::Shared).unwrap();
    let never = CancelToken::new();
    let turn = first.take_turn(Duration::from_secs(5), &never).unwrap();
    assert!(!turn.is_wanted());
    let error = second
        .take_turn(Duration::from_millis(1), &never)
        .unwrap_err();
    assert!(matches!(error, Error::TurnTimeout { .. }), "{error}");
    let cancelled = CancelToken::new();
    cancelled.cancel();
    assert!(matches!(
        second.take_turn(Duration::from_secs(60), &cancelled),
        Err(Error::Cancelled { .. })
    ));

    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| second.take_turn(Duration::from_secs(60), &never).map(drop));
        while !turn.is_wanted() {
            std::thread::yield_now();
        }
        drop(turn);
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn what_is_replaced_while_it_is_read_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, reader) = (
        open(folder.path(), Access::Shared).unwrap(),
        open(folder.path(), Access::Shared).unwrap(),
    );
    writer.commit(0, Some(b"image"), Some(b"0")).unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for generation in 1..500u64 {
                let model = generation.to_string();
                writer
                    .commit(generation, Some(b"image"), Some(model.as_bytes()))
                    .unwrap();
            }
        });
        while !writing.is_finished() {
            let stored = reader.load().unwrap();
            let model = String::from_utf8(stored.model.unwrap()).unwrap();
            assert_eq!(model, stored.record.generation.to_string());
        }
    });
}

#[test]
fn openings_that_are_looked_at_while_they_begin_are_not_taken_for_left_over() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), Access::Shared).unwrap());
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| {
            for _ in 0..500 {
                drop(open(folder.path(), Access::Shared).unwrap());
            }
        });
        while !opening.is_finished() {
            assert!(holders::list(&folder.path().join("sim-0")).len() <= 1);
        }
    });
}
