//! The images that every program carries, as the build script packed them.

/// The default image, an `.xclbin`: `tcp_validator` at 512 bits on a card with two DDR4 banks of
/// 16 GiB. Its one compute unit is `tcp_validator_1` at 0x180_0000, `descriptors` in bank 0 and
/// `verdicts` in bank 1, at 300 MHz.
///
/// ```
/// let image = bitstreams::Xclbin::parse(bitstreams::default_image()).unwrap();
/// assert_eq!(image.platform_vbnv(), "tcp_sim_2ddr_202610_1");
/// ```
pub fn default_image() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/default.xclbin"))
}

/// The image with the queue, an `.xclbin`: `tcp_queue` on the same card, with the host's memory as bank `HOST[0]`, at
/// 250 MHz. Its one compute unit is `tcp_queue_1` at 0x180_0000; it reaches all banks.
///
/// ```
/// let image = bitstreams::Xclbin::parse(bitstreams::queue_image()).unwrap();
/// assert_eq!(image.platform_vbnv(), "tcp_sim_2ddr_202610_1");
/// ```
pub fn queue_image() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/queue.xclbin"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bitstream, DigestStatus, MemType, Xclbin};

    #[test]
    fn the_default_image_is_programmable_and_connects_each_pointer_to_its_bank() {
        let image = Xclbin::parse(default_image()).unwrap();
        assert_eq!(image.digest(), DigestStatus::Valid);
        assert!(matches!(
            image.verify_programmable(),
            Ok(Bitstream::Model(_))
        ));

        let layout = image.ip_layout().unwrap().unwrap();
        assert_eq!(layout.ips[0].name, "tcp_validator:tcp_validator_1");
        assert_eq!(layout.ips[0].base_address, 0x180_0000);

        let metadata = image.embedded_metadata().unwrap().unwrap();
        let kernel = &metadata.kernel("tcp_validator").unwrap().description;
        let arguments: Vec<_> = (0..4)
            .map(|id| kernel.argument(id).unwrap())
            .map(|argument| (argument.name.as_str(), argument.offset))
            .collect();
        let expected = [
            ("descriptors", 0x10),
            ("verdicts", 0x1C),
            ("count", 0x28),
            ("options", 0x30),
        ];
        assert_eq!(arguments, expected);

        let banks = image.mem_topology().unwrap().unwrap().banks;
        let ends: Vec<_> = banks
            .iter()
            .map(|bank| bank.base_address + bank.size_kib * 1024)
            .collect();
        assert_eq!(ends, [16 << 30, 32 << 30]);
        let rows = image.connectivity().unwrap().unwrap();
        for argument in [0, 1] {
            let reached: Vec<_> = rows.banks_of(0, argument).collect();
            assert_eq!(reached, [argument as usize]);
        }
    }
    #[test]
    fn the_queue_image_is_programmable_and_has_the_hosts_memory() {
        let image = Xclbin::parse(queue_image()).unwrap();
        assert!(matches!(
            image.verify_programmable(),
            Ok(Bitstream::Model(_))
        ));
        let layout = image.ip_layout().unwrap().unwrap();
        assert_eq!(layout.ips[0].name, "tcp_queue:tcp_queue_1");
        let banks = image.mem_topology().unwrap().unwrap().banks;
        let host = banks.last().unwrap();
        assert_eq!((host.tag.as_str(), host.kind), ("HOST[0]", MemType::Host));
        assert!(host.used);
        let clocks = image.clock_frequencies().unwrap().unwrap().clocks;
        assert_eq!(clocks[0].mhz, 250);
    }
}
