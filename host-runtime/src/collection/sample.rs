//! The project's own sample: well-known commands with plausible costs and risks, and a few
//! malformed descriptors of every cause.
//!
//! Made by the rules below and nothing else, so it is the same on every machine and free to ship.

use super::tcpdb;
use crate::tcp::{Cause, Descriptor, DescriptorBuilder, Profile, RiskLevel, encode::EncodeError};

/// Commands of one kind: they share risk, capabilities and costs.
struct Kind {
    risk: RiskLevel,
    /// Those that a profile has no bit for are left out in it.
    capabilities: &'static [&'static str],
    /// Milliseconds, megabytes, kilobytes.
    costs: [u64; 3],
    commands: &'static str,
}

const KINDS: [Kind; 12] = [
    Kind {
        risk: RiskLevel::Safe,
        capabilities: &[],
        costs: [20, 4, 4],
        commands: "arch basename cal cksum cmp comm cut date dirname echo env expr factor false \
                   fmt fold groups hostname id join locale logname nproc numfmt od paste pathchk \
                   pinky pr printenv printf pwd realpath seq sleep stat sum test tr true tsort tty \
                   uname unexpand uniq uptime users wc who whoami yes",
    },
    Kind {
        risk: RiskLevel::Safe,
        capabilities: &[],
        costs: [200, 16, 512],
        commands: "awk b2sum base32 base64 cat diff egrep expand fgrep file find grep head hexdump \
                   less look ls man md5sum more nl readlink rev sha1sum sha256sum sha512sum sort \
                   strings tac tail tree vdir whereis which xxd zcat",
    },
    Kind {
        risk: RiskLevel::Safe,
        capabilities: &[],
        costs: [100, 12, 64],
        commands: "blkid df du free iostat last lsblk lscpu lsmod lsof lspci lsusb mpstat pgrep \
                   pidof pmap ps sensors slabtop top vmstat w watch",
    },
    Kind {
        risk: RiskLevel::LowRisk,
        capabilities: &["FILE_MODIFICATION"],
        costs: [500, 16, 16],
        commands: "bzip2 cp csplit ed ex gunzip gzip install ln lz4 mkdir mkfifo mktemp nano patch \
                   sed split tee touch unlzma unxz vi vim xz zip zstd",
    },
    Kind {
        risk: RiskLevel::LowRisk,
        capabilities: &["NETWORK_ACCESS"],
        costs: [5000, 32, 256],
        commands: "arping dig ftp getent host ip mtr netstat nslookup ping ss tracepath traceroute \
                   whois",
    },
    Kind {
        risk: RiskLevel::MediumRisk,
        capabilities: &["FILE_MODIFICATION", "NETWORK_ACCESS"],
        costs: [60_000, 256, 4096],
        commands: "aria2c bundle cargo curl docker git go gradle hg mvn npm pip rsync scp sftp svn \
                   wget yarn",
    },
    Kind {
        risk: RiskLevel::MediumRisk,
        capabilities: &["FILE_MODIFICATION"],
        costs: [30_000, 1024, 1024],
        commands: "ar as bash c++ cc cmake cpio dash g++ gcc ld make meson mv ninja node objcopy \
                   perl python3 ruby rustc sh strip tar unzip xargs zsh",
    },
    Kind {
        risk: RiskLevel::MediumRisk,
        capabilities: &["PROCESS_CONTROL"],
        costs: [50, 8, 1],
        commands: "at batch crontab kill killall nice nohup pkill renice screen setsid strace \
                   timeout tmux",
    },
    Kind {
        risk: RiskLevel::HighRisk,
        capabilities: &["FILE_MODIFICATION", "DESTRUCTIVE"],
        costs: [5000, 8, 8],
        commands: "rm rmdir shred truncate unlink",
    },
    Kind {
        risk: RiskLevel::HighRisk,
        capabilities: &["REQUIRES_ROOT", "SYSTEM_MODIFICATION"],
        costs: [10_000, 64, 64],
        commands: "apt apt-get chgrp chmod chown chroot depmod dpkg hwclock ifconfig insmod \
                   iptables modprobe mount nft passwd rmmod route sysctl systemctl umount useradd \
                   userdel usermod visudo",
    },
    Kind {
        risk: RiskLevel::Critical,
        capabilities: &["REQUIRES_ROOT", "PRIVILEGE_ESCALATION", "PROCESS_CONTROL"],
        costs: [1000, 16, 16],
        commands: "doas halt init pkexec poweroff reboot runuser shutdown su sudo",
    },
    Kind {
        risk: RiskLevel::Critical,
        capabilities: &["REQUIRES_ROOT", "DESTRUCTIVE", "SYSTEM_MODIFICATION"],
        costs: [65_535, 512, 16],
        commands: "cfdisk cryptsetup dd fdisk gdisk lvremove mkfs mkfs.ext4 mkfs.xfs mkswap parted \
                   pvremove sfdisk vgremove wipefs",
    },
];

/// Malformed descriptors of each cause.
const MALFORMED_OF_EACH_CAUSE: usize = 3;

/// The sample's entries: some three hundred well-formed, then [`malformed`](malformed_count) ones.
pub fn entries(profile: Profile) -> Vec<(String, Descriptor)> {
    let mut entries: Vec<(String, Descriptor)> = KINDS
        .iter()
        .flat_map(|kind| {
            kind.commands
                .split_whitespace()
                .map(move |name| (kind, name))
        })
        .map(|(kind, name)| {
            let descriptor = kind.describe(profile, name).expect(CONSTANTS_FIT);
            (name.to_owned(), descriptor)
        })
        .collect();
    for cause in Cause::ALL {
        for number in 1..=MALFORMED_OF_EACH_CAUSE {
            let name = format!("malformed/{}-{number}", cause.name().to_lowercase());
            let sound = DescriptorBuilder::new(profile, &name, RiskLevel::Safe).build();
            let descriptor = spoil(sound.expect(CONSTANTS_FIT), profile, cause, number);
            entries.push((name, descriptor));
        }
    }
    entries
}

/// The sample as a `TCPDB` database, with a Unix time of 0 so that it never changes.
pub fn database(profile: Profile) -> Vec<u8> {
    let mut bytes = Vec::new();
    tcpdb::write(&entries(profile), 0, &mut bytes).expect(CONSTANTS_FIT);
    bytes
}

/// How many of the sample's entries are malformed, each cause as often as any other.
pub const fn malformed_count() -> usize {
    MALFORMED_OF_EACH_CAUSE * Cause::ALL.len()
}

const CONSTANTS_FIT: &str = "the sample's constants fit their fields";

impl Kind {
    fn describe(&self, profile: Profile, name: &str) -> Result<Descriptor, EncodeError> {
        // A spread that depends on nothing but the name keeps the costs from being all alike.
        let spread = name.len() as u64;
        let [exec_ms, memory_mb, output_kb] = self.costs;
        let builder = DescriptorBuilder::new(profile, name, self.risk)
            .exec_ms((exec_ms + exec_ms / 100 * spread).min(65_535))
            .memory_mb(memory_mb + spread)
            .output_kb(output_kb + spread);
        let known = |builder: DescriptorBuilder, name: &&str| {
            builder.clone().capability(name).unwrap_or(builder)
        };
        self.capabilities.iter().fold(builder, known).build()
    }
}

fn spoil(sound: Descriptor, profile: Profile, cause: Cause, number: usize) -> Descriptor {
    let mut spoilt = sound;
    match cause {
        Cause::BadMagic => spoilt.0[number] ^= 0x20,
        Cause::BadVersion => spoilt.0[5] = 2 + number as u8,
        Cause::BadChecksum => spoilt.0[23] ^= number as u8,
        // No level at all, then two, then three.
        Cause::BadRisk => spoilt.0[13] = [0b00000, 0b00011, 0b10101][number - 1],
        Cause::ReservedFlags => {
            spoilt.0[12] |= 1 << (5 + number.min(2));
            if number == 3 {
                spoilt.0[12] |= 0xc0;
            }
        }
    }
    if cause != Cause::BadChecksum {
        spoilt.write_checksum(profile.checksum());
    }
    spoilt
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{
        collection::Collection,
        tcp::{Decision, Detail, Options, Policy, Tally, golden},
    };

    #[test]
    fn the_sample_has_every_decision_and_every_cause() {
        for profile in Profile::ALL {
            let collection = Collection::from_bytes(database(profile)).unwrap();
            let descriptors = collection.descriptors();
            let mut details = vec![Detail::default(); descriptors.len()];
            let (options, policy) = (Options::for_profile(profile), Policy::for_profile(profile));
            golden::evaluate_details(descriptors, options, &policy, &mut details);
            let tally = Tally::from_details(&details);
            assert_eq!(
                tally.causes, [MALFORMED_OF_EACH_CAUSE as u64; 5],
                "{profile}"
            );
            assert_eq!(tally.verdicts.malformed(), malformed_count() as u64);
            for decision in Decision::ALL {
                assert!(
                    tally.verdicts.decided(decision) > 0,
                    "{profile}: no {decision}"
                );
            }
        }
    }

    #[test]
    fn no_command_is_listed_twice() {
        let entries = entries(Profile::Wide);
        let mut seen = HashSet::new();
        for (name, _) in &entries {
            assert!(seen.insert(name), "{name}");
        }
        assert!(entries.len() > 200);
    }

    #[test]
    fn capabilities_are_those_that_some_profile_has() {
        for capability in KINDS.iter().flat_map(|kind| kind.capabilities) {
            let known = Profile::ALL
                .iter()
                .any(|p| p.capability_mask(capability).is_ok());
            assert!(known, "{capability}");
        }
    }
}
