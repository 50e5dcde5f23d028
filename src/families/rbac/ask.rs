//! What a case asks of the rules and of the API server.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::parameters::{By, Place};
use crate::families::Stance;

/// What a case asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    /// How.
    #[serde(default, skip_serializing_if = "By::is_review")]
    pub(super) by: By,
    /// Where.
    pub(super) place: Place,
    /// The subjects.
    pub(super) subjects: BTreeSet<String>,
    /// The keys of its questions.
    pub(super) asked: Vec<String>,
    /// Its questions that are not asked of the API server.
    #[serde(default, skip_serializing_if = "Rest::is_none")]
    pub(super) rest: Rest,
}

/// Questions that are beyond the bound: what the rules alone say of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rest {
    /// The most questions that a run asks.
    pub(super) bound: usize,
    /// How many the rules refuse.
    pub(super) denied: usize,
    /// How many they allow.
    pub(super) allowed: usize,
    /// Of how many it can't be told.
    pub(super) unknown: usize,
    /// What makes the first that they don't refuse so: who, what, and by which chain.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) because: String,
}

impl Rest {
    /// Whether everything is asked.
    pub(super) fn is_none(&self) -> bool {
        self.count() == 0
    }

    /// How many questions are not asked.
    pub(super) fn count(&self) -> usize {
        self.denied + self.allowed + self.unknown
    }

    pub(super) fn add(&mut self, stance: Stance, because: impl FnOnce() -> String) {
        match stance {
            Stance::Denied => self.denied += 1,
            Stance::Allowed => self.allowed += 1,
            Stance::Unknown => self.unknown += 1,
        }
        if stance != Stance::Denied && self.because.is_empty() {
            self.because = because();
        }
    }
}
