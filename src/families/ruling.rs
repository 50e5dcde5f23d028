//! A verdict with its reason, before its columns: what the families' judges have in common.

use super::judgement::{Cause, Column, Judgement, Stance};
use crate::model::Verdict;

/// A verdict without its columns.
pub(super) struct Ruling {
    pub(super) verdict: Verdict,
    pub(super) reason: String,
    pub(super) cause: Option<Cause>,
}

impl Ruling {
    /// The whole judgement, where no control case of the network is a part of it.
    pub(super) fn beside(self, declared: Column, computed: Column, observed: Column) -> Judgement {
        let Self { verdict, reason, cause } = self;
        Judgement { verdict, reason, declared, computed, observed, control: None, cause }
    }
}

/// What was seen to hold.
pub(super) fn holds(reason: String) -> Ruling {
    Ruling { verdict: Verdict::Pass, reason, cause: None }
}

/// A promise that was seen to be broken.
pub(super) fn broken(kind: &str, reason: String, sentence: String, remedy: String) -> Ruling {
    let cause = Some(Cause { kind: kind.to_owned(), sentence, remedy });
    Ruling { verdict: Verdict::Fail, reason, cause }
}

/// What proves nothing.
pub(super) fn inconclusive(kind: &str, reason: String, remedy: &str) -> Ruling {
    let cause = Some(Cause { kind: kind.to_owned(), sentence: reason.clone(), remedy: remedy.to_owned() });
    Ruling { verdict: Verdict::Inconclusive, reason, cause }
}

/// What was not tried, and what would have it tried.
pub(super) fn skipped(kind: &str, reason: impl Into<String>, remedy: &str) -> Ruling {
    Ruling { verdict: Verdict::Skipped, ..inconclusive(kind, reason.into(), remedy) }
}

/// A column.
pub(super) fn column(stance: Stance, because: impl Into<String>) -> Column {
    Column { stance, because: because.into() }
}

/// What an API server said, though that may be nothing.
pub(super) fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "no reason given" } else { text }
}
