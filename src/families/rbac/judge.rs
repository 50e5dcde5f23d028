//! A case and the answers in, a verdict with its reason out. Pure.

use super::parameters::Place;
use super::plan::Ask;
use super::seen::{AskedSeen, Seen};
use crate::families::ruling::{self, Ruling, broken, holds, inconclusive, or_nothing};
use crate::families::{CaseResult, Column, JudgeError, Stance, ask_of};
use crate::model::Verdict;
use crate::plan::Case;

/// Judges cases by the answers.
///
/// # Errors
/// [`JudgeError`] where a case's `ask` is not of this family.
pub(super) fn judge(cases: &[Case], seen: &Seen) -> Result<Vec<CaseResult>, JudgeError> {
    cases
        .iter()
        .map(|case| {
            let ask: Ask = ask_of(case)?;
            let asked: Vec<&AskedSeen> = ask.asked.iter().filter_map(|key| seen.asked.get(key)).collect();
            let judgement = rule(case, &ask, &asked, seen).beside(
                ruling::column(Stance::Denied, "no tenant acts beyond its own"),
                column(&asked, |one| one.computed, |one| &one.because),
                column(&asked, |one| one.answer, |one| &one.said),
            );
            let evidence = evidence(&ask, &asked, judgement.verdict);
            Ok(CaseResult { case: case.clone(), judgement, evidence })
        })
        .collect()
}

fn rule(of: &Case, ask: &Ask, asked: &[&AskedSeen], seen: &Seen) -> Ruling {
    let allowed: Vec<&&AskedSeen> = asked.iter().filter(|one| one.answer == Stance::Allowed).collect();
    // What a reader knows best comes first.
    let known = |one: &&&&AskedSeen| ["secrets", "pods", "configmaps"].contains(&one.question.resource.as_str());
    if let Some(first) = allowed.iter().find(known).or(allowed.first()) {
        let more = if allowed.len() > 1 { format!(", and {} more", allowed.len() - 1) } else { String::new() };
        let reason = format!("{} may {}{more}", first.question.subject, first.question.what());
        return if first.computed == Stance::Allowed {
            let remedy = "take the subject out of the binding, or the rule out of the role";
            broken("granted", reason, first.because.clone(), remedy.to_owned())
        } else {
            let sentence = format!(
                "no role grants it, and the API server allows it: another authorizer does (it says: {})",
                or_nothing(&first.said)
            );
            let remedy = "look at the API server's other authorizers: webhooks, EKS access entries and their policies";
            broken("granted-elsewhere", reason, sentence, remedy.to_owned())
        };
    }
    if asked.len() < ask.asked.len() || asked.is_empty() {
        let why = format!("{} of {} questions were not asked", ask.asked.len() - asked.len(), ask.asked.len());
        return inconclusive("not-asked", why, "run again; the run ended before it had asked everything");
    }
    if let Some(mute) = asked.iter().find(|one| one.answer == Stance::Unknown) {
        let why =
            format!("whether {} may {} was not answered: {}", mute.question.subject, mute.question.what(), mute.said);
        return inconclusive(
            "not-answered",
            why,
            "grant `create` on subjectaccessreviews.authorization.k8s.io to the runner, and see that every authorizer of the API server answers",
        );
    }
    if let Some(unclear) = asked.iter().find(|one| one.computed == Stance::Unknown) {
        return inconclusive("not-understood", unclear.because.clone(), "make what is named readable to the runner");
    }
    if let Some(odd) = asked.iter().find(|one| one.computed == Stance::Allowed) {
        let why = format!(
            "roles grant {} to {}, and the API server refuses it ({}): {}",
            odd.question.what(),
            odd.question.subject,
            or_nothing(&odd.said),
            odd.because
        );
        return inconclusive(
            "not-confirmed",
            why,
            "run again; where it stays, an authorizer denies what RBAC grants, and may stop to",
        );
    }
    for subject in &ask.subjects {
        if seen.controls.get(subject).is_none_or(|control| control.answer != Stance::Allowed) {
            let said = seen.controls.get(subject).map_or("it was not asked", |control| control.said.as_str());
            let why = format!(
                "{subject} is refused what every subject is allowed, so its refusals show nothing: {}",
                or_nothing(said)
            );
            return inconclusive("control-missing", why, "give the subject what ClusterRole system:basic-user grants");
        }
    }
    let place = match ask.place {
        Place::AnotherTenant => format!("in {}", of.to),
        Place::OwnNamespaces => format!("in {}", of.from),
        Place::Cluster => "on the cluster".to_owned(),
    };
    let reason = format!(
        "{} questions about {} subjects {place} are all refused, by the rules and by the API server; each subject is \
         allowed what it must be",
        asked.len(),
        ask.subjects.len()
    );
    holds(reason)
}

/// The column over all questions: what one allows outweighs what all others refuse.
fn column(
    asked: &[&AskedSeen],
    stance: impl Fn(&AskedSeen) -> Stance,
    because: impl Fn(&AskedSeen) -> &String,
) -> Column {
    for wanted in [Stance::Allowed, Stance::Unknown] {
        if let Some(one) = asked.iter().find(|one| stance(one) == wanted) {
            return Column { stance: wanted, because: because(one).clone() };
        }
    }
    match asked.first() {
        Some(_) => Column { stance: Stance::Denied, because: format!("all {} questions", asked.len()) },
        None => Column { stance: Stance::Unknown, because: "nothing was asked".to_owned() },
    }
}

/// What a verdict rests on: what is allowed where something is, otherwise everything.
fn evidence(ask: &Ask, asked: &[&AskedSeen], verdict: Verdict) -> Vec<String> {
    let decisive = |one: &&&AskedSeen| match verdict {
        Verdict::Fail => one.answer == Stance::Allowed,
        _ => true,
    };
    let keys = asked.iter().filter(decisive).map(|one| format!("asked/{}", one.question.key()));
    keys.chain(ask.subjects.iter().map(|subject| format!("controls/{subject}"))).collect()
}

#[cfg(test)]
mod tests;
