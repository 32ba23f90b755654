//! Command packets, as `ert.h` lays them out: one header word, then the payload's words.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

/// `enum ert_cmd_state`: the low four bits of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum State {
    New = 1,
    Running = 3,
    Completed = 4,
    Error = 5,
    Aborted = 6,
}

const STATE_MASK: u32 = 0xF;

/// What a packet asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Start one of the compute units, with these register offsets and values.
    Start {
        units: Vec<usize>,
        registers: Vec<(u32, u32)>,
    },
    /// Write registers of all these compute units; start none.
    Initialize {
        units: Vec<usize>,
        registers: Vec<(u32, u32)>,
    },
    /// End the command in that execution buffer.
    Abort { buffer: u32 },
    /// Copy between buffers.
    Copy {
        source: u32,
        source_offset: u64,
        target: u32,
        target_offset: u64,
        len: u64,
    },
    /// Set up a scheduler; there is none to set up.
    Configure,
}

/// Words of `struct ert_abort_cmd`.
const ABORT_WORDS: usize = 4;

/// Words before the payload's register image that no command writes: the control registers.
const CONTROL_WORDS: usize = 4;

/// Sets the state in a packet's header.
pub(crate) fn set_state(header: &AtomicU32, state: State) {
    // Whoever polls the state reads the results after it.
    let _ = header.fetch_update(Ordering::Release, Ordering::Relaxed, |header| {
        Some(header & !STATE_MASK | state as u32)
    });
}

/// Words of the packet that an execution buffer begins with, by its header, and no fewer than of an abort's, whose header
/// does not count them.
pub(crate) fn len(buffer: &[u32]) -> usize {
    let count = buffer.first().map_or(0, |&header| payload_len(header));
    (count + 1).max(ABORT_WORDS)
}

fn payload_len(header: u32) -> usize {
    (header >> 12 & 0x7FF) as usize
}

/// Reads a packet; `words` begin with it.
pub(crate) fn parse(words: &[u32]) -> Result<Command> {
    let header = *words.first().ok_or_else(|| too_short(1))?;
    if header & STATE_MASK != State::New as u32 {
        return Err(Error::Invalid(format!(
            "the command's state is {}, not ERT_CMD_STATE_NEW",
            header & STATE_MASK
        )));
    }
    let count = payload_len(header);
    let extra_masks = (header >> 10 & 0x3) as usize;
    let opcode = header >> 23 & 0x1F;
    let payload = words.get(1..=count).ok_or_else(|| too_short(count + 1))?;
    match opcode {
        // ERT_START_CU
        0 => {
            let (units, image) = split_masks(payload, extra_masks)?;
            Ok(Command::Start {
                units,
                registers: register_image(image),
            })
        }
        // ERT_EXEC_WRITE: six reserved words, then pairs
        5 => {
            let (units, rest) = split_masks(payload, extra_masks)?;
            let pairs = rest.get(6..).ok_or_else(|| too_short(8))?;
            Ok(Command::Start {
                units,
                registers: register_pairs(pairs),
            })
        }
        // ERT_START_KEY_VAL
        15 => {
            let (units, pairs) = split_masks(payload, extra_masks)?;
            Ok(Command::Start {
                units,
                registers: register_pairs(pairs),
            })
        }
        // ERT_INIT_CU: two timeouts and six reserved words first
        11 => {
            let rest = payload.get(8..).ok_or_else(|| too_short(10))?;
            let (units, image) = split_masks(rest, extra_masks)?;
            Ok(Command::Initialize {
                units,
                registers: register_image(image),
            })
        }
        // ERT_ABORT: the handle is 64 bits, aligned to them; C puts a hole before it
        4 => match words.get(2) {
            Some(&buffer) => Ok(Command::Abort { buffer }),
            None => Err(too_short(4)),
        },
        // ERT_START_COPYBO: four masks and four reserved words first
        7 => match payload.get(8..16) {
            Some(
                &[
                    source_low,
                    source_high,
                    source,
                    target_low,
                    target_high,
                    target,
                    len_low,
                    len_high,
                ],
            ) => Ok(Command::Copy {
                source,
                source_offset: join(source_low, source_high),
                target,
                target_offset: join(target_low, target_high),
                len: join(len_low, len_high),
            }),
            _ => Err(too_short(17)),
        },
        // ERT_CONFIGURE, ERT_EXIT, ERT_CU_STAT, ERT_SK_CONFIG, ERT_SK_UNCONFIG, ERT_CLK_CALIB
        2 | 3 | 6 | 8 | 10 | 13 => Ok(Command::Configure),
        other => Err(Error::NotSupported(format!(
            "command opcode {other} (ert.h) is for hardware that this card does not have"
        ))),
    }
}

fn too_short(words: usize) -> Error {
    Error::Invalid(format!(
        "the execution buffer must hold {words} words for its command"
    ))
}

fn join(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// The compute units of the masks, and what follows the masks.
fn split_masks(payload: &[u32], extra_masks: usize) -> Result<(Vec<usize>, &[u32])> {
    let (masks, rest) = payload
        .split_at_checked(1 + extra_masks)
        .ok_or_else(|| too_short(2 + extra_masks))?;
    let units = masks.iter().enumerate().flat_map(|(word, &mask)| {
        (0..32)
            .filter(move |bit| mask >> bit & 1 != 0)
            .map(move |bit| word * 32 + bit)
    });
    Ok((units.collect(), rest))
}

/// A word at its place is the value of the register at that offset.
fn register_image(image: &[u32]) -> Vec<(u32, u32)> {
    let words = image.iter().enumerate().skip(CONTROL_WORDS);
    words
        .map(|(index, &value)| (index as u32 * 4, value))
        .collect()
}

fn register_pairs(pairs: &[u32]) -> Vec<(u32, u32)> {
    let pairs = pairs.chunks_exact(2);
    pairs.map(|pair| (pair[0], pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(opcode: u32, count: u32, extra_masks: u32) -> u32 {
        opcode << 23 | count << 12 | extra_masks << 10 | State::New as u32
    }

    #[test]
    fn a_start_takes_its_units_from_all_masks_and_leaves_the_control_registers_alone() {
        let words = [header(0, 8, 1), 0b101, 0b10, 1, 2, 3, 4, 0xA, 0xB];
        assert_eq!(
            parse(&words).unwrap(),
            Command::Start {
                units: vec![0, 2, 33],
                registers: vec![(0x10, 0xA), (0x14, 0xB)],
            }
        );
    }

    #[test]
    fn key_value_starts_name_their_registers() {
        let words = [header(15, 5, 0), 1, 0x20, 7, 0x10, 8];
        let expected = Command::Start {
            units: vec![0],
            registers: vec![(0x20, 7), (0x10, 8)],
        };
        assert_eq!(parse(&words).unwrap(), expected);
        let words = [header(5, 11, 0), 1, 0, 0, 0, 0, 0, 0, 0x20, 7, 0x10, 8];
        assert_eq!(parse(&words).unwrap(), expected);
    }

    #[test]
    fn copies_and_aborts_name_buffers() {
        let mut words = [0; 18];
        words[0] = header(7, 16, 3);
        words[9..17].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(
            parse(&words).unwrap(),
            Command::Copy {
                source: 3,
                source_offset: 2 << 32 | 1,
                target: 6,
                target_offset: 5 << 32 | 4,
                len: 8 << 32 | 7,
            }
        );
        assert_eq!(
            parse(&[header(4, 2, 0), 0, 9, 0]).unwrap(),
            Command::Abort { buffer: 9 }
        );
    }

    #[test]
    fn truncated_old_and_unknown_commands_are_refused() {
        for words in [
            &[][..],
            &[header(0, 3, 0), 1],
            &[header(0, 0, 0)],
            &[header(7, 3, 3), 0, 0, 0],
            &[header(11, 3, 0), 0, 0, 0],
            &[header(4, 0, 0), 0],
        ] {
            assert!(parse(words).is_err(), "{words:x?}");
        }
        assert!(parse(&[4]).unwrap_err().to_string().contains("NEW"));
        let error = parse(&[header(12, 0, 0)]).unwrap_err();
        assert!(error.to_string().contains("12"), "{error}");
    }

    #[test]
    fn a_new_state_keeps_the_rest_of_the_header() {
        let word = AtomicU32::new(header(0, 8, 1));
        set_state(&word, State::Completed);
        assert_eq!(word.into_inner(), header(0, 8, 1) & !0xF | 4);
    }
}
