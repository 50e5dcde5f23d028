//! A case and what was seen in, a verdict with its reason out. Pure.

mod cause;
mod policies;
#[cfg(test)]
mod tests;
mod tries;

use super::ask::{Ask, Question};
use super::seen::{Answer, Seen, TrySeen};
use crate::families::ruling::{Ruling, column, inconclusive};
use crate::families::{CaseResult, Column, JudgeError, Stance, ask_of};
use crate::plan::Case;

/// Judges cases by what was seen. The same observations give the same verdicts, whenever.
///
/// # Errors
/// [`JudgeError`] where a case's `ask` is not of this family.
pub fn judge(cases: &[Case], seen: &Seen) -> Result<Vec<CaseResult>, JudgeError> {
    let result = |case: &Case| {
        let ask: Ask = ask_of(case)?;
        let Found { ruling, computed, observed } = found(&ask, seen);
        let judgement = ruling.beside(column(Stance::Denied, declared(&ask)), computed, observed);
        Ok(CaseResult { case: case.clone(), judgement, evidence: evidence(&ask) })
    };
    cases.iter().map(result).collect()
}

/// What a case came to: its ruling, and what the policies and the requests say.
struct Found {
    ruling: Ruling,
    computed: Column,
    observed: Column,
}

impl Found {
    /// What was judged without a look at anything.
    fn nothing(ruling: Ruling) -> Self {
        let unknown = || column(Stance::Unknown, "nothing that counts was seen");
        Self { ruling, computed: unknown(), observed: unknown() }
    }
}

fn declared(ask: &Ask) -> String {
    match (&ask.rule, &ask.question) {
        (_, Question::ExemptLabel { .. } | Question::Exception { .. }) => {
            "no tenant takes itself out of the rules".to_owned()
        }
        (Some(rule), _) => format!("rule {rule} of the tenancy"),
        (None, _) => "the rules of the tenancy".to_owned(),
    }
}

fn found(ask: &Ask, seen: &Seen) -> Found {
    if let Some(why) = seen.closed.get(&ask.namespace) {
        return Found::nothing(inconclusive(
            "unread",
            format!("{} can't be tried: {why}", ask.namespace),
            "give the runner what it needs, and run again",
        ));
    }
    match &ask.question {
        Question::Refused { pairs } => tries::refused(ask, pairs, seen),
        Question::Covered { key, others } => policies::covered(ask, key, others, seen),
        Question::FailClosed { key } => policies::fail_closed(ask, key, seen),
        Question::ExemptLabel { labels, reviews } => policies::exempt_label(ask, labels, reviews, seen),
        Question::Exception { engine, reviews } => policies::exception(ask, *engine, reviews, seen),
    }
}

/// Keys of what a verdict rests on.
fn evidence(ask: &Ask) -> Vec<String> {
    match &ask.question {
        Question::Refused { pairs } => pairs.iter().flat_map(|(key, twin)| [key.clone(), twin.clone()]).collect(),
        Question::Covered { key, others } => std::iter::once(key).chain(others).cloned().collect(),
        Question::FailClosed { key } => vec![key.clone()],
        Question::ExemptLabel { reviews, .. } | Question::Exception { reviews, .. } => {
            reviews.iter().map(|(_, key)| key.clone()).collect()
        }
    }
}

/// What a request came to, in words.
fn in_words(tried: &TrySeen) -> String {
    let Some(last) = tried.decisive().last() else {
        let why = tried.not_tried.as_deref().unwrap_or("it was not asked");
        return format!("{}: {why}", tried.asked);
    };
    let times = tried.decisive().filter(|one| one.answer == last.answer).count();
    let what = match &last.answer {
        Answer::Accepted { breaks: None } => "taken, and meets the rule".to_owned(),
        Answer::Accepted { breaks: Some(why) } => format!("taken ({why})"),
        Answer::Refused { code, message } => format!("refused ({code} {})", shortened(message)),
        Answer::Silent { why } => format!("no answer ({why})"),
    };
    format!("{}: {what}, {times} of {} times", tried.asked, tried.decisive().count())
}

/// A refusal's text on one line, without the object's name before it.
fn shortened(message: &str) -> String {
    let said = message.split_once(" is forbidden: ").map_or(message, |(_, said)| said);
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
