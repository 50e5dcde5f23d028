//! A case and what was seen in, a verdict with its reason out. Pure.

mod log;
mod policy;
mod record;
mod sink;
#[cfg(test)]
mod tests;

use super::ask::Ask;
use super::seen::Seen;
use crate::families::ruling::{self, Ruling, column};
use crate::families::{CaseResult, Column, JudgeError, Stance, ask_of};
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
        let Found { ruling, declared, computed, observed, evidence } = found;
        let judgement = ruling.beside(declared, computed, observed);
        Ok(CaseResult { case: case.clone(), judgement, evidence })
    };
    cases.iter().map(result).collect()
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

/// A promise that was seen to be broken: its reason is what is wrong.
fn broken(kind: &str, reason: String, remedy: &str) -> Ruling {
    ruling::broken(kind, reason.clone(), reason, remedy.to_owned())
}
