//! A case and what was seen in, a verdict with its reason out. Pure.

mod log;
mod policy;
mod record;
mod sink;
#[cfg(test)]
mod tests;

use super::ask::Ask;
use super::seen::Seen;
use crate::families::{CaseResult, Cause, Column, JudgeError, Judgement, Stance, ask_of};
use crate::model::Verdict;
use crate::plan::Case;

/// Judges cases by what was seen. The same observations give the same verdicts, whenever.
///
/// # Errors
/// [`JudgeError`] where a case's `ask` is not of this family.
pub(super) fn judge(cases: &[Case], seen: &Seen) -> Result<Vec<CaseResult>, JudgeError> {
    let result = |case: &Case| {
        let found = match ask_of(case)? {
            Ask::Record { deed, namespace, promised } => record::recorded(seen, deed, &namespace, promised),
            Ask::Impersonation { namespace, promised } => record::under_both_names(seen, &namespace, promised),
            Ask::Policy { tenant, topic, promised } => policy::keeps(seen, &tenant, topic, promised),
            Ask::Exempt { tenant } => policy::exempts(seen, &tenant),
            Ask::Stages { tenant } => policy::stages(seen, &tenant),
            Ask::InForce { namespaces } => policy::in_force(seen, &namespaces),
            Ask::Sink { subjects, asked, changes } => sink::reached(seen, &subjects, &asked, changes),
        };
        let Found { ruling: Ruling { verdict, reason, cause }, declared, computed, observed, evidence } = found;
        let judgement = Judgement { verdict, reason, declared, computed, observed, control: None, cause };
        Ok(CaseResult { case: case.clone(), judgement, evidence })
    };
    cases.iter().map(result).collect()
}

/// A verdict without its columns.
struct Ruling {
    verdict: Verdict,
    reason: String,
    cause: Option<Cause>,
}

/// What a case came to: its ruling, its columns, and the keys of what it rests on.
struct Found {
    ruling: Ruling,
    declared: Column,
    computed: Column,
    observed: Column,
    evidence: Vec<String>,
}

impl Found {
    /// A ruling about something that the policy's text alone or nothing says.
    fn of(ruling: Ruling, declared: &str) -> Self {
        Self {
            ruling,
            declared: column(Stance::Allowed, declared),
            computed: column(Stance::Unknown, "no audit policy was given"),
            observed: column(Stance::Unknown, "nothing was looked for"),
            evidence: Vec::new(),
        }
    }
}

fn column(stance: Stance, because: impl Into<String>) -> Column {
    Column { stance, because: because.into() }
}

fn holds(reason: String) -> Ruling {
    Ruling { verdict: Verdict::Pass, reason, cause: None }
}

fn broken(kind: &str, reason: String, remedy: &str) -> Ruling {
    Ruling { verdict: Verdict::Fail, cause: Some(cause(kind, &reason, remedy)), reason }
}

fn inconclusive(kind: &str, reason: String, remedy: &str) -> Ruling {
    Ruling { verdict: Verdict::Inconclusive, cause: Some(cause(kind, &reason, remedy)), reason }
}

fn skipped(kind: &str, reason: &str, remedy: &str) -> Ruling {
    Ruling { verdict: Verdict::Skipped, cause: Some(cause(kind, reason, remedy)), reason: reason.to_owned() }
}

fn cause(kind: &str, sentence: &str, remedy: &str) -> Cause {
    Cause { kind: kind.to_owned(), sentence: sentence.to_owned(), remedy: remedy.to_owned() }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "no reason given" } else { text }
}
