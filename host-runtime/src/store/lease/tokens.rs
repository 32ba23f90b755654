//! How a process knows that it acts under a lease: it took the lease itself, or its parent did and says so in the
//! environment.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::card_id::CardId;

/// Environment variable with the tokens of the leases that a process may use, for instance `sim:0=TOKEN,sim:1=TOKEN`.
pub const LEASE_VARIABLE: &str = "FPGA_LEASE";

/// The tokens of this process' own leases, by the card's folder.
static OWN: Mutex<Vec<(PathBuf, String)>> = Mutex::new(Vec::new());

/// A new token for a lease of the card that has this folder. It begins with the folder's number, so that it is not taken
/// for one of a card of the same name in another state folder.
pub(super) fn new(folder: &Path) -> String {
    format!("{}{}", number_of(folder), uuid::Uuid::new_v4().simple())
}

fn number_of(folder: &Path) -> String {
    let number = folder.metadata().map_or(0, |folder| folder.ino());
    format!("{number:016x}")
}

/// A token of this process' own. Dropped, it is forgotten.
#[derive(Debug)]
pub(super) struct Known(String);

impl Known {
    pub(super) fn new(folder: &Path, token: &str) -> Self {
        OWN.lock().push((canonical(folder), token.to_owned()));
        Self(token.to_owned())
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        OWN.lock().retain(|(_, token)| *token != self.0);
    }
}

/// The token under which this process may open a card.
pub(super) fn token_of(card: CardId, folder: &Path) -> Option<String> {
    let path = canonical(folder);
    let own = OWN.lock();
    let found = own.iter().rev().find(|(of, _)| *of == path);
    found.map(|(_, token)| token.clone()).or_else(|| {
        let token = inherited(card, &std::env::var(LEASE_VARIABLE).ok()?)?;
        token.starts_with(&number_of(folder)).then_some(token)
    })
}

/// The token that an environment gives for a card.
fn inherited(card: CardId, variable: &str) -> Option<String> {
    let card = card.to_string();
    let mut entries = variable
        .split(',')
        .filter_map(|entry| entry.split_once('='));
    // The last one was added last.
    let (_, token) = entries.rfind(|(of, _)| *of == card)?;
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| token.to_owned())
}

/// The variable's value for a child: what this process was given, and one more token.
pub(crate) fn variable(card: CardId, token: &str) -> String {
    let inherited = std::env::var(LEASE_VARIABLE).ok();
    let inherited = inherited.filter(|value| !value.is_empty());
    let before = inherited.map_or_else(String::new, |value| format!("{value},"));
    format!("{before}{card}={token}")
}

fn canonical(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_gives_each_card_its_latest_token() {
        let variable = "sim:0=a1,software:0=b2,sim:0=c3,sim:1=../x,junk";
        let token = |card| inherited(card, variable);
        assert_eq!(token(CardId::Simulated(0)).as_deref(), Some("c3"));
        assert_eq!(token(CardId::Software(0)).as_deref(), Some("b2"));
        assert_eq!(
            token(CardId::Simulated(1)),
            None,
            "no way out of the folder"
        );
        assert_eq!(token(CardId::Simulated(2)), None);
    }
}
