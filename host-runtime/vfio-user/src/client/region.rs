//! What a server says of a region, read with care.

use std::os::fd::OwnedFd;

use crate::channel::Message;
use crate::protocol::{Area, RegionInfoWire, SparseMmap, take};
use crate::{Error, Result};

/// Most areas of a region that are believed.
pub(super) const MAX_AREAS: usize = 1024;

/// A region of the device.
#[derive(Debug)]
pub struct RegionInfo {
    /// Bytes; 0 if there is no such region.
    pub size: u64,
    /// Whether it can be read.
    pub readable: bool,
    /// Whether it can be written.
    pub writable: bool,
    /// Offset and size of what can be mapped; empty if nothing can.
    pub areas: Vec<(u64, u64)>,
    /// The file to map, and where in it the region begins.
    pub file: Option<(OwnedFd, u64)>,
}

/// Reads a region's information, and does not believe areas outside of it.
pub(super) fn decode(info: &RegionInfoWire, reply: Message) -> Result<RegionInfo> {
    let wrong = |what: &str| Error::Protocol(format!("its info of region {} {what}", info.index));
    let mut region = RegionInfo {
        size: info.size,
        readable: info.flags & RegionInfoWire::READ != 0,
        writable: info.flags & RegionInfoWire::WRITE != 0,
        areas: Vec::new(),
        file: None,
    };
    if info.flags & RegionInfoWire::MMAP == 0 {
        return Ok(region);
    }
    let file = reply.fds.into_iter().next();
    region.file = Some((
        file.ok_or_else(|| wrong("came without a file"))?,
        info.offset,
    ));
    if info.flags & RegionInfoWire::CAPS == 0 {
        region.areas.push((0, info.size));
        return Ok(region);
    }
    let mut at = info.cap_offset as usize;
    // Capabilities lie one behind the other, so none is read twice.
    while at != 0 {
        let capability = reply.payload.get(at..).and_then(take::<SparseMmap>);
        let (capability, mut rest) =
            capability.ok_or_else(|| wrong("has a capability outside of it"))?;
        if capability.id == SparseMmap::ID {
            for _ in 0..capability.areas {
                let area = take::<Area>(rest).ok_or_else(|| wrong("lacks areas"))?;
                let end = area.0.offset.checked_add(area.0.size);
                if end.is_none_or(|end| end > info.size) {
                    return Err(wrong("has an area outside of the region"));
                }
                region.areas.push((area.0.offset, area.0.size));
                rest = area.1;
            }
        }
        let next = capability.next as usize;
        if next != 0 && next <= at {
            return Err(wrong("has capabilities in a circle"));
        }
        at = next;
    }
    Ok(region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Header;

    /// What a server says of a region of 0x4000 bytes, with these areas, and where its capability points next.
    fn said(areas: &[(u64, u64)], count: u32, next: u32) -> Result<RegionInfo> {
        let info = RegionInfoWire {
            argsz: 0,
            flags: RegionInfoWire::MMAP | RegionInfoWire::CAPS,
            index: 0,
            cap_offset: RegionInfoWire::BYTES as u32,
            size: 0x4000,
            offset: 0,
        };
        let sparse = SparseMmap {
            id: SparseMmap::ID,
            version: SparseMmap::VERSION,
            next,
            areas: count,
            reserved: 0,
        };
        let mut payload = bytemuck::bytes_of(&info).to_vec();
        payload.extend(bytemuck::bytes_of(&sparse));
        for &(offset, size) in areas {
            payload.extend(bytemuck::bytes_of(&Area { offset, size }));
        }
        let reply = Message {
            header: Header::default(),
            payload,
            fds: vec![std::fs::File::open("/dev/null").unwrap().into()],
        };
        decode(&info, reply)
    }

    #[test]
    fn areas_outside_of_a_region_and_lists_that_do_not_end_are_not_believed() {
        assert_eq!(said(&[(0, 0x4000)], 1, 0).unwrap().areas, [(0, 0x4000)]);
        said(&[(0x3000, 0x1001)], 1, 0).unwrap_err();
        said(&[(u64::MAX, 2)], 1, 0).unwrap_err();
        said(&[(0, 1)], 2, 0).unwrap_err();
        said(&[(0, 1)], 1, RegionInfoWire::BYTES as u32).unwrap_err();
        said(&[(0, 1)], 1, u32::MAX).unwrap_err();
    }
}
