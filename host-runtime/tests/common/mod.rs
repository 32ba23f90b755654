//! Cards with a state folder of their own, so that tests neither see each other nor the user's cards.

use host_runtime::{Card, CardId, OpenOptions};

pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions {
            purpose: "a test".to_owned(),
            state_folder: Some(self.folder.path().to_owned()),
            ..OpenOptions::default()
        }
    }

    pub(crate) fn open(&self, id: CardId) -> Card {
        Card::open_with(id, &self.options()).unwrap()
    }
}

pub(crate) const CARDS: [CardId; 2] = [CardId::Simulated(0), CardId::Software(0)];
