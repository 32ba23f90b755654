//! Banks whose memory is not the card's own.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{ERRORS, UPPER, copy, engine, pattern};
use cosim::engine::{ErrorResponse, PcieLink, RemoteMemory};
use cosim::{Engine, EngineConfig};

/// Memory from the upper bank's base on, of which no byte past its end is there.
struct Host(Mutex<Vec<u8>>);

impl Host {
    fn range(address: u64, len: usize) -> std::ops::Range<usize> {
        let start = (address - UPPER) as usize;
        start..start + len
    }
}

impl RemoteMemory for Host {
    fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), ErrorResponse> {
        let memory = self.0.lock().unwrap();
        let there = memory.get(Self::range(address, bytes.len()));
        bytes.copy_from_slice(there.ok_or(ErrorResponse::Slverr)?);
        Ok(())
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), ErrorResponse> {
        let mut memory = self.0.lock().unwrap();
        let there = memory.get_mut(Self::range(address, bytes.len()));
        there.ok_or(ErrorResponse::Slverr)?.copy_from_slice(bytes);
        Ok(())
    }
}

const BEATS: u64 = 100;
const BYTES: usize = 64 * BEATS as usize;

fn with_host(config: EngineConfig) -> (Engine, Arc<Host>) {
    let mut engine = engine(config);
    let host = Arc::new(Host(Mutex::new(vec![0; 2 * BYTES])));
    engine.set_remote(1, Arc::clone(&host) as _);
    (engine, host)
}

#[test]
fn a_kernel_reads_and_writes_the_other_memory_and_nothing_behind_it() {
    let (mut engine, host) = with_host(EngineConfig::default());
    let data = pattern(BYTES, 1);
    host.0.lock().unwrap()[..BYTES].copy_from_slice(&data);
    copy(&mut engine, UPPER, UPPER + BYTES as u64, BEATS).unwrap();
    assert!(host.0.lock().unwrap()[BYTES..] == data);
    let mut own = [1; 64];
    engine
        .memory()
        .read(UPPER + BYTES as u64, &mut own)
        .unwrap();
    assert_eq!(own, [0; 64]);
}

#[test]
fn what_is_not_there_is_an_error_response() {
    let (mut engine, _host) = with_host(EngineConfig::default());
    copy(&mut engine, UPPER + 2 * BYTES as u64, 0, 1).unwrap();
    assert!(engine.read_register(0, ERRORS).unwrap() > 0);
    engine.reset().unwrap();
    copy(&mut engine, 0, UPPER + 2 * BYTES as u64, 1).unwrap();
    assert!(engine.read_register(0, ERRORS).unwrap() > 0);
}

#[test]
fn over_a_link_writes_come_later_and_are_not_answered_for() {
    let link = PcieLink {
        one_way: Duration::from_micros(1),
        host_banks: vec![1],
    };
    let (mut engine, host) = with_host(EngineConfig {
        link: Some(link),
        ..EngineConfig::default()
    });
    let data = pattern(64, 2);
    engine.memory().write(0, &data).unwrap();
    copy(&mut engine, 0, UPPER, 1).unwrap();
    assert!(host.0.lock().unwrap()[..64] != data, "it is on its way");
    engine.run(1000).unwrap();
    assert!(host.0.lock().unwrap()[..64] == data);
    copy(&mut engine, 0, UPPER + 2 * BYTES as u64, 1).unwrap();
    engine.run(1000).unwrap();
    assert_eq!(engine.read_register(0, ERRORS).unwrap(), 0);
}
