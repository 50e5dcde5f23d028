//! Whether a tenant reaches where the log is kept.

use std::collections::BTreeSet;

use super::{Found, broken};
use crate::families::Stance;
use crate::families::audit::seen::{Seen, SinkSeen};
use crate::families::ruling::{column, holds, inconclusive, or_nothing};

/// Whether any subject may do any of this.
pub(super) fn reached(seen: &Seen, subjects: &BTreeSet<String>, asked: &[String], changes: bool) -> Found {
    let declared = if changes { "no tenant changes anything there" } else { "no tenant reads anything there" };
    let answers: Vec<(&String, &SinkSeen)> = asked.iter().filter_map(|key| Some((key, seen.sink.get(key)?))).collect();
    let allowed: Vec<_> = answers.iter().filter(|(_, one)| one.answer == Stance::Allowed).collect();
    let mute = answers.iter().find(|(_, one)| one.answer == Stance::Unknown);
    let uncontrolled = subjects.iter().find(|subject| seen.subjects.get(*subject) != Some(&Stance::Allowed));
    let grant = "grant `create` on subjectaccessreviews.authorization.k8s.io to the runner, and see that every authorizer answers";
    let (ruling, stance) = if let Some((key, one)) = allowed.first() {
        let subject = key.strip_suffix(one.what.as_str()).unwrap_or(key).trim_end_matches(": ");
        let more = if allowed.len() > 1 { format!(", and {} more", allowed.len() - 1) } else { String::new() };
        let reason = format!("{subject} may {}{more}: {}", one.what, or_nothing(&one.said));
        let remedy = "take the subject out of the binding that is named: who is recorded must not reach the record";
        (broken("sink-open", reason, remedy), Stance::Allowed)
    } else if answers.len() < asked.len() || answers.is_empty() {
        let why = format!("{} of {} questions were not asked", asked.len() - answers.len(), asked.len());
        (inconclusive("not-asked", why, "run again"), Stance::Unknown)
    } else if let Some((key, one)) = mute {
        (
            inconclusive("not-answered", format!("{key} was not answered: {}", or_nothing(&one.said)), grant),
            Stance::Unknown,
        )
    } else if let Some(subject) = uncontrolled {
        let why = format!("{subject} is refused what every subject is allowed, so its refusals show nothing");
        let remedy = "give the subject what ClusterRole system:basic-user grants";
        (inconclusive("control-missing", why, remedy), Stance::Denied)
    } else {
        let reason = format!(
            "{} questions about {} subjects are all refused; each is allowed what it must be",
            asked.len(),
            subjects.len()
        );
        (holds(reason), Stance::Denied)
    };
    let mut found = Found::of(ruling, declared);
    found.declared.stance = Stance::Denied;
    found.computed = column(Stance::Unknown, "roles and bindings are computed by the rbac family");
    found.observed = column(stance, format!("{} of {} questions are allowed", allowed.len(), answers.len()));
    found.evidence = asked.iter().map(|key| format!("sink/{key}")).collect();
    found
}
