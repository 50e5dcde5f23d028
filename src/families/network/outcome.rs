//! What a try came to, from its attempts and the target's own record.

use std::collections::BTreeMap;

use super::seen::TrySeen;
use crate::probe::wire::Outcome;

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The expected peer answered, at least once.
    Through,
    /// Something got through, but no answer came back: a leak in one direction.
    OneWay,
    /// Nothing got through, and the target has it on record that nothing arrived.
    Blocked,
    /// The kernel lacks the protocol.
    Unsupported,
    /// It can't be told.
    Unclear,
}

/// Reads a try. One attempt that got through outweighs all that did not.
pub(super) fn came(seen: &TrySeen) -> Came {
    let outcomes = || seen.attempts.iter().map(|attempt| &attempt.outcome);
    if outcomes().any(Outcome::is_connected) {
        return Came::Through;
    }
    if seen.arrivals.is_some_and(|arrivals| arrivals > 0) {
        return Came::OneWay;
    }
    if seen.fault.is_some() || seen.attempts.is_empty() {
        return Came::Unclear;
    }
    if outcomes().all(|outcome| *outcome == Outcome::Unsupported) {
        return Came::Unsupported;
    }
    if outcomes().all(Outcome::is_denial) && seen.arrivals == Some(0) {
        return Came::Blocked;
    }
    Came::Unclear
}

/// The outcomes of many tries in a few words: `6 attempts: 4 timeout, 2 refused; nothing arrived`.
pub(super) fn in_words<'a>(tries: impl Iterator<Item = &'a TrySeen>) -> String {
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut faults: Vec<&str> = Vec::new();
    let (mut attempts, mut arrivals, mut unheard) = (0, 0, false);
    for seen in tries {
        for attempt in &seen.attempts {
            *outcomes.entry(attempt.outcome.to_string()).or_default() += 1;
            attempts += 1;
        }
        if let Some(fault) = &seen.fault
            && !faults.contains(&fault.as_str())
        {
            faults.push(fault);
        }
        match seen.arrivals {
            Some(count) => arrivals += count,
            None => unheard = true,
        }
    }
    let mut words = if attempts == 0 {
        "nothing was tried".to_owned()
    } else {
        let outcomes: Vec<String> = outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        let plural = if attempts == 1 { "attempt" } else { "attempts" };
        format!("{attempts} {plural}: {}", outcomes.join(", "))
    };
    if attempts > 0 {
        if unheard {
            words.push_str("; the target's record is missing");
        } else if arrivals == 0 {
            words.push_str("; nothing arrived");
        } else {
            words.push_str("; the target saw it arrive");
        }
    }
    for fault in faults {
        words.push_str("; ");
        words.push_str(fault);
    }
    words
}
