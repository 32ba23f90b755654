//! The trust store's files: who may read them, what damage says, and processes that make the local key at once.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;

fn store() -> (tempfile::TempDir, TrustStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = TrustStore::open(Some(&folder.path().join("trust"))).unwrap();
    (folder, store)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn looking_makes_nothing() {
    let (folder, store) = store();
    assert_eq!(store.keys().unwrap(), []);
    let key = SecretKey::generate().unwrap().public();
    assert_eq!(store.name_of(&key).unwrap(), None);
    assert!(matches!(store.find("a"), Err(TrustError::Missing { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_new_key_is_trusted_signs_and_is_private() {
    let (_folder, store) = store();
    let made = store.create("mine").unwrap();
    assert!(made.has_secret);
    assert_eq!(store.keys().unwrap(), std::slice::from_ref(&made));
    assert_eq!(store.name_of(&made.public).unwrap().unwrap(), "mine");
    assert_eq!(store.secret("mine").unwrap().public(), made.public);
    assert_eq!(mode(&store.path("mine", SECRET)), 0o600);
    assert_eq!(mode(store.folder()), 0o700);
    let error = store.create("mine").unwrap_err();
    assert!(matches!(error, TrustError::Taken { .. }), "{error}");
    assert_eq!(store.secret("mine").unwrap().public(), made.public);
}

#[test]
fn a_key_of_somebody_else_is_trusted_and_cannot_sign() {
    let (_folder, store) = store();
    let theirs = SecretKey::generate().unwrap().public();
    let stored = store.trust("vendor", &theirs, "their key").unwrap();
    assert_eq!(stored.to_line(), format!("{theirs} their key"));
    assert!(!stored.has_secret);
    assert_eq!(store.trust("vendor", &theirs, "").unwrap(), stored);
    let error = store.secret("vendor").unwrap_err();
    assert!(matches!(error, TrustError::NoSecret { .. }), "{error}");
    let error = store.trust("twice", &theirs, "").unwrap_err();
    assert!(error.to_string().contains("by the name vendor"), "{error}");
    let other = SecretKey::generate().unwrap().public();
    let error = store.trust("vendor", &other, "").unwrap_err();
    assert!(matches!(error, TrustError::Taken { .. }), "{error}");
    assert_eq!(store.name_of(&other).unwrap(), None);
}

#[test]
fn a_removed_key_is_not_trusted_and_a_secret_is_not_lost_by_accident() {
    let (_folder, store) = store();
    let mine = store.create("mine").unwrap().public;
    let error = store.remove("mine", false).unwrap_err();
    assert!(error.to_string().contains("--with-secret"), "{error}");
    store.remove("mine", true).unwrap();
    assert_eq!(store.name_of(&mine).unwrap(), None);
    let error = store.remove("mine", true).unwrap_err();
    assert!(matches!(error, TrustError::Missing { .. }), "{error}");
    assert_eq!(std::fs::read_dir(store.folder()).unwrap().count(), 0);
}

#[test]
fn names_are_plain() {
    let (_folder, store) = store();
    for name in [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "../a",
        "a b",
        "ä",
        &"a".repeat(65),
    ] {
        let error = store.create(name).unwrap_err();
        assert!(matches!(error, TrustError::Name { .. }), "{name}: {error}");
        assert!(store.remove(name, true).is_err());
        assert!(store.secret(name).is_err());
    }
    store.create("Build-2_x.y").unwrap();
}

#[test]
fn a_damaged_file_is_named_unless_the_key_is_found_elsewhere() {
    let (_folder, store) = store();
    let mine = store.create("mine").unwrap().public;
    let path = store.path("broken", PUBLIC);
    std::fs::write(&path, "ed25519 nonsense").unwrap();
    chmod(&path, 0o644);
    assert_eq!(store.name_of(&mine).unwrap().unwrap(), "mine");
    let other = SecretKey::generate().unwrap().public();
    for error in [
        store.name_of(&other).unwrap_err(),
        store.keys().unwrap_err(),
        store.find("broken").unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("broken.pub"), "{text}");
        assert!(text.contains("key remove broken"), "{text}");
    }
    store.remove("broken", false).unwrap();
    assert_eq!(store.name_of(&other).unwrap(), None);
}

#[test]
fn a_secret_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let (_folder, store) = store();
    store.create("mine").unwrap();
    let path = store.path("mine", SECRET);
    for bad in [0o640, 0o604, 0o620] {
        chmod(&path, bad);
        let error = store.secret("mine").unwrap_err().to_string();
        let command = format!("chmod go= {}", path.display());
        assert!(error.contains(&command), "{bad:o}: {error}");
    }
    chmod(&path, 0o600);
    store.secret("mine").unwrap();
}

#[test]
fn keys_that_others_could_have_put_there_are_not_trusted() {
    let (_folder, store) = store();
    let mine = store.create("mine").unwrap().public;
    let path = store.path("mine", PUBLIC);
    for (path, bad, good) in [
        (path.as_path(), 0o666, 0o644),
        (path.as_path(), 0o664, 0o644),
        (store.folder(), 0o777, 0o755),
    ] {
        chmod(path, bad);
        let error = store.name_of(&mine).unwrap_err().to_string();
        let command = format!("chmod go-w {}", path.display());
        assert!(error.contains(&command), "{error}");
        chmod(path, good);
        assert!(store.name_of(&mine).unwrap().is_some());
    }
}

#[test]
fn halves_that_do_not_belong_together_are_told() {
    let (_folder, store) = store();
    store.create("mine").unwrap();
    store.create("other").unwrap();
    for name in ["mine", LOCAL_KEY] {
        store.secret(name).unwrap();
        std::fs::copy(store.path("other", PUBLIC), store.path(name, PUBLIC)).unwrap();
        let error = store.secret(name).unwrap_err().to_string();
        assert!(error.contains("does not belong"), "{error}");
    }
}

#[test]
fn the_local_key_makes_itself_and_stays() {
    let (_folder, store) = store();
    let first = store.secret(LOCAL_KEY).unwrap().public();
    assert_eq!(store.secret(LOCAL_KEY).unwrap().public(), first);
    assert_eq!(store.name_of(&first).unwrap().unwrap(), LOCAL_KEY);
    // As after a kill between its two files.
    std::fs::remove_file(store.path(LOCAL_KEY, PUBLIC)).unwrap();
    assert_eq!(store.secret(LOCAL_KEY).unwrap().public(), first);
    assert_eq!(store.name_of(&first).unwrap().unwrap(), LOCAL_KEY);
}

/// What each of the processes does that the test below starts: it is this test program again.
#[test]
#[ignore = "a part of processes_that_make_the_local_key_at_once_get_the_same"]
fn make_the_local_key() {
    let store = TrustStore::open(None).unwrap();
    let key = store.secret(LOCAL_KEY).unwrap();
    println!("made {}", key.public().fingerprint());
}

#[test]
fn processes_that_make_the_local_key_at_once_get_the_same() {
    let (folder, _) = store();
    for round in 0..5 {
        let trust = folder.path().join(round.to_string());
        let start = || {
            Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "--nocapture"])
                .arg("trust::tests::make_the_local_key")
                .env(TRUST_FOLDER_VARIABLE, &trust)
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        };
        let processes: Vec<_> = (0..4).map(|_| start()).collect();
        let mut keys: Vec<String> = processes
            .into_iter()
            .map(|process| {
                let output = process.wait_with_output().unwrap();
                assert!(output.status.success());
                let text = String::from_utf8(output.stdout).unwrap();
                let made = text.split("made ").nth(1).expect("it tells its key");
                made.split_whitespace().next().unwrap().to_owned()
            })
            .collect();
        let store = TrustStore::open(Some(&trust)).unwrap();
        keys.push(store.find(LOCAL_KEY).unwrap().fingerprint().to_string());
        keys.dedup();
        assert_eq!(keys.len(), 1, "{keys:?}");
        assert_eq!(std::fs::read_dir(store.folder()).unwrap().count(), 2);
    }
}
