//! `CONNECTIVITY` (and `GROUP_CONNECTIVITY`): which argument of which compute unit reaches which
//! memory.

use bytemuck::{Pod, Zeroable};
use serde::Serialize;

use crate::error::Result;
use crate::section::SectionKind;
use crate::table::Table;

/// The connections of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Connectivity {
    /// One row per pointer argument and bank; several rows let an argument reach several banks.
    pub connections: Vec<Connection>,
}

/// One row (`struct connection`). Indices are signed because the format has them so; a reader
/// checks them against the tables they point into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable, Serialize)]
#[repr(C)]
pub struct Connection {
    /// Index of the argument of the kernel.
    pub arg_index: i32,
    /// Index into [`crate::IpLayout::ips`].
    pub ip_layout_index: i32,
    /// Index into [`crate::MemTopology::banks`].
    pub mem_data_index: i32,
}

const _: () = assert!(size_of::<Connection>() == 12);

impl Connectivity {
    fn table(kind: SectionKind) -> Table {
        Table {
            kind,
            count_size: 4,
            first: 4,
        }
    }

    /// Banks that argument `arg_index` of compute unit `ip_layout_index` is connected to.
    pub fn banks_of(&self, ip_layout_index: usize, arg_index: u32) -> impl Iterator<Item = usize> {
        self.connections
            .iter()
            .filter(move |row| {
                usize::try_from(row.ip_layout_index) == Ok(ip_layout_index)
                    && u32::try_from(row.arg_index) == Ok(arg_index)
            })
            .filter_map(|row| usize::try_from(row.mem_data_index).ok())
    }

    pub(crate) fn parse(kind: SectionKind, data: &[u8]) -> Result<Self> {
        Ok(Connectivity {
            connections: Self::table(kind).read(data)?,
        })
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        Self::table(SectionKind::Connectivity).write(&self.connections)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_the_count_without_padding() {
        let connectivity = Connectivity {
            connections: vec![
                Connection {
                    arg_index: 1,
                    ip_layout_index: 2,
                    mem_data_index: 3,
                },
                Connection {
                    arg_index: 1,
                    ip_layout_index: 2,
                    mem_data_index: -1,
                },
            ],
        };
        let bytes = connectivity.to_bytes().unwrap();
        assert_eq!(
            bytes[..16],
            [2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]
        );
        assert_eq!(
            Connectivity::parse(SectionKind::Connectivity, &bytes).unwrap(),
            connectivity
        );
        assert_eq!(connectivity.banks_of(2, 1).collect::<Vec<_>>(), [3]);
        assert_eq!(connectivity.banks_of(2, 0).count(), 0);
    }
}
