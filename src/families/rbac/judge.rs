//! A case and the answers in, a verdict with its reason out. Pure.

mod token;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ask::{Ask, Rest};
use super::eks;
use super::parameters::{By, Place};
use super::seen::{AskedSeen, Seen};
use crate::families::ruling::{self, Ruling, broken, holds, inconclusive, or_nothing};
use crate::families::{CaseResult, Column, JudgeError, Stance, ask_of};
use crate::model::Verdict;
use crate::plan::Case;

/// So many answers of a subject must agree with the rules before they alone count for what was not asked about it: see
/// `bounded-reviews` in docs/semantics.md.
const LEAST: usize = 5;

/// Judges cases by the answers.
///
/// # Errors
/// [`JudgeError`] where a case's `ask` is not of this family.
pub(super) fn judge(cases: &[Case], seen: &Seen) -> Result<Vec<CaseResult>, JudgeError> {
    let record = Record::of(seen);
    cases
        .iter()
        .map(|case| {
            let Form { by } = ask_of(case)?;
            if by.is_of_eks() {
                return Ok(eks::judged(case, &ask_of(case)?, seen.eks.as_ref()));
            }
            let ask: Ask = ask_of(case)?;
            if ask.by == By::Token {
                return Ok(token::judged(case, &ask, seen));
            }
            let asked: Vec<&AskedSeen> = ask.asked.iter().filter_map(|key| seen.asked.get(key)).collect();
            let observed = column(&asked, &ask.rest, |one| one.answer, |one| &one.said);
            let judgement = rule(case, &ask, &asked, seen, &record).beside(
                ruling::column(Stance::Denied, "no tenant acts beyond its own"),
                computed(column(&asked, &ask.rest, |one| one.computed, |one| &one.because), &ask.rest),
                beside_the_rest(observed, asked.len(), &ask.rest),
            );
            let evidence = evidence(&ask, &asked, judgement.verdict);
            Ok(CaseResult { case: case.clone(), judgement, evidence })
        })
        .collect()
}

/// By what a case is judged, which says of what shape the rest of its `ask` is.
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    by: By,
}

/// How the rules stood up in the whole run, which is what questions that were not asked rest on.
struct Record<'a> {
    /// How many questions of each subject were answered as the rules say.
    confirmed: BTreeMap<&'a str, usize>,
    /// A question that was answered otherwise.
    differs: Option<&'a AskedSeen>,
}

impl<'a> Record<'a> {
    fn of(seen: &'a Seen) -> Self {
        let mut record = Self { confirmed: BTreeMap::new(), differs: None };
        for one in seen.asked.values().filter(|one| one.answer != Stance::Unknown) {
            if one.answer == one.computed {
                *record.confirmed.entry(one.question.subject.as_str()).or_default() += 1;
            } else {
                record.differs.get_or_insert(one);
            }
        }
        record
    }

    /// Why questions that were not asked can't rest on the rules alone; `None` where they can.
    fn obstacle(&self, ask: &Ask, asked: &[&AskedSeen]) -> Option<Ruling> {
        let rest = &ask.rest;
        let raise = "raise --max-reviews, or choose tenants with --tenant";
        if rest.allowed > 0 {
            let why =
                format!("roles grant what the API server was not asked about ({}): {}", bound(rest), rest.because);
            return Some(inconclusive(
                "not-asked",
                why,
                "take the binding away, or raise --max-reviews to see it confirmed",
            ));
        }
        if rest.unknown > 0 {
            let why = format!("{} of what was not asked ({})", rest.because, bound(rest));
            return Some(inconclusive("not-understood", why, "make what is named readable to the runner"));
        }
        if let Some(one) = self.differs {
            let why = format!(
                "{} questions were not asked ({}), and the rules alone don't tell them: whether {} may {} was answered \
                 otherwise than they say",
                rest.count(),
                bound(rest),
                one.question.subject,
                one.question.what()
            );
            return Some(inconclusive("not-asked", why, raise));
        }
        // Another authorizer may let a subject in here and nowhere else.
        let here = |subject: &&String| asked.iter().any(|one| one.question.subject == **subject);
        if let Some(untried) = ask.subjects.iter().find(|subject| !here(subject)) {
            let why = format!(
                "{} questions were not asked ({}), and none about {untried} was: its refusals elsewhere show nothing here",
                rest.count(),
                bound(rest)
            );
            return Some(inconclusive("not-asked", why, raise));
        }
        let of = |subject: &String| self.confirmed.get(subject.as_str()).copied().unwrap_or_default();
        let few = ask.subjects.iter().find(|subject| of(subject) < LEAST)?;
        let why = format!(
            "{} questions were not asked ({}), and of {few} only {} others were: fewer than {LEAST} confirm nothing",
            rest.count(),
            bound(rest),
            of(few)
        );
        Some(inconclusive("not-asked", why, raise))
    }
}

fn bound(rest: &Rest) -> String {
    format!("bound of {}", rest.bound)
}

/// The column of the rules, which is about all questions.
fn computed(column: Column, rest: &Rest) -> Column {
    if rest.allowed > 0 && column.stance != Stance::Allowed {
        return ruling::column(Stance::Allowed, rest.because.clone());
    }
    if rest.unknown > 0 && column.stance == Stance::Denied {
        return ruling::column(Stance::Unknown, rest.because.clone());
    }
    column
}

/// The column of the answers, which is about those questions alone that were asked.
fn beside_the_rest(column: Column, asked: usize, rest: &Rest) -> Column {
    if rest.is_none() || column.stance == Stance::Allowed {
        return column;
    }
    let alone = format!("computed alone; not asked of the API server: {}", bound(rest));
    if asked == 0 {
        return ruling::column(Stance::Unknown, alone);
    }
    Column { because: format!("{}; {} more {alone}", column.because, rest.count()), ..column }
}

fn rule(of: &Case, ask: &Ask, asked: &[&AskedSeen], seen: &Seen, record: &Record<'_>) -> Ruling {
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
    if asked.len() < ask.asked.len() || (asked.is_empty() && ask.rest.is_none()) {
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
    let (place, subjects) = (place(of, ask.place), ask.subjects.len());
    if ask.rest.is_none() {
        return holds(format!(
            "{} questions about {subjects} subjects {place} are all refused, by the rules and by the API server; each \
             subject is allowed what it must be",
            asked.len(),
        ));
    }
    if let Some(obstacle) = record.obstacle(ask, asked) {
        return obstacle;
    }
    let confirmed = ask.subjects.iter().filter_map(|subject| record.confirmed.get(subject.as_str())).min();
    holds(format!(
        "{} questions about {subjects} subjects {place} are all refused by the rules; the API server was asked {} of them \
         ({}) and refuses these too, and at least {} about each of the subjects in this run, each answered as the rules \
         say; each subject is allowed what it must be",
        asked.len() + ask.rest.count(),
        asked.len(),
        bound(&ask.rest),
        confirmed.copied().unwrap_or_default(),
    ))
}

fn place(of: &Case, place: Place) -> String {
    match place {
        Place::AnotherTenant => format!("in {}", of.to),
        Place::OwnNamespaces => format!("in {}", of.from),
        Place::Elsewhere => "in namespaces of no tenant".to_owned(),
        Place::Cluster => "on the cluster".to_owned(),
    }
}

/// The column over all questions: what one allows outweighs what all others refuse.
fn column(
    asked: &[&AskedSeen],
    rest: &Rest,
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
        None if !rest.is_none() => {
            Column { stance: Stance::Denied, because: format!("all {} questions", rest.count()) }
        }
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
