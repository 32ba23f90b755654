//! What a well-behaved client asks of a device.

use std::os::fd::AsFd;
use std::sync::Arc;

use crate::bench::{BAR0_BYTES, Bench, PAGE, REFUSED, VECTORS, memory_file};
use parking_lot::Mutex;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use vfio_user::{
    BAR0_REGION, BAR1_REGION, Client, DmaAccess, Error, MSIX_IRQ, PCI_IRQS, PCI_REGIONS, Server,
    ServerOptions, Timeouts,
};

fn refused(result: vfio_user::Result<()>) -> Errno {
    match result {
        Err(Error::Refused { errno, .. }) => errno,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_client_learns_what_the_device_has() {
    let bench = Bench::new();
    let client = bench.client();
    assert_eq!(client.device_info().unwrap(), (PCI_REGIONS, PCI_IRQS));
    let bar0 = client.region_info(BAR0_REGION).unwrap();
    assert_eq!((bar0.size, bar0.areas), (BAR0_BYTES, vec![PAGE]));
    assert!(bar0.file.is_some());
    assert_eq!(client.region_info(BAR1_REGION).unwrap().size, 0);
    assert_eq!(client.irq_count(MSIX_IRQ).unwrap(), VECTORS);
    assert_eq!(
        refused(client.region_info(PCI_REGIONS).map(drop)),
        Errno::INVAL
    );
}

#[test]
fn registers_keep_what_is_written_and_a_reset_clears_them() {
    let bench = Bench::new();
    let client = bench.client();
    client.write(BAR0_REGION, 8, b"a register").unwrap();
    let mut back = [0; 10];
    client.read(BAR0_REGION, 8, &mut back).unwrap();
    assert_eq!(&back, b"a register");
    client.reset().unwrap();
    client.read(BAR0_REGION, 8, &mut back).unwrap();
    assert_eq!(back, [0; 10]);
}

#[test]
fn accesses_outside_a_region_are_refused_and_the_devices_own_refusals_arrive() {
    let bench = Bench::new();
    let client = bench.client();
    for (region, offset) in [
        (BAR0_REGION, BAR0_BYTES - 3),
        (BAR0_REGION, u64::MAX - 1),
        (BAR1_REGION, 0),
        (77, 0),
    ] {
        assert_eq!(
            refused(client.read(region, offset, &mut [0; 4])),
            Errno::INVAL
        );
        assert_eq!(refused(client.write(region, offset, &[0; 4])), Errno::INVAL);
    }
    assert_eq!(
        refused(client.write(BAR0_REGION, REFUSED, &[0; 4])),
        Errno::PERM
    );
    client
        .read(BAR0_REGION, BAR0_BYTES - 4, &mut [0; 4])
        .unwrap();
}

#[test]
fn clients_have_functions_of_their_own_until_they_leave() {
    let bench = Bench::new();
    let (one, _) = bench.client_with_link();
    let (other, _) = bench.client_with_link();
    one.write(BAR0_REGION, 0, &[1]).unwrap();
    let mut byte = [9];
    other.read(BAR0_REGION, 0, &mut byte).unwrap();
    assert_eq!(byte, [0]);
    assert_eq!(*bench.device.attached.lock(), 2);
    drop(one);
    other.read(BAR0_REGION, 0, &mut byte).unwrap();
    drop(other);
    let device = Arc::clone(&bench.device);
    drop(bench);
    assert_eq!(*device.attached.lock(), 0);
}

#[test]
fn dma_reaches_mapped_files_sealed_or_not_and_memory_that_is_served() {
    let bench = Bench::new();
    let (client, link) = bench.client_with_link();
    let (sealed, plain) = (memory_file(0x3000, true), memory_file(0x3000, false));
    client
        .map_dma(0x1_0000, 0x2000, DmaAccess::BOTH, sealed.as_fd(), 0x1000)
        .unwrap();
    client
        .map_dma(0x1_2000, 0x2000, DmaAccess::BOTH, plain.as_fd(), 0x1000)
        .unwrap();
    let served = Arc::new(Mutex::new(vec![0; 0x1000]));
    client
        .map_dma_served(0x1_4000, DmaAccess::BOTH, Arc::clone(&served))
        .unwrap();

    // Over all three and their borders.
    let pattern: Vec<u8> = (0..0x4800u32).map(|i| (i * 7) as u8).collect();
    link.write(0x1_0400, &pattern).unwrap();
    let mut back = vec![0; pattern.len()];
    link.read(0x1_0400, &mut back).unwrap();
    assert!(back == pattern);
    let mut of_file = vec![0; 0x1C00];
    rustix::io::pread(&sealed, &mut of_file, 0x1400).unwrap();
    assert!(of_file == pattern[..0x1C00]);
    let mut of_file = vec![0; 0x2000];
    rustix::io::pread(&plain, &mut of_file, 0x1000).unwrap();
    assert!(of_file == pattern[0x1C00..0x3C00]);
    assert!(served.lock()[..0xC00] == pattern[0x3C00..]);
    assert_eq!(link.faults(), 0);
}

#[test]
fn what_is_not_mapped_or_not_allowed_is_a_counted_fault() {
    let bench = Bench::new();
    let (client, link) = bench.client_with_link();
    let file = memory_file(0x1000, true);
    let read_only = DmaAccess {
        read: true,
        write: false,
    };
    client
        .map_dma(0x1000, 0x1000, read_only, file.as_fd(), 0)
        .unwrap();
    for (address, text) in [
        (0xFFC, "0xffc is not mapped"),
        (0x1FFC, "0x2000 is not mapped"),
        (u64::MAX - 3, "is not mapped"),
    ] {
        let fault = link.read(address, &mut [0; 8]).unwrap_err().to_string();
        assert!(fault.contains(text), "{fault}");
    }
    let fault = link.write(0x1000, &[0; 8]).unwrap_err().to_string();
    assert!(fault.contains("does not allow"), "{fault}");
    assert_eq!(link.faults(), 4);
    link.read(0x1000, &mut [0; 8]).unwrap();

    client.unmap_dma(0x1000, 0x1000).unwrap();
    link.read(0x1000, &mut [0; 8]).unwrap_err();
}

#[test]
fn a_file_that_shrank_is_a_fault_and_is_not_grown_again() {
    let bench = Bench::new();
    let (client, link) = bench.client_with_link();
    let file = memory_file(0x2000, false);
    client
        .map_dma(0, 0x2000, DmaAccess::BOTH, file.as_fd(), 0)
        .unwrap();
    rustix::fs::ftruncate(&file, 0x1000).unwrap();
    link.read(0x1000, &mut [0; 8]).unwrap_err();
    link.write(0x1000, &[0; 8]).unwrap_err();
    assert_eq!(rustix::fs::fstat(&file).unwrap().st_size, 0x1000);
    link.write(0xFF8, &[1; 8]).unwrap();
}

#[test]
fn mappings_do_not_overlap_and_are_not_cut() {
    let bench = Bench::new();
    let client = bench.client();
    let file = memory_file(0x4000, true);
    let map = |address, size| client.map_dma(address, size, DmaAccess::BOTH, file.as_fd(), 0);
    map(0x1000, 0x2000).unwrap();
    for (address, size) in [
        (0x1000, 0x1000),
        (0x2000, 0x1000),
        (0, 0x1001),
        (0x2FFF, 1),
        (0, 0x4000),
    ] {
        assert_eq!(
            refused(map(address, size)),
            Errno::EXIST,
            "{address:#x} {size:#x}"
        );
    }
    for (address, size) in [(0x8000, 0), (u64::MAX, 2), (0x8000, 0x4001)] {
        assert_eq!(
            refused(map(address, size)),
            Errno::INVAL,
            "{address:#x} {size:#x}"
        );
    }
    // The last bytes that there are.
    map(u64::MAX - 0xFFF, 0x1000).unwrap();
    for (address, size) in [(0x1000, 0x1000), (0x2000, 0x1000), (0, 0x2000), (0x1000, 0)] {
        assert_eq!(
            refused(client.unmap_dma(address, size)),
            Errno::INVAL,
            "{address:#x} {size:#x}"
        );
    }
    // As QEMU takes back all at once, in two halves.
    client.unmap_dma(0, 1 << 63).unwrap();
    client.unmap_dma(1 << 63, 1 << 63).unwrap();
    map(0x1000, 0x2000).unwrap();
    map(u64::MAX - 0xFFF, 0x1000).unwrap();
}

#[test]
fn files_that_are_no_memory_are_refused() {
    let bench = Bench::new();
    let client = bench.client();
    let (reader, _writer) = std::io::pipe().unwrap();
    let folder = std::fs::File::open(bench.path().parent().unwrap()).unwrap();
    let device = std::fs::File::open("/dev/zero").unwrap();
    for file in [reader.as_fd(), folder.as_fd(), device.as_fd()] {
        let result = client.map_dma(0, 0x1000, DmaAccess::BOTH, file, 0);
        assert_eq!(refused(result), Errno::INVAL);
    }
}

#[test]
fn interrupts_arrive_at_their_eventfds() {
    let bench = Bench::new();
    let (client, link) = bench.client_with_link();
    let eventfds: Vec<_> = (0..VECTORS)
        .map(|_| eventfd(0, EventfdFlags::NONBLOCK).unwrap())
        .collect();
    let borrowed: Vec<_> = eventfds.iter().map(AsFd::as_fd).collect();
    client.set_interrupts(MSIX_IRQ, 0, &borrowed).unwrap();
    link.interrupt(MSIX_IRQ, 2);
    link.interrupt(MSIX_IRQ, 2);
    // Those that do not exist.
    link.interrupt(MSIX_IRQ, VECTORS);
    link.interrupt(99, 0);
    let count = |vector: usize| {
        let mut bytes = [0; 8];
        rustix::io::read(&eventfds[vector], &mut bytes).map(|_| u64::from_ne_bytes(bytes))
    };
    assert_eq!(count(2), Ok(2));
    assert_eq!(count(1), Err(Errno::AGAIN));
    client.disable_interrupts(MSIX_IRQ).unwrap();
    link.interrupt(MSIX_IRQ, 2);
    assert_eq!(count(2), Err(Errno::AGAIN));
    assert_eq!(
        refused(client.set_interrupts(MSIX_IRQ, 1, &borrowed)),
        Errno::INVAL
    );
    assert_eq!(
        refused(client.set_interrupts(99, 0, &borrowed)),
        Errno::INVAL
    );
}

#[test]
fn an_eventfd_that_is_full_does_not_hold_the_device() {
    let bench = Bench::new();
    let (client, link) = bench.client_with_link();
    // Blocking, as a careless client makes it.
    let full = eventfd(0, EventfdFlags::empty()).unwrap();
    client.set_interrupts(MSIX_IRQ, 0, &[full.as_fd()]).unwrap();
    rustix::io::write(&full, &(u64::MAX - 1).to_ne_bytes()).unwrap();
    rustix::fs::fcntl_setfl(&full, rustix::fs::OFlags::empty()).unwrap();
    link.interrupt(MSIX_IRQ, 0);
}

#[test]
fn after_a_client_left_its_memory_is_out_of_reach() {
    let bench = Bench::new();
    let (client, link) = bench.client_with_link();
    let file = memory_file(0x1000, true);
    client
        .map_dma(0, 0x1000, DmaAccess::BOTH, file.as_fd(), 0)
        .unwrap();
    drop(client);
    let device = Arc::clone(&bench.device);
    drop(bench);
    assert!(link.dma().is_empty());
    link.write(0, &[1; 8]).unwrap_err();
    drop(device);
}

#[test]
fn a_socket_serves_one_device_and_what_a_dead_server_left_is_replaced() {
    let bench = Bench::new();
    let again = Server::start(
        &bench.path(),
        Arc::clone(&bench.device) as _,
        ServerOptions::default(),
    );
    assert!(matches!(again, Err(Error::InUse(_))), "{again:?}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("left.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let connecting = Client::connect(&path, Timeouts::default());
    assert!(
        matches!(connecting, Err(Error::Socket { .. })),
        "{connecting:?}"
    );
    let server = Server::start(
        &path,
        Arc::clone(&bench.device) as _,
        ServerOptions::default(),
    )
    .unwrap();
    Client::connect(&path, Timeouts::default()).unwrap();
    drop(server);
    assert!(!path.exists());
}

#[test]
fn more_clients_than_allowed_are_turned_away_and_others_stay() {
    let bench = Bench::with(ServerOptions {
        clients: 1,
        ..ServerOptions::default()
    });
    let client = bench.client();
    for _ in 0..20 {
        let error = Client::connect(&bench.path(), Timeouts::default()).unwrap_err();
        assert!(matches!(error, Error::Full), "{error}");
    }
    client.device_info().unwrap();
}

#[test]
fn requests_after_the_servers_end_say_that_the_connection_is_closed() {
    let bench = Bench::new();
    let client = bench.client();
    drop(bench);
    let error = client.device_info().unwrap_err();
    assert!(matches!(error, Error::Closed | Error::Io(_)), "{error}");
}

#[test]
fn unmapping_waits_for_what_is_under_way_and_ends_access() {
    let bench = Bench::new();
    let (client, link) = bench.client_with_link();
    let file = memory_file(0x1000, true);
    for _ in 0..200 {
        client
            .map_dma(0, 0x1000, DmaAccess::BOTH, file.as_fd(), 0)
            .unwrap();
        let writing = {
            let link = Arc::clone(&link);
            std::thread::spawn(move || while link.write(0, &[0xAA; 64]).is_ok() {})
        };
        client.unmap_dma(0, 0x1000).unwrap();
        // From here on nothing is written.
        rustix::io::pwrite(&file, &[0; 64], 0).unwrap();
        writing.join().unwrap();
        let mut bytes = [1; 64];
        rustix::io::pread(&file, &mut bytes, 0).unwrap();
        assert_eq!(bytes, [0; 64]);
    }
}

#[test]
fn an_interrupt_that_is_masked_is_told_of_when_it_is_unmasked() {
    let bench = Bench::new();
    let (client, link) = bench.client_with_link();
    let signal = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
    client
        .set_interrupts(MSIX_IRQ, 1, &[signal.as_fd()])
        .unwrap();
    let count = || {
        let mut bytes = [0; 8];
        rustix::io::read(&signal, &mut bytes).map(|_| u64::from_ne_bytes(bytes))
    };
    client.mask_interrupts(MSIX_IRQ, 1, 1, true).unwrap();
    link.interrupt(MSIX_IRQ, 1);
    assert_eq!(count(), Err(Errno::AGAIN));
    client.mask_interrupts(MSIX_IRQ, 1, 1, false).unwrap();
    assert_eq!(count(), Ok(1));
    client.mask_interrupts(MSIX_IRQ, 1, 1, false).unwrap();
    assert_eq!(count(), Err(Errno::AGAIN));
}
