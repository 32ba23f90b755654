use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::*;
use crate::inventory::Inventory;

const XDMA: (&str, &str) = ("0x10ee", "0x903f");

/// The root of a machine that tests make up.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn folder(&self, address: &str) -> PathBuf {
        self.root().join("sys/bus/pci/devices").join(address)
    }

    /// A function, a processing accelerator.
    fn function(&self, address: &str, (vendor, device): (&str, &str)) -> &Self {
        for (name, text) in [
            ("vendor", vendor),
            ("device", device),
            ("class", "0x120000"),
        ] {
            self.set(address, name, text);
        }
        self
    }

    fn set(&self, address: &str, name: &str, text: &str) -> &Self {
        self.write(
            &format!("sys/bus/pci/devices/{address}/{name}"),
            format!("{text}\n"),
        );
        self
    }

    fn driver(&self, address: &str, driver: &str) -> &Self {
        let link = self.folder(address).join("driver");
        let _ = std::fs::remove_file(&link);
        symlink(format!("../../../bus/pci/drivers/{driver}"), link).unwrap();
        self
    }

    fn group(&self, address: &str, group: u32) -> &Self {
        let folder = self.root().join(format!("sys/kernel/iommu_groups/{group}"));
        std::fs::create_dir_all(folder.join("devices")).unwrap();
        symlink(&folder, self.folder(address).join("iommu_group")).unwrap();
        symlink(self.folder(address), folder.join("devices").join(address)).unwrap();
        self
    }

    fn scan(&self) -> (Vec<BusCard>, Vec<UnusableCard>) {
        scan(&System::at(self.root()))
    }

    /// The reason and the advice of the one card that is there.
    #[track_caller]
    fn problem(&self) -> (String, String) {
        let (usable, unusable) = self.scan();
        assert!(usable.is_empty(), "{usable:?}");
        let [card] = &unusable[..] else {
            panic!("{unusable:?}")
        };
        (card.reason.clone(), card.advice.clone())
    }
}

#[test]
fn a_function_is_described_by_what_the_bus_tells() {
    let machine = Machine::new();
    let card = "0000:65:00.1";
    machine
        .function(card, ("0x10ee", "0x5005"))
        .driver(card, "xocl")
        .group(card, 12)
        .set(card, "subsystem_vendor", "0x10ee")
        .set(card, "subsystem_device", "0x000e")
        .set(card, "numa_node", "1")
        .set(card, "current_link_speed", "8.0 GT/s PCIe")
        .set(card, "max_link_speed", "16.0 GT/s PCIe")
        .set(card, "current_link_width", "8")
        .set(card, "max_link_width", "16")
        .set(
            card,
            "resource",
            "0x00000000a0000000 0x00000000a1ffffff 0x0000000000040200\n\
             0x0000000000000000 0x0000000000000000 0x0000000000000000\n\
             0x000003bff0000000 0x000003bff001ffff 0x000000000014220c",
        );
    // Other functions do not matter, nor those of whom nothing can be read.
    machine.function("0000:01:00.0", ("0x8086", "0x1533"));
    std::fs::create_dir(machine.folder("0000:02:00.0")).unwrap();

    let inventory = Inventory::scan_in(Some(machine.root()), machine.root());
    let entry = inventory
        .cards
        .iter()
        .find(|entry| entry.card == CardId::Xrt(0))
        .unwrap();
    assert_eq!(
        entry.description,
        "AMD Alveo U250, driven by XRT, at 0000:65:00.1"
    );
    assert_eq!(entry.resources.luts, Some(1_728_000));
    let details = entry.pci.as_ref().unwrap();
    assert_eq!(
        (&*details.id, details.subsystem.as_deref()),
        ("10ee:5005", Some("10ee:000e"))
    );
    assert_eq!(
        (
            details.driver.as_deref(),
            details.iommu_group,
            details.numa_node
        ),
        (Some("xocl"), Some(12), Some(1))
    );
    let bars: Vec<_> = details
        .bars
        .iter()
        .map(|bar| (bar.index, bar.bytes, bar.wide))
        .collect();
    assert_eq!(bars, [(0, 32 << 20, false), (2, 128 << 10, true)]);
    let notes = details.notes.join("\n");
    assert!(
        notes.contains("8.0 GT/s x8, and the card can do 16.0 GT/s x16"),
        "{notes}"
    );
    assert!(notes.contains("VFIO does not see it"), "{notes}");
    assert!(inventory.unusable.iter().all(|card| card.pci.is_none()));
}

#[test]
fn cards_of_xrt_are_counted_in_the_order_of_their_addresses() {
    let machine = Machine::new();
    for card in ["0000:b3:00.1", "0000:17:00.1"] {
        machine
            .function(card, ("0x10ee", "0x500d"))
            .driver(card, "xocl");
    }
    let management = "0000:17:00.0";
    machine
        .function(management, ("0x10ee", "0x500c"))
        .driver(management, "xclmgmt");
    let system = System::at(machine.root());
    assert_eq!(xrt_address(&system, 0).as_deref(), Some("0000:17:00.1"));
    assert_eq!(xrt_address(&system, 1).as_deref(), Some("0000:b3:00.1"));
    assert_eq!(xrt_address(&system, 2), None);
    let (reason, _) = {
        let (_, unusable) = machine.scan();
        (unusable[0].reason.clone(), unusable.len())
    };
    assert!(reason.contains("management function"), "{reason}");
}

#[test]
fn a_card_for_xrt_that_xrt_does_not_have_says_how_it_gets_it() {
    let machine = Machine::new();
    let card = "0000:17:00.1";
    machine.function(card, ("0x10ee", "0x5001"));
    let (reason, advice) = machine.problem();
    assert!(reason.contains("no driver has"), "{reason}");
    assert!(advice.starts_with("modprobe xocl"), "{advice}");

    machine.driver(card, "vfio-pci");
    let (reason, advice) = machine.problem();
    assert!(reason.contains("XRT does not see it"), "{reason}");
    assert_eq!(
        advice,
        "echo >/sys/bus/pci/devices/0000:17:00.1/driver_override; \
         echo 0000:17:00.1 >/sys/bus/pci/devices/0000:17:00.1/driver/unbind; modprobe xocl; \
         echo 0000:17:00.1 >/sys/bus/pci/drivers_probe"
    );
}

#[test]
fn what_keeps_a_card_from_vfio_is_told_step_by_step() {
    let machine = Machine::new();
    let (card, other) = ("0000:03:00.0", "0000:03:00.1");
    machine.function(card, XDMA);
    let (reason, advice) = machine.problem();
    assert!(reason.contains("no IOMMU group"), "{reason}");
    assert!(
        advice.contains("intel_iommu=on iommu=pt") && advice.contains("update-grub"),
        "{advice}"
    );
    machine.write("proc/cpuinfo", "vendor_id\t: AuthenticAMD\n");
    assert!(machine.problem().1.contains("amd_iommu=on"));
    machine.write("proc/cmdline", "root=/dev/sda1 amd_iommu=on\n");
    assert!(machine.problem().1.contains("firmware"));

    machine.group(card, 12);
    let (reason, advice) = machine.problem();
    assert!(reason.contains("no driver has it"), "{reason}");
    assert!(
        advice.contains("echo vfio-pci >/sys/bus/pci/devices/0000:03:00.0/driver_override"),
        "{advice}"
    );

    machine.driver(card, "xdma");
    let (reason, advice) = machine.problem();
    assert!(reason.contains("the driver xdma has it"), "{reason}");
    assert!(advice.contains("driver/unbind"), "{advice}");

    machine.driver(card, "vfio-pci");
    std::fs::create_dir_all(machine.folder(other)).unwrap();
    machine.group(other, 12).driver(other, "snd_hda_intel");
    let (reason, advice) = machine.problem();
    assert!(
        reason.contains("0000:03:00.1 (driver snd_hda_intel)"),
        "{reason}"
    );
    assert!(advice.contains("0000:03:00.1/driver_override"), "{advice}");

    machine.driver(other, "vfio-pci");
    let (reason, advice) = machine.problem();
    assert!(reason.contains("no /dev/vfio/12"), "{reason}");
    assert!(advice.contains("modprobe vfio-pci"), "{advice}");

    machine.write("dev/vfio/12", "");
    if !rustix::process::geteuid().is_root() {
        let closed = std::os::unix::fs::PermissionsExt::from_mode(0o000);
        std::fs::set_permissions(machine.root().join("dev/vfio/12"), closed).unwrap();
        let (reason, advice) = machine.problem();
        assert!(reason.contains("may not open"), "{reason}");
        assert_eq!(advice, "sudo chown $USER /dev/vfio/12");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(machine.root().join("dev/vfio/12"), open).unwrap();
    }
    let (usable, unusable) = machine.scan();
    assert_eq!((usable.len(), unusable.len()), (1, 0));
    assert_eq!(usable[0].card.to_string(), "pcie:0000:03:00.0");
}

#[test]
fn a_design_without_our_shell_is_told_apart_where_its_configuration_space_can_be_read() {
    let machine = Machine::new();
    let card = "0000:03:00.0";
    machine
        .function(card, XDMA)
        .group(card, 12)
        .driver(card, "vfio-pci");
    machine.write("dev/vfio/12", "");
    let config = format!("sys/bus/pci/devices/{card}/config");
    let mut space = vec![0; 4096];
    // Another capability (AER) that leads to itself: no end is waited for.
    space[0x100..0x104].copy_from_slice(&0x1001_0001u32.to_le_bytes());
    machine.write(&config, &space);
    assert!(machine.problem().0.contains("0x5443"));
    // What an ordinary user reads tells nothing of it.
    machine.write(&config, &space[..64]);
    assert_eq!(machine.scan().0.len(), 1);

    let mut ours = vec![0; card_shell::CONFIG_BYTES];
    card_shell::ConfigSpace::new().read(0, &mut ours);
    machine.write(&config, &ours);
    assert_eq!(machine.scan().0.len(), 1);
    // Our shell counts, whatever the identifier.
    machine.set(card, "device", "0x5001");
    assert_eq!(machine.scan().0.len(), 1);
}

#[test]
fn cards_of_others_are_listed_with_the_honest_reason() {
    for (vendor, device, words) in [
        ("0x8086", "0x09c4", "not Intel's"),
        ("0x1172", "0xe003", "not Intel's"),
        ("0x1d0f", "0xf001", "not Amazon's"),
    ] {
        let machine = Machine::new();
        machine.function("0000:05:00.0", (vendor, device));
        let (reason, advice) = machine.problem();
        assert!(reason.contains(words), "{reason}");
        assert!(advice.contains("sim:0"), "{advice}");
    }
}
