//! Signatures: they vouch for every byte, for one image only, and change nothing else.

use proptest::prelude::*;
use xclbin::{
    Container, DigestStatus, Error, Header, Mode, SecretKey, SectionKind, SignatureStatus, Version,
    Xclbin,
};

/// Place of the signature in the file: marker, key and signature.
const SIGNATURE: std::ops::Range<usize> = 0x28 + 48..0x28 + 160;
const KEY_BLOCK: std::ops::Range<usize> = 0x28..0x128;

fn image(model: &[u8]) -> Xclbin {
    let mut container = Container::new(Header {
        uuid: uuid::Uuid::nil(),
        interface_uuid: uuid::Uuid::nil(),
        platform_vbnv: "vendor_board_1".to_owned(),
        timestamp: 0,
        feature_rom_timestamp: 0,
        unique_id: 0,
        version: Version {
            major: 2,
            minor: 13,
            patch: 0,
        },
        mode: Mode::HwEmu,
        action_mask: 0,
        debug_bin: String::new(),
    });
    let kind = SectionKind::Bitstream;
    container.push(kind, "", model.to_vec()).unwrap();
    Xclbin::parse(container.to_bytes().unwrap()).unwrap()
}

fn key() -> SecretKey {
    SecretKey::generate().unwrap()
}

/// Reads changed bytes as a program would.
fn parse(bytes: Vec<u8>) -> xclbin::Result<Xclbin> {
    Xclbin::parse(bytes)
}

/// Whether anybody would take the file for signed by a key.
fn passes(bytes: Vec<u8>) -> bool {
    parse(bytes).is_ok_and(|image| matches!(image.signature(), SignatureStatus::Valid(_)))
}

#[test]
fn a_signature_tells_who_signed_and_changes_nothing_else() {
    let (image, key) = (image(b"\x7FELF model"), key());
    assert_eq!(image.signature(), SignatureStatus::Absent);
    let signed = image.signed(&key).unwrap();
    assert_eq!(signed.signature(), SignatureStatus::Valid(key.public()));
    assert_eq!(signed.digest(), DigestStatus::Valid);
    assert_eq!(signed.uuid(), image.uuid());
    assert!(signed.has_content_of(&image));
    let differ = |index: &usize| signed.as_bytes()[*index] != image.as_bytes()[*index];
    let changed: Vec<usize> = (0..image.as_bytes().len()).filter(differ).collect();
    assert!(changed.iter().all(|index| SIGNATURE.contains(index)));
}

#[test]
fn signing_again_replaces_the_signature() {
    let (image, first, second) = (image(b"\x7FELF model"), key(), key());
    let once = image.signed(&second).unwrap();
    let twice = image.signed(&first).unwrap().signed(&second).unwrap();
    assert_eq!(once.as_bytes(), twice.as_bytes());
}

#[test]
fn a_signature_of_another_image_or_key_does_not_pass() {
    let (key, other) = (key(), key());
    let one = image(b"\x7FELF one").signed(&key).unwrap();
    let two = image(b"\x7FELF two").signed(&key).unwrap();
    let mut swapped = two.as_bytes().to_vec();
    swapped[SIGNATURE].copy_from_slice(&one.as_bytes()[SIGNATURE]);
    let swapped = parse(swapped).unwrap();
    assert_eq!(swapped.signature(), SignatureStatus::Invalid(key.public()));

    // The other's name beside my signature.
    let theirs = image(b"\x7FELF one").signed(&other).unwrap();
    let mut bytes = one.as_bytes().to_vec();
    let name = SIGNATURE.start + 16..SIGNATURE.start + 48;
    bytes[name.clone()].copy_from_slice(&theirs.as_bytes()[name]);
    let renamed = parse(bytes).unwrap();
    let expected = SignatureStatus::Invalid(other.public());
    assert_eq!(renamed.signature(), expected);
}

#[test]
fn content_that_was_changed_and_sealed_again_does_not_pass() {
    let signed = image(b"\x7FELF model").signed(&key()).unwrap();
    let changed = image(b"\x7FELF m0del");
    let mut forged = changed.as_bytes().to_vec();
    forged[SIGNATURE].copy_from_slice(&signed.as_bytes()[SIGNATURE]);
    assert!(!passes(forged));
    // Laying out the sections anew drops the signature.
    let again = parse(signed.to_container().to_bytes().unwrap()).unwrap();
    assert_eq!(again.signature(), SignatureStatus::Absent);
}

#[test]
fn a_key_that_would_pass_for_many_messages_is_no_key() {
    // The neutral element as key, and a signature that satisfies the equation for it whatever was signed.
    let signed = image(b"\x7FELF model").signed(&key()).unwrap();
    let mut forged = signed.as_bytes().to_vec();
    let area = &mut forged[SIGNATURE];
    area[16..].fill(0);
    area[16] = 1;
    area[48] = 1;
    assert!(matches!(parse(forged), Err(Error::SignatureDamaged { .. })));
}

#[test]
fn a_damaged_signature_is_named_shown_and_can_be_replaced() {
    let (image, key) = (image(b"\x7FELF model"), key());
    let mut bytes = image.signed(&key).unwrap().as_bytes().to_vec();
    bytes[SIGNATURE.start] ^= 1;
    let error = parse(bytes.clone()).unwrap_err().to_string();
    assert!(
        error.contains("corrupt") && error.contains("0x58"),
        "{error}"
    );
    let damaged = Xclbin::parse_unverified(bytes).unwrap();
    assert_eq!(damaged.signature(), SignatureStatus::Damaged);
    assert!(damaged.verify_programmable().is_err());
    assert_eq!(damaged.summary().signature, "damaged");
    let mended = damaged.signed(&key).unwrap();
    assert_eq!(mended.signature(), SignatureStatus::Valid(key.public()));
}

#[test]
fn images_of_other_tools_are_sealed_to_be_signed_unless_a_vendor_signed_them() {
    let mut bytes = image(b"bits").as_bytes().to_vec();
    for blank in [0, 0xFF] {
        bytes[KEY_BLOCK].fill(blank);
        let foreign = parse(bytes.clone()).unwrap();
        assert_eq!(foreign.digest(), DigestStatus::Absent);
        assert_eq!(foreign.signature(), SignatureStatus::Absent);
        let signed = foreign.signed(&key()).unwrap();
        assert_eq!(signed.digest(), DigestStatus::Valid);
        assert!(matches!(signed.signature(), SignatureStatus::Valid(_)));
    }
    bytes[KEY_BLOCK][7] = 1;
    let vendors = parse(bytes).unwrap();
    let error = vendors.signed(&key()).unwrap_err().to_string();
    assert!(error.contains("signed by its vendor"), "{error}");
}

#[test]
fn what_is_corrupt_is_not_signed() {
    let mut bytes = image(b"\x7FELF model").as_bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let corrupt = Xclbin::parse_unverified(bytes).unwrap();
    assert!(matches!(corrupt.signed(&key()), Err(Error::Corrupt { .. })));
}

#[test]
fn no_flip_of_any_bit_of_the_key_block_passes() {
    let signed = image(b"\x7FELF model").signed(&key()).unwrap();
    assert!(passes(signed.as_bytes().to_vec()));
    for index in KEY_BLOCK {
        for bit in 0..8 {
            let mut bytes = signed.as_bytes().to_vec();
            bytes[index] ^= 1 << bit;
            assert!(!passes(bytes), "bit {bit} of byte {index:#x}");
        }
    }
}

proptest! {
    #[test]
    fn no_change_of_any_byte_passes(
        model in prop::collection::vec(any::<u8>(), 1..300),
        place in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let signed = image(&model).signed(&key()).unwrap();
        let mut bytes = signed.as_bytes().to_vec();
        prop_assert!(passes(bytes.clone()));
        *place.get_mut(&mut bytes) ^= flip;
        prop_assert!(!passes(bytes));
    }
}
