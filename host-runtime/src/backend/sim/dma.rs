//! Copying between the host's memory and the card's within one process. It stands for a card's DMA, so what strikes DMA
//! strikes it, and is found as on a link: by the memory's error correction, by parity, by a count of the bytes that moved.

use cosim::{DeviceMemory, MemoryError};

use crate::backend::BusError;
use crate::faults::{ErrorResponse, FaultInjector, Transfer, TransferStrike};

/// Copies bytes to the card.
pub(super) fn to_card(
    faults: &FaultInjector,
    memory: &DeviceMemory,
    address: u64,
    bytes: &[u8],
) -> Result<(), BusError> {
    let asked = bytes.len();
    let moved = strike(faults, memory, true, address, asked)?;
    let written = memory.write(address, &bytes[..moved]);
    written.map_err(|error| memory_error(&error, address, asked))?;
    check_moved("to", address, moved, asked)
}

/// Copies bytes from the card.
pub(super) fn from_card(
    faults: &FaultInjector,
    memory: &DeviceMemory,
    address: u64,
    bytes: &mut [u8],
) -> Result<(), BusError> {
    let asked = bytes.len();
    let moved = strike(faults, memory, false, address, asked)?;
    let read = memory.read(address, &mut bytes[..moved]);
    read.map_err(|error| memory_error(&error, address, asked))?;
    check_moved("from", address, moved, asked)
}

/// Copies bytes within the card.
pub(super) fn within(
    memory: &DeviceMemory,
    from: u64,
    to: u64,
    len: usize,
) -> Result<(), BusError> {
    let copied = memory.copy(from, to, len);
    copied.map_err(|error| memory_error(&error, from, len))
}

pub(super) fn memory_error(error: &MemoryError, address: u64, len: usize) -> BusError {
    match *error {
        MemoryError::Uncorrectable { address } => BusError::Uncorrectable { address },
        _ => BusError::Memory { address, len },
    }
}

/// Flips the bits in memory that a strike asks for.
pub(super) fn upset(memory: &DeviceMemory, strike: &TransferStrike, transfer: Transfer) {
    let word = strike.random % (transfer.len as u64).div_ceil(cosim::ECC_WORD).max(1);
    let bit = (strike.random >> 32) as u32 % 64;
    for other in 0..strike.upset {
        // What is outside the memory fails when it is accessed.
        let _ = memory.flip(transfer.address + word * cosim::ECC_WORD, bit + 7 * other);
    }
}

/// What a strike does to a transfer; how many bytes move.
fn strike(
    faults: &FaultInjector,
    memory: &DeviceMemory,
    to_card: bool,
    address: u64,
    len: usize,
) -> Result<usize, BusError> {
    let transfer = Transfer {
        to_card,
        address,
        len,
    };
    let Some(strike) = faults.transfer(transfer) else {
        return Ok(len);
    };
    let failed = |reason| {
        Err(BusError::Transfer {
            direction: if to_card { "to" } else { "from" },
            address,
            len,
            reason,
        })
    };
    upset(memory, &strike, transfer);
    match strike {
        TransferStrike {
            response: Some(ErrorResponse::Slverr),
            ..
        } => failed("SLVERR: the card's memory refused"),
        TransferStrike {
            response: Some(ErrorResponse::Decerr),
            ..
        } => failed("DECERR: the card has no memory there"),
        TransferStrike {
            flip: Some(false), ..
        } => failed("parity: the data was damaged on the way, again and again"),
        // Nothing here has to be waited for: the engine is stopped at once.
        TransferStrike { hang: true, .. } => failed("the DMA engine did not end, and was stopped"),
        TransferStrike { short: true, .. } => Ok(len / 2),
        _ => Ok(len),
    }
}

fn check_moved(
    direction: &'static str,
    address: u64,
    moved: usize,
    asked: usize,
) -> Result<(), BusError> {
    if moved == asked {
        return Ok(());
    }
    Err(BusError::Short {
        direction,
        address,
        moved,
        asked,
    })
}
