//! What a card says of itself, for `device.get_info()`: plain text, or JSON where XRT's reports are JSON.

use host_runtime::Card;
use serde_json::json;

/// The platform's name before an image says it, as the shim for C++ programs has it.
const PLATFORM: &str = "tcp_sim_2ddr_202610_1";
/// Clock before an image says it, MHz.
const CLOCK: u16 = 300;

/// The answer to a key of `xrt_info_device`; "NA" for a number that is none, as XRT's module answers.
pub(crate) fn text(card: &Card, key: i64) -> String {
    let image = card.image();
    let platform = image.as_ref().map_or(PLATFORM, |image| image.platform());
    let clock = image.as_ref().map_or(CLOCK, |image| image.clock_mhz());
    let address = card.id().pcie_address();
    match key {
        0 => address,
        1 => {
            let interface = image.map(|image| image.xclbin().header().interface_uuid);
            interface.unwrap_or_default().to_string()
        }
        // Copies within the card are a command of their own, so there is a unit that does them.
        2 => "1".to_owned(),
        3 => clock.to_string(),
        5 => platform.to_owned(),
        // m2m: as kdma. nodma, offline: they are not.
        4 => "1".to_owned(),
        6 | 7 => "0".to_owned(),
        8..=10 | 18 => json!({}).to_string(),
        11 => {
            let banks = image.iter().flat_map(|image| image.banks());
            let memories: Vec<_> = banks
                .map(|bank| {
                    json!({
                        "tag": bank.name,
                        "type": bank.kind,
                        "enabled": (bank.size > 0).to_string(),
                        "base_address": format!("{:#x}", bank.base),
                        "range_bytes": format!("{:#x}", bank.size),
                    })
                })
                .collect();
            json!({ "board": { "memory": { "memories": memories } } }).to_string()
        }
        12 => json!({
            "platforms": [{
                "static_region": { "vbnv": platform },
                "clocks": [{ "id": "DATA_CLK", "freq_mhz": clock }],
            }],
        })
        .to_string(),
        13 => json!({ "bdf": address }).to_string(),
        14 => json!({ "description": card.info().description }).to_string(),
        17 => {
            let units = image.iter().flat_map(|image| image.units());
            let units: Vec<_> = units
                .map(|unit| json!({ "name": unit.name, "base_address": format!("{:#x}", unit.base) }))
                .collect();
            let uuid = image.as_ref().map(|image| image.uuid().to_string());
            json!({ "dynamic_regions": [{ "xclbin_uuid": uuid, "compute_units": units }] })
                .to_string()
        }
        _ => "NA".to_owned(),
    }
}
