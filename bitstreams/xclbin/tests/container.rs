//! The container as a whole: what goes in comes out, damage anywhere is an error, and no input,
//! however broken, panics or allocates what a header merely claims.

use proptest::prelude::*;
use xclbin::{Container, DigestStatus, Error, Header, Mode, SectionKind, Version, Xclbin};

/// Offsets in the file, from XRT's `xclbin.h`.
const SIGNATURE_LENGTH: usize = 8;
const KEY_BLOCK: std::ops::Range<usize> = 0x28..0x128;
const LENGTH: usize = 0x130;
const NUM_SECTIONS: usize = 0x130 + 144;
const TABLE: usize = 0x1C8;
const SECTION_OFFSET: usize = 24;
const SECTION_SIZE: usize = 32;

fn header(platform: &str) -> Header {
    Header {
        uuid: uuid::Uuid::nil(),
        interface_uuid: uuid::Uuid::from_u128(7),
        platform_vbnv: platform.to_owned(),
        timestamp: 0,
        feature_rom_timestamp: 0,
        unique_id: 0,
        version: Version {
            major: 2,
            minor: 13,
            patch: 479,
        },
        mode: Mode::Pr,
        action_mask: 2,
        debug_bin: "debug".to_owned(),
    }
}

fn container(sections: &[(u32, String, Vec<u8>)]) -> Container {
    let mut container = Container::new(header("vendor_board_1"));
    for (kind, name, data) in sections {
        container
            .push(SectionKind::from(*kind), name, data.clone())
            .unwrap();
    }
    container
}

/// A small sealed image with a known, an unknown and an empty section.
fn sealed() -> Vec<u8> {
    container(&[
        (0, String::new(), b"\x7FELF model".to_vec()),
        (4711, "mine".to_owned(), (0..100).collect()),
        (16, "empty".to_owned(), Vec::new()),
    ])
    .to_bytes()
    .unwrap()
}

/// An image as other tools write it: no digest in its key block.
fn foreign() -> Vec<u8> {
    let mut bytes = sealed();
    bytes[KEY_BLOCK].fill(0xFF);
    bytes
}

fn put<const N: usize>(bytes: &mut [u8], offset: usize, value: [u8; N]) {
    bytes[offset..offset + N].copy_from_slice(&value);
}

fn error(bytes: Vec<u8>) -> Error {
    Xclbin::parse(bytes).unwrap_err()
}

fn any_sections() -> impl Strategy<Value = Vec<(u32, String, Vec<u8>)>> {
    let kind = prop_oneof![0u32..40, any::<u32>()];
    let data = prop::collection::vec(any::<u8>(), 0..200);
    prop::collection::vec((kind, "[a-z0-9_]{0,16}", data), 0..12)
}

proptest! {
    #[test]
    fn any_sections_survive_in_order(sections in any_sections()) {
        let bytes = container(&sections).to_bytes().unwrap();
        let image = Xclbin::parse(bytes.clone()).unwrap();
        prop_assert_eq!(image.as_bytes(), &bytes);
        prop_assert_eq!(image.digest(), DigestStatus::Valid);
        let read: Vec<_> = image
            .sections()
            .map(|s| (u32::from(s.kind), s.name.to_owned(), s.data.to_vec()))
            .collect();
        prop_assert_eq!(read, sections);
        prop_assert!(image.sections().all(|s| s.offset % 8 == 0));
        // Rewriting what was read changes nothing, not even an unknown section.
        prop_assert_eq!(image.to_container().to_bytes().unwrap(), bytes);
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..2000),
        claims_to_be_one: bool,
    ) {
        if claims_to_be_one && bytes.len() >= LENGTH + 8 {
            let length = bytes.len() as u64;
            put(&mut bytes, 0, *b"xclbin2\0");
            put(&mut bytes, LENGTH, length.to_le_bytes());
        }
        if let Ok(image) = Xclbin::parse_unverified(bytes) {
            let _ = image.summary().to_string();
        }
    }

    #[test]
    fn any_content_of_a_typed_section_is_described_or_named_as_a_problem(
        kind in prop::sample::select(vec![2u32, 6, 7, 8, 11, 14]),
        mut data in prop::collection::vec(any::<u8>(), 0..400),
        count in prop_oneof![0..4i32, any::<i32>()],
    ) {
        for (place, byte) in data.iter_mut().zip(count.to_le_bytes()) {
            *place = byte;
        }
        let image = Xclbin::parse(container(&[(kind, String::new(), data)]).to_bytes().unwrap()).unwrap();
        let _ = image.summary().to_string();
    }

    #[test]
    fn a_table_with_any_offsets_and_sizes_is_read_or_refused(
        offset in prop_oneof![0..700u64, any::<u64>()],
        size in prop_oneof![0..700u64, any::<u64>()],
        count in prop_oneof![0..5u32, any::<u32>()],
    ) {
        let mut bytes = foreign();
        put(&mut bytes, TABLE + SECTION_OFFSET, offset.to_le_bytes());
        put(&mut bytes, TABLE + SECTION_SIZE, size.to_le_bytes());
        put(&mut bytes, NUM_SECTIONS, count.to_le_bytes());
        if let Ok(image) = Xclbin::parse(bytes) {
            let _ = image.summary().to_string();
        }
    }
}

#[test]
fn a_flip_of_any_bit_of_a_sealed_image_is_an_error() {
    let bytes = sealed();
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[index] ^= 1 << bit;
            assert!(
                Xclbin::parse(damaged).is_err(),
                "bit {bit} of byte {index:#x}"
            );
        }
    }
}

#[test]
fn a_cut_anywhere_or_a_byte_appended_is_an_error() {
    let bytes = sealed();
    for length in 0..bytes.len() {
        assert!(
            Xclbin::parse(bytes[..length].to_vec()).is_err(),
            "cut to {length}"
        );
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(error(longer), Error::LengthMismatch { .. }));
    // A cut whose length was mended is seen by the digest.
    let mut mended = bytes[..bytes.len() - 8].to_vec();
    let length = mended.len() as u64;
    put(&mut mended, LENGTH, length.to_le_bytes());
    assert!(matches!(error(mended), Error::Corrupt { .. }));
}

#[test]
fn a_corrupt_image_can_still_be_described() {
    let mut bytes = sealed();
    *bytes.last_mut().unwrap() ^= 1;
    let message = error(bytes.clone()).to_string();
    assert!(
        message.contains("corrupt") && message.contains("re-export or rebuild"),
        "{message}"
    );
    let image = Xclbin::parse_unverified(bytes).unwrap();
    assert!(matches!(image.digest(), DigestStatus::Mismatch { .. }));
    assert!(image.summary().to_string().contains("mismatch: should be "));
    assert!(matches!(
        image.verify_programmable(),
        Err(Error::Corrupt { .. })
    ));
}

#[test]
fn a_model_without_a_digest_is_not_programmable_and_fpga_bits_are() {
    let image = Xclbin::parse(foreign()).unwrap();
    assert_eq!(image.digest(), DigestStatus::Absent);
    assert!(matches!(
        image.verify_programmable(),
        Err(Error::DigestMissing)
    ));

    let mut bytes = container(&[(0, String::new(), b"bits".to_vec())])
        .to_bytes()
        .unwrap();
    bytes[KEY_BLOCK].fill(0xFF);
    let image = Xclbin::parse(bytes).unwrap();
    assert_eq!(
        image.verify_programmable().unwrap(),
        xclbin::Bitstream::Fpga(b"bits")
    );

    let pdi = (18, String::new(), b"pdi".to_vec());
    let empty = (0, "dummy".to_owned(), Vec::new());
    let image = Xclbin::parse(container(&[empty.clone(), pdi]).to_bytes().unwrap()).unwrap();
    assert_eq!(image.bitstream(), Some(xclbin::Bitstream::Fpga(b"pdi")));
    let image = Xclbin::parse(container(&[empty]).to_bytes().unwrap()).unwrap();
    assert!(matches!(
        image.verify_programmable(),
        Err(Error::MissingSection { .. })
    ));
}

#[test]
fn a_model_whose_metadata_do_not_agree_is_not_programmable() {
    let model = (0, String::new(), b"\x7FELF".to_vec());
    let image = Xclbin::parse(container(std::slice::from_ref(&model)).to_bytes().unwrap()).unwrap();
    let message = image.verify_programmable().unwrap_err().to_string();
    assert!(message.contains("no MEM_TOPOLOGY section"), "{message}");

    let row = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let xml = "<project><platform><device><core/></device></platform></project>";
    let mut sections = vec![
        model,
        (6, String::new(), vec![0; 8]),
        (7, String::new(), row.to_vec()),
        (8, String::new(), vec![0; 8]),
        (2, String::new(), xml.into()),
    ];
    let verify = |sections: &[_]| {
        let image = Xclbin::parse(container(sections).to_bytes().unwrap()).unwrap();
        image
            .verify_programmable()
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let message = verify(&sections).unwrap_err();
    assert!(
        message.contains("m_connection[0].m_ip_layout_index") && message.contains("is 0"),
        "{message}"
    );

    sections[2].2 = vec![0; 4];
    assert_eq!(verify(&sections), Ok(()));
    let mut layout = vec![0; 88];
    layout[0] = 1;
    layout[8] = 1;
    layout[24..30].copy_from_slice(b"k:k_1\0");
    sections[3].2 = layout;
    let message = verify(&sections).unwrap_err();
    assert!(
        message.contains("m_ip_data[0].m_name") && message.contains("k:k_1"),
        "{message}"
    );
}

#[test]
fn a_broken_header_says_which_field_and_where() {
    for (offset, value, expected) in [
        (0, 0x30, "starts with \"0clbin2\\x00\""),
        (NUM_SECTIONS + 2, 2, "m_numSections at 0x1c0"),
        (NUM_SECTIONS, 200, "m_numSections at 0x1c0 is 200"),
        (TABLE + SECTION_OFFSET + 1, 0, "section 0 (BITSTREAM"),
        (TABLE + SECTION_SIZE + 7, 0x80, "section 0 (BITSTREAM"),
        (
            TABLE + 40 + SECTION_SIZE + 1,
            1,
            "section 1 (UNKNOWN(4711) \"mine\")",
        ),
        (
            TABLE + SECTION_SIZE,
            17,
            "sections 0 (BITSTREAM) and 1 (UNKNOWN(4711)) overlap",
        ),
        (SIGNATURE_LENGTH, 0xFE, "m_signature_length at 0x8 is -2"),
        (SIGNATURE_LENGTH + 3, 0x7F, "m_signature_length"),
    ] {
        let mut bytes = foreign();
        bytes[offset] = value;
        let message = error(bytes).to_string();
        assert!(message.contains(expected), "{expected}: {message}");
    }
    let message = error(foreign()[..0x100].to_vec()).to_string();
    assert!(
        message.contains("truncated") && message.contains("0x100"),
        "{message}"
    );
    assert!(matches!(error(Vec::new()), Error::NotAnXclbin { .. }));
}

#[test]
fn a_vendor_signature_at_the_end_is_part_of_the_file_and_reported() {
    let mut bytes = foreign();
    bytes.extend([0xAB; 64]);
    let length = bytes.len() as u64;
    put(&mut bytes, LENGTH, length.to_le_bytes());
    put(&mut bytes, SIGNATURE_LENGTH, 64i32.to_le_bytes());
    let image = Xclbin::parse(bytes.clone()).unwrap();
    assert_eq!(image.signature_length(), Some(64));
    assert_eq!(image.as_bytes(), bytes);
    put(&mut bytes, SIGNATURE_LENGTH, 100i32.to_le_bytes());
    assert!(matches!(
        error(bytes),
        Error::SignatureLength { length: 100, .. }
    ));
}

#[test]
fn an_older_signature_after_the_declared_length_is_kept_and_reported() {
    let mut bytes = foreign();
    let declared = bytes.len();
    bytes.extend(0x5349474E_9DFF41C0_8CCB82A7_131CC9F3_u128.to_be_bytes());
    bytes.extend([1; 40]);
    let image = Xclbin::parse(bytes.clone()).unwrap();
    assert_eq!(image.signature_length(), Some(56));
    assert_eq!(image.as_bytes(), bytes);
    // No section reaches into it, and no other bytes may stand there.
    let last = TABLE + 40 + SECTION_SIZE;
    let size = bytes[last];
    bytes[last] = size + 30;
    assert!(matches!(
        error(bytes.clone()),
        Error::SectionOutOfBounds { index: 1, .. }
    ));
    bytes[last] = size;
    bytes[declared] ^= 1;
    assert!(matches!(error(bytes), Error::LengthMismatch { .. }));
    // A sealed image covers what is appended, too.
    let mut sealed = sealed();
    sealed.extend(0x5349474E_9DFF41C0_8CCB82A7_131CC9F3_u128.to_be_bytes());
    assert!(matches!(error(sealed), Error::Corrupt { .. }));
}

#[test]
fn a_declared_length_inside_the_header_is_an_error() {
    let mut bytes = foreign();
    put(&mut bytes, LENGTH, 8u64.to_le_bytes());
    put(
        &mut bytes,
        8,
        0x5349474E_9DFF41C0_8CCB82A7_131CC9F3_u128.to_be_bytes(),
    );
    assert!(matches!(
        error(bytes),
        Error::LengthMismatch { declared: 8, .. }
    ));
}

#[test]
fn more_sections_than_xrt_allows_are_neither_written_nor_read() {
    let mut container = Container::new(header("many"));
    for _ in 0..0x10001 {
        container
            .push(SectionKind::UserMetadata, "", Vec::new())
            .unwrap();
    }
    let message = container.to_bytes().unwrap_err().to_string();
    assert!(
        message.contains("65537 sections, the limit is 65536"),
        "{message}"
    );

    let mut bytes = foreign();
    bytes.resize(TABLE + 0x10001 * 40, 0);
    let length = bytes.len() as u64;
    put(&mut bytes, LENGTH, length.to_le_bytes());
    put(&mut bytes, NUM_SECTIONS, 0x10001u32.to_le_bytes());
    assert!(matches!(
        error(bytes),
        Error::TooManySections { count: 0x10001, .. }
    ));
}

#[test]
fn an_absent_section_may_have_any_offset() {
    let mut bytes = foreign();
    put(&mut bytes, TABLE + 80 + SECTION_OFFSET, [0; 8]);
    let image = Xclbin::parse(bytes).unwrap();
    assert!(
        image
            .section(SectionKind::UserMetadata)
            .unwrap()
            .data
            .is_empty()
    );
}

#[test]
fn a_file_is_read_with_its_name_in_every_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.xclbin");
    let missing = Xclbin::read(&path).unwrap_err().to_string();
    assert!(
        missing.starts_with("cannot read ") && missing.contains("card.xclbin"),
        "{missing}"
    );

    let image = Xclbin::parse(sealed()).unwrap();
    image.write_atomically(&path).unwrap();
    assert_eq!(Xclbin::read(&path).unwrap().as_bytes(), image.as_bytes());

    let mut damaged = sealed();
    damaged[0x200] ^= 0x10;
    std::fs::write(&path, damaged).unwrap();
    let corrupt = Xclbin::read(&path).unwrap_err().to_string();
    assert!(
        corrupt.contains("card.xclbin") && corrupt.contains("corrupt"),
        "{corrupt}"
    );
    assert!(Xclbin::read_unverified(&path).is_ok());
}

#[test]
fn the_header_survives() {
    let image = Xclbin::parse(sealed()).unwrap();
    let read = image.header();
    assert!(!read.uuid.is_nil());
    let expected = Header {
        uuid: read.uuid,
        unique_id: read.unique_id,
        ..header("vendor_board_1")
    };
    assert_eq!(read, &expected);
    let mut container = image.to_container();
    container.header.platform_vbnv = "x".repeat(64);
    assert!(
        container
            .to_bytes()
            .unwrap_err()
            .to_string()
            .contains("platform VBNV")
    );
}
