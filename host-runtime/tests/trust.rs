//! Only trusted images run: what makes one trusted, and that nothing of another is mapped, on every way by which a model
//! gets into the process.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use common::{Bench, validators};
use host_runtime::bitstreams::trust::{LOCAL_KEY, Provenance, TrustStore};
use host_runtime::bitstreams::{SecretKey, Xclbin};
use host_runtime::{Card, CardId, Error, Image, OpenOptions, Untrusted};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

const CARD: CardId = CardId::Simulated(0);

/// What users were told of untrusted images that were allowed.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn tell(text: &str) {
    TOLD.lock().unwrap().push(text.to_owned());
}

fn times_told_of(image: &Image) -> usize {
    let uuid = image.uuid().to_string();
    let told = TOLD.lock().unwrap();
    told.iter().filter(|text| text.contains(&uuid)).count()
}

fn allowing(bench: &Bench) -> OpenOptions {
    let mut options = bench.options();
    options.trust.untrusted = Untrusted::Allow(tell);
    options
}

fn store(bench: &Bench) -> TrustStore {
    TrustStore::open(Some(&bench.trust_folder())).unwrap()
}

fn signed(image: &Xclbin, key: &SecretKey) -> Arc<Image> {
    Image::new(image.signed(key).unwrap()).unwrap()
}

/// An image whose code leaves a file when it is mapped, and that file.
struct Trap {
    image: Xclbin,
    marker: PathBuf,
}

impl Trap {
    fn set(folder: &Path) -> Self {
        let (source, library) = (folder.join("trap.c"), folder.join("trap.so"));
        let marker = folder.join("sprung");
        let text = format!(
            "#include <fcntl.h>\n#include <unistd.h>\n\
             __attribute__((constructor)) static void spring(void) {{ close(creat({marker:?}, 0600)); }}\n"
        );
        std::fs::write(&source, text).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&library);
        assert!(compiler.arg(&source).status().unwrap().success());
        Self {
            image: validators(1, Some(std::fs::read(library).unwrap())),
            marker,
        }
    }

    /// Whether it was mapped since this was asked last.
    fn is_sprung(&self) -> bool {
        std::fs::remove_file(&self.marker).is_ok()
    }
}

#[track_caller]
fn refused(card: &Card, image: &Arc<Image>) -> Provenance {
    match card.program(image) {
        Err(Error::Untrusted { provenance, .. }) => provenance,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_of_an_untrusted_model_is_mapped() {
    let bench = Bench::new();
    let trap = Trap::set(bench.folder.path());
    let unsigned = Image::new(trap.image.clone()).unwrap();
    let foreign = signed(&trap.image, &SecretKey::generate().unwrap());
    let card = bench.open(CARD);
    assert_eq!(refused(&card, &unsigned), Provenance::Unsigned);
    assert!(matches!(
        refused(&card, &foreign),
        Provenance::UnknownSigner { .. }
    ));
    assert!(matches!(
        card.program_empty(&unsigned),
        Err(Error::Untrusted { .. })
    ));
    assert!(!trap.is_sprung());

    // The trap works: it is no model, but that shows only after it was mapped.
    let trusted = bench.sign(&trap.image);
    assert!(matches!(card.program(&trusted), Err(Error::Model { .. })));
    assert!(trap.is_sprung());
}

#[test]
fn the_shipped_image_is_trusted_whoever_signed_the_copy_and_needs_no_store() {
    let bench = Bench::new();
    let default = Image::default_image().unwrap();
    let copy = signed(default.xclbin(), &SecretKey::generate().unwrap());
    for image in [&default, &copy] {
        let provenance = image.provenance(&bench.options().trust).unwrap();
        assert_eq!(provenance, Provenance::Shipped);
        bench.open(CARD).program(image).unwrap();
    }
    assert!(!bench.trust_folder().exists());
}

#[test]
fn an_image_built_here_runs_here_and_for_nobody_else() {
    let (here, elsewhere) = (Bench::new(), Bench::new());
    let image = here.sign(&validators(1, None));
    here.open(CARD).program(&image).unwrap();
    let card = elsewhere.open(CARD);
    let Provenance::UnknownSigner { key } = refused(&card, &image) else {
        panic!("signed by the first user");
    };
    let error = card.program(&image).unwrap_err().to_string();
    for part in [
        "sim:0",
        &image.uuid().to_string(),
        &key.fingerprint().to_string(),
        "fpga-ctl verify",
        "fpga-ctl key trust",
        "--allow-untrusted",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    store(&elsewhere).trust("friend", &key, "").unwrap();
    card.program(&image).unwrap();
}

#[test]
fn a_signature_of_another_image_is_refused() {
    let bench = Bench::new();
    let (one, two) = (validators(1, None), validators(2, None));
    let (one, two) = (bench.sign(&one), bench.sign(&two));
    let place = 0x28 + 48..0x28 + 160;
    let mut bytes = two.xclbin().as_bytes().to_vec();
    bytes[place.clone()].copy_from_slice(&one.xclbin().as_bytes()[place]);
    let swapped = Image::new(Xclbin::parse(bytes).unwrap()).unwrap();
    let card = bench.open(CARD);
    assert_eq!(refused(&card, &swapped), Provenance::BrokenSignature);
    card.program(&two).unwrap();
}

#[test]
fn a_change_of_any_byte_is_refused_before_anything_is_mapped() {
    let bench = Bench::new();
    let trap = Trap::set(bench.folder.path());
    let trusted = bench.sign(&trap.image);
    let card = bench.open(CARD);
    let strategy = (any::<prop::sample::Index>(), 1u8..);
    let mut runner = TestRunner::default();
    let flips = runner.run(&strategy, |(place, flip)| {
        let mut bytes = trusted.xclbin().as_bytes().to_vec();
        *place.get_mut(&mut bytes) ^= flip;
        let programmed = Xclbin::parse(bytes)
            .map_err(Error::from)
            .and_then(Image::new)
            .and_then(|image| card.program(&image));
        let refused = matches!(programmed, Err(Error::Image(_) | Error::Untrusted { .. }));
        prop_assert!(refused, "{programmed:?}");
        prop_assert!(!trap.is_sprung());
        Ok(())
    });
    flips.unwrap();
}

#[test]
fn an_image_whose_key_was_removed_is_not_loaded_from_the_state_folder() {
    let bench = Bench::new();
    let image = bench.sign(&validators(1, None));
    let card = bench.open(CARD);
    card.program(&image).unwrap();
    card.close().unwrap();
    let card = bench.open(CARD);
    card.reset().unwrap();
    card.close().unwrap();

    store(&bench).remove(LOCAL_KEY, true).unwrap();
    let card = bench.open(CARD);
    assert_eq!(card.image().unwrap().uuid(), image.uuid());
    for _ in 0..2 {
        assert!(matches!(card.reset(), Err(Error::Untrusted { .. })));
        let read = card.read_memory(0, &mut [0; 4]);
        assert!(matches!(read, Err(Error::Untrusted { .. })), "{read:?}");
        // Nor does the refusal of another image make it usable.
        refused(&card, &image);
    }
    // The card is not lost.
    card.program(&Image::default_image().unwrap()).unwrap();
    card.reset().unwrap();
    card.close().unwrap();
    bench.open(CARD).reset().unwrap();
}

#[test]
fn what_one_opening_allowed_the_next_does_not() {
    let bench = Bench::new();
    let unsigned = Image::new(validators(2, None)).unwrap();
    let card = Card::open_with(CARD, &allowing(&bench)).unwrap();
    card.program(&unsigned).unwrap();
    assert_eq!(times_told_of(&unsigned), 1);
    card.close().unwrap();

    let refusing = bench.open(CARD);
    assert!(matches!(refusing.reset(), Err(Error::Untrusted { .. })));
    refusing.abandon().unwrap();
    let card = Card::open_with(CARD, &allowing(&bench)).unwrap();
    card.reset().unwrap();
    assert_eq!(times_told_of(&unsigned), 2);
}

#[test]
fn a_trusted_image_is_not_told_of_where_others_are_allowed() {
    let bench = Bench::new();
    let image = bench.sign(&validators(3, None));
    let card = Card::open_with(CARD, &allowing(&bench)).unwrap();
    card.program(&image).unwrap();
    assert_eq!(times_told_of(&image), 0);
}

#[test]
fn a_trust_store_that_others_can_change_trusts_nothing_and_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let image = bench.sign(&validators(1, None));
    let folder = store(&bench).folder().to_owned();
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(&folder, open).unwrap();
    let card = bench.open(CARD);
    let error = card.program(&image).unwrap_err();
    assert!(matches!(error, Error::Trust(_)), "{error}");
    assert!(error.to_string().contains("chmod go-w"), "{error}");
    card.program(&Image::default_image().unwrap()).unwrap();
}

#[test]
fn the_software_device_runs_no_code_of_an_image_and_takes_any() {
    let bench = Bench::new();
    let unsigned = Image::new(validators(1, None)).unwrap();
    bench.open(CardId::Software(0)).program(&unsigned).unwrap();
}
