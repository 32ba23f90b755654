//! What the PCI bus tells of a card, in a line for a person.

use host_runtime::PciDetails;
use indicatif::BinaryBytes;

/// Address, identifiers, driver, IOMMU group, memory node, link and BARs.
pub(crate) fn line(details: &PciDetails) -> String {
    let mut parts = vec![match &details.subsystem {
        Some(subsystem) => format!("{} ({}, board {subsystem})", details.address, details.id),
        None => format!("{} ({})", details.address, details.id),
    }];
    parts.push(match &details.driver {
        Some(driver) => format!("driver {driver}"),
        None => "no driver".to_owned(),
    });
    parts.push(match details.iommu_group {
        Some(group) => format!("IOMMU group {group}"),
        None => "no IOMMU group".to_owned(),
    });
    parts.extend(details.numa_node.map(|node| format!("NUMA node {node}")));
    parts.extend(details.link.as_ref().map(|link| {
        format!(
            "link {} x{} of {} x{}",
            link.speed, link.width, link.max_speed, link.max_width
        )
    }));
    parts.extend(details.bars.iter().map(|bar| {
        let kind = if bar.io { " of ports" } else { "" };
        format!("BAR{} {}{kind}", bar.index, BinaryBytes(bar.bytes))
    }));
    parts.join(", ")
}
