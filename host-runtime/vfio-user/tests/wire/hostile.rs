//! Clients that break the protocol by mistake or on purpose: each is answered by an error or dropped, and the others are
//! served on.

use std::io::Write;
use std::time::Duration;

use crate::bench::{BAR0_BYTES, Bench};
use crate::raw::{ERROR, NO_REPLY, Raw, VERSION, access, dma_map, message, sized};
use proptest::prelude::*;
use vfio_user::BAR0_REGION;

/// The device serves somebody else on.
fn assert_serving(bench: &Bench) {
    let client = bench.client();
    client.write(BAR0_REGION, 0, &[5; 4]).unwrap();
    let mut back = [0; 4];
    client.read(BAR0_REGION, 0, &mut back).unwrap();
    assert_eq!(back, [5; 4]);
}

#[test]
fn what_cannot_be_a_message_ends_the_connection() {
    let bench = Bench::new();
    for bytes in [
        sized(0, 4, 0, 0, &[]),
        sized(0, 4, 0, 15, &[]),
        sized(0, 4, 0, u32::MAX, &[]),
        message(0, 4, 2, &[]),
    ] {
        let mut raw = Raw::greeted(&bench.path());
        raw.send(&bytes);
        assert_eq!(raw.reply(), None, "{bytes:?}");
    }
    assert_serving(&bench);
}

#[test]
fn half_a_message_is_waited_for_within_a_bound() {
    let bench = Bench::new();
    let whole = message(0, 9, 0, &access(0, 0, 4));
    for len in [1, 15, 16, 17, whole.len() - 1] {
        let mut raw = Raw::greeted(&bench.path());
        raw.send(&whole[..len]);
        assert_eq!(raw.reply(), None, "{len} bytes");
    }
    assert_serving(&bench);
}

#[test]
fn a_connection_begins_with_the_version() {
    let bench = Bench::new();
    let mut raw = Raw::connect(&bench.path());
    raw.send(&message(0, 4, 0, &[0; 16]));
    assert_eq!(raw.reply(), None);
    let mut raw = Raw::connect(&bench.path());
    raw.send(&message(3, 1, 0, &[7, 0, 0, 0]));
    let (id, flags, _) = raw.reply().unwrap();
    assert_eq!((id, flags & ERROR), (3, ERROR));
    assert_eq!(raw.reply(), None);
    assert_serving(&bench);
}

#[test]
fn a_version_that_makes_no_sense_is_refused() {
    let bench = Bench::new();
    let deep = "[".repeat(200_000);
    let long = format!("{{\"capabilities\":{{\"x\":\"{}\"}}}}", "y".repeat(2 << 20));
    for data in [
        "{",
        "{\"capabilities\":7}",
        "{\"capabilities\":{\"max_msg_fds\":-1}}",
        "{\"capabilities\":{\"max_data_xfer_size\":0}}",
        "{\"capabilities\":{\"max_data_xfer_size\":1e99}}",
        "{\"capabilities\":{\"max_dma_maps\":99999999999999999999}}",
        deep.as_str(),
    ] {
        let mut raw = Raw::connect(&bench.path());
        let version = [&VERSION[..4], data.as_bytes(), &[0]].concat();
        raw.send(&message(5, 1, 0, &version));
        let (id, flags, _) = raw.reply().expect("it is told");
        assert_eq!((id, flags & ERROR), (5, ERROR));
        assert_eq!(raw.reply(), None);
    }
    // Longer than a message can be; and what is no text.
    let mut raw = Raw::connect(&bench.path());
    raw.send(&message(
        5,
        1,
        0,
        &[&VERSION[..4], long.as_bytes(), &[0]].concat(),
    ));
    assert_eq!(raw.reply(), None);
    let mut raw = Raw::connect(&bench.path());
    raw.send(&message(
        5,
        1,
        0,
        &[&VERSION[..4], &[0xFF, 0xFE, 0]].concat(),
    ));
    assert_eq!(raw.reply().unwrap().1 & ERROR, ERROR);
    // Of a newer minor version, with what nobody knows.
    let mut raw = Raw::connect(&bench.path());
    let newer = b"\0\0\xFF\xFF{\"capabilities\":{\"twin\":{\"x\":[1]}},\"more\":null}\0";
    raw.send(&message(5, 1, 0, newer));
    let (_, flags, payload) = raw.reply().unwrap();
    assert_eq!((flags & ERROR, &payload[..4]), (0, &VERSION[..4]));
    assert_serving(&bench);
}

/// A byte at a time is as much as a client may say it takes.
#[test]
fn a_client_that_takes_a_byte_at_a_time_gets_its_memory_asked_for_byte_by_byte() {
    let bench = Bench::new();
    let mut raw = Raw::connect(&bench.path());
    let small = b"{\"capabilities\":{\"max_data_xfer_size\":1,\"max_msg_fds\":0}}\0";
    raw.send(&message(0, 1, 0, &[&VERSION[..4], small].concat()));
    assert_eq!(raw.reply().unwrap().1 & ERROR, 0);
    raw.send(&message(1, 2, 0, &dma_map(0x1000, 0x1000, 0)));
    assert_eq!(raw.reply().unwrap().1 & ERROR, 0);
    let link = bench.device.links.lock().last().unwrap().clone();
    let reading = std::thread::spawn(move || {
        let mut bytes = [0; 3];
        link.read(0x1000, &mut bytes).map(|()| bytes)
    });
    for byte in 1..=3 {
        let (id, _, payload) = raw.reply().unwrap();
        assert_eq!(payload[8..16], 1u64.to_ne_bytes());
        raw.send(&message(id, 11, 1, &[&payload[..], &[byte]].concat()));
    }
    assert_eq!(reading.join().unwrap(), Ok([1, 2, 3]));
}

#[test]
fn bad_requests_are_answered_by_an_error_and_the_connection_lives() {
    let bench = Bench::new();
    let mut raw = Raw::greeted(&bench.path());
    let mut wild_map = vec![0; 8];
    wild_map.extend(
        [0u64, u64::MAX, 2]
            .iter()
            .flat_map(|word| word.to_ne_bytes()),
    );
    let mut many_writes = u64::MAX.to_ne_bytes().to_vec();
    many_writes.extend([0; 24]);
    let mut long_write = 1u64.to_ne_bytes().to_vec();
    long_write.extend(access(0, 0, 9));
    long_write.extend([0; 8]);
    let mut irqs_past_the_end = Vec::new();
    irqs_past_the_end.extend(
        [20u32, 1 | 1 << 5, 2, u32::MAX, 2]
            .iter()
            .flat_map(|word| word.to_ne_bytes()),
    );
    let requests: Vec<(u16, Vec<u8>)> = vec![
        (0, vec![]),
        (6, vec![0; 16]),
        (999, vec![]),
        (1, VERSION.to_vec()),
        (2, vec![]),
        (2, vec![0; 31]),
        (2, vec![0; 33]),
        (2, wild_map),
        (3, vec![0; 24]),
        (4, vec![]),
        (4, vec![0; 16]),
        (5, vec![0; 32]),
        (7, vec![0; 16]),
        (8, vec![0; 20]),
        (8, irqs_past_the_end),
        (9, access(0, 0, u32::MAX)),
        (9, access(0, 8, 1)),
        (9, access(BAR0_BYTES, 0, 1)),
        (10, access(0, 0, 4)),
        (10, [access(0, 0, 4), vec![0; 5]].concat()),
        (11, vec![0; 16]),
        (15, many_writes),
        (15, long_write),
    ];
    for (id, (command, payload)) in requests.iter().enumerate() {
        raw.send(&message(id as u16, *command, 0, payload));
        let (answered, flags, data) = raw
            .reply()
            .unwrap_or_else(|| panic!("dropped at {command}: {payload:?}"));
        assert_eq!(
            (answered, flags & ERROR),
            (id as u16, ERROR),
            "{command}: {payload:?}"
        );
        assert!(data.is_empty(), "an error has no payload");
    }
    raw.send(&message(7, 9, 0, &access(0, 0, 4)));
    assert_eq!(raw.reply().unwrap().2.len(), 20);
}

/// As QEMU asks: first without room, then with as much as it was told.
#[test]
fn a_region_is_told_of_in_as_much_room_as_the_client_has() {
    const MMAP: u32 = 1 << 2;
    const CAPS: u32 = 1 << 3;
    let bench = Bench::new();
    let mut raw = Raw::greeted(&bench.path());
    let mut ask = |argsz: u32| {
        let mut request = vec![0; 32];
        request[..4].copy_from_slice(&argsz.to_ne_bytes());
        raw.send(&message(1, 5, 0, &request));
        let (_, flags, payload) = raw.reply().unwrap();
        assert_eq!(flags & ERROR, 0);
        let word = |at: usize| u32::from_ne_bytes(payload[at..at + 4].try_into().unwrap());
        (word(0), word(4), word(12), payload.len() as u32)
    };
    let (whole, flags, capabilities, len) = ask(32);
    assert!(whole > 32 && len == 32, "{whole} and {len}");
    assert_eq!(flags & (MMAP | CAPS), 0, "flags tell of what is not there");
    assert_eq!(capabilities, 0);
    let (again, flags, capabilities, len) = ask(whole);
    assert_eq!((again, len), (whole, whole));
    assert_eq!(flags & (MMAP | CAPS), MMAP | CAPS);
    assert_eq!(capabilities, 32);
}

#[test]
fn requests_without_a_reply_are_done_and_not_answered() {
    let bench = Bench::new();
    let mut raw = Raw::greeted(&bench.path());
    raw.send(&message(
        1,
        10,
        NO_REPLY,
        &[access(4, 0, 2), vec![8, 9]].concat(),
    ));
    raw.send(&message(
        2,
        10,
        NO_REPLY,
        &[access(4, 77, 2), vec![8, 9]].concat(),
    ));
    raw.send(&message(3, 9, 0, &access(4, 0, 2)));
    let (id, _, payload) = raw.reply().unwrap();
    assert_eq!((id, &payload[16..]), (3, &[8, 9][..]));
}

#[test]
fn a_client_that_takes_no_replies_is_dropped() {
    let bench = Bench::new();
    let mut raw = Raw::greeted(&bench.path());
    raw.0
        .set_write_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let request = message(1, 9, 0, &access(0, 0, BAR0_BYTES as u32));
    // Replies fill the socket's buffer, then the server gives up; only then does writing fail.
    let dropped = (0..100_000).any(|_| raw.0.write_all(&request).is_err());
    assert!(dropped);
    assert_serving(&bench);
}

#[test]
fn replies_that_nobody_waits_for_are_ignored() {
    let bench = Bench::new();
    let mut raw = Raw::greeted(&bench.path());
    raw.send(&message(77, 11, 1, &[0; 24]));
    raw.send(&message(78, 11, 1 | ERROR, &[]));
    raw.send(&message(1, 9, 0, &access(0, 0, 4)));
    assert_eq!(raw.reply().unwrap().0, 1);
}

#[test]
fn a_client_that_does_not_serve_its_memory_is_a_fault_in_the_device() {
    let bench = Bench::new();
    let mut raw = Raw::greeted(&bench.path());
    raw.send(&message(1, 2, 0, &dma_map(0x1000, 0x1000, 0)));
    assert_eq!(raw.reply().unwrap().1 & ERROR, 0);
    let link = bench.device.links.lock().last().unwrap().clone();
    let reading = std::thread::spawn(move || link.read(0x1000, &mut [0; 8]).is_ok());
    let (id, flags, _) = raw.reply().unwrap();
    assert_eq!(flags, 0, "a request of the device");
    // Too few bytes.
    raw.send(&message(id, 11, 1, &[0; 20]));
    assert!(!reading.join().unwrap());
    assert_serving(&bench);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_messages_never_stop_the_server(
        messages in prop::collection::vec(
            (0u16..20, any::<u8>(), prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..64)),
            1..20,
        ),
    ) {
        thread_local! {
            static BENCH: Bench = Bench::new();
        }
        BENCH.with(|bench| {
            let mut raw = Raw::greeted(&bench.path());
            for (command, flags, payload) in &messages {
                raw.send(&message(1, *command, u32::from(flags & 0x31), payload));
            }
            drop(raw);
            assert_serving(bench);
        });
    }
}
