//! Whether what was done is on record: soon, under the right name, about the right object, and as much of it as was
//! promised.

use super::{Found, broken, log};
use crate::families::Stance;
use crate::families::audit::ask::Promised;
use crate::families::audit::deed::Deed;
use crate::families::audit::seen::{DeedSeen, LogSeen, NameSeen, Seen};
use crate::families::ruling::{Ruling, column, holds, inconclusive, or_nothing, skipped};
use crate::model::{AuditLevel, Namespace};
use crate::semantics::audit::{Event, Person, Stage};

const IMPERSONATE: &str = "let the runner impersonate the tenant's subject: `tenantproof permissions --impersonate`";
const WIDEN: &str = "raise the level in the rule of the audit policy that decides, or put a rule for this before it";

/// Whether a deed is on record.
pub(super) fn recorded(seen: &Seen, deed: Deed, namespace: &Namespace, promised: Promised) -> Found {
    let log = match log::given(seen) {
        Ok(log) => log,
        Err(ruling) => return Found::of(ruling, &declared(promised, None)),
    };
    let declared = declared(promised, Some(log));
    match chosen(seen, deed, namespace) {
        Ok((key, done)) => {
            let ruling = judged(seen, log, done, promised);
            found(seen, key, done, ruling, &declared)
        }
        Err(ruling) => Found::of(ruling, &declared),
    }
}

/// Whether an impersonated request is on record under both names.
pub(super) fn under_both_names(seen: &Seen, namespace: &Namespace, promised: Promised) -> Found {
    let declared = "both names are on record";
    let log = match log::given(seen) {
        Ok(log) => log,
        Err(ruling) => return Found::of(ruling, declared),
    };
    let Some((key, done)) = seen.of(Deed::Read, namespace).find(|(_, done)| done.name.is_some()) else {
        return Found::of(skipped("not-impersonated", "the runner may take no tenant's name", IMPERSONATE), declared);
    };
    let ruling = judged(seen, log, done, promised);
    let both = done.name.as_ref().map(|name| format!("{} and user {}", name.user, seen.runner.username));
    let ruling = if ruling.cause.is_none() {
        holds(format!(
            "a request that was made in another's name is on record under both: {}",
            both.unwrap_or_default()
        ))
    } else {
        ruling
    };
    found(seen, key, done, ruling, declared)
}

fn declared(Promised { least, most, within_ms }: Promised, log: Option<&LogSeen>) -> String {
    let level = if most == AuditLevel::RequestResponse {
        format!("at least {least}")
    } else if least == most {
        format!("{least}")
    } else {
        format!("at least {least} and at most {most}")
    };
    match log.map(|log| log.within_ms(within_ms)).or(within_ms) {
        Some(within) => format!("on record within {} s: {level}", within / 1000),
        None => format!("on record: {level}"),
    }
}

/// The one of the deeds that can show something.
fn chosen<'a>(seen: &'a Seen, deed: Deed, namespace: &'a Namespace) -> Result<(&'a String, &'a DeedSeen), Ruling> {
    let all: Vec<(&String, &DeedSeen)> = seen.of(deed, namespace).collect();
    let answered: Vec<_> = all.iter().filter(|(_, done)| done.answer.code != 0 && done.answer.code < 500).collect();
    let best = |fits: &dyn Fn(&DeedSeen) -> bool| {
        // The tenant's own first: its name is part of what is proved.
        let own = answered.iter().find(|(_, done)| done.name.is_some() && fits(done));
        own.or_else(|| answered.iter().find(|(_, done)| fits(done))).map(|one| **one)
    };
    let wanted = match deed {
        Deed::PodCreate => best(&|done| done.answer.accepted()),
        Deed::Foreign => best(&|done| done.answer.unauthorized()),
        Deed::Admission | Deed::Engine => best(&|done| done.answer.refused_later()),
        Deed::FenceChange | Deed::BindingChange => best(&|done| done.answer.accepted()).or_else(|| best(&|_| true)),
        _ => best(&|_| true),
    };
    if let Some(wanted) = wanted {
        return Ok(wanted);
    }
    // What was done tells more than what was refused.
    let said = all.iter().find(|(_, done)| done.answer.accepted()).or(all.first()).map(|(_, done)| {
        let words = or_nothing(&done.answer.message);
        if done.answer.accepted() { "it was accepted".to_owned() } else { format!("{}: {words}", done.answer.code) }
    });
    let said = said.as_deref();
    Err(match (deed, said) {
        (Deed::Foreign, None) => skipped(
            "not-impersonated",
            "the runner may take no tenant's name, and is refused nothing in its own",
            IMPERSONATE,
        ),
        (Deed::Engine, Some("it was accepted")) => skipped(
            "nothing-refuses",
            "nothing refuses a privileged pod here, so no refusal can be on record",
            "the admission family judges that",
        ),
        (_, None) => inconclusive("not-done", "nothing was done that could be on record".to_owned(), "run again"),
        (_, Some(said)) => inconclusive(
            "not-as-meant",
            format!("a subject {} was to be seen, and something else came of it ({said})", deed_meant(deed)),
            "look at what the API server says; where it refuses a small pod, this can't be tried there",
        ),
    })
}

const fn deed_meant(deed: Deed) -> &'static str {
    match deed {
        Deed::PodCreate => "that gets a pod",
        Deed::Foreign => "that authorization refuses",
        Deed::Admission | Deed::Engine => "whose pod admission refuses",
        _ => "that is answered",
    }
}

/// What the record of something that was done comes to.
fn judged(seen: &Seen, log: &LogSeen, done: &DeedSeen, promised: Promised) -> Ruling {
    let what = format!("`{}` by {}", done.about.in_words(), who(seen, done));
    let Some(event) = done.events.iter().find(|event| event.stage == Stage::ResponseComplete) else {
        return if let Some(other) = done.events.first() {
            let stage = other.stage;
            broken(
                "stage-missing",
                format!("of {what} the log has {stage:?} alone, and not what came of it"),
                "take ResponseComplete out of `omitStages` of the audit policy",
            )
        } else {
            missing(seen, log, done, &what, promised)
        };
    };
    let after = done.found_after_ms.unwrap_or(u64::MAX);
    let place = log::slowest(log).in_words();
    if let Some(late) = late(log, done, &what, after, promised) {
        return late;
    }
    if let Some(wrong) = wrong_name(seen, done, event) {
        return broken(
            "wrong-name",
            format!("{what} is on record as another's: {wrong}"),
            "look for a proxy in front of the API server, or for who else writes into this log",
        );
    }
    if let Some(wrong) = wrong_object(done, event) {
        return broken(
            "wrong-object",
            format!("{what} is on record as something else: {wrong}"),
            "look for who else writes into this log",
        );
    }
    if event.level < promised.least {
        return broken(
            "level-too-low",
            format!("of {what} the log has {}, and {} was promised", event.level, promised.least),
            WIDEN,
        );
    }
    let bodies = event.request_object || event.response_object;
    if event.level > promised.most || (promised.most == AuditLevel::Metadata && bodies) {
        let reason = format!(
            "of {what} the log has {}, and no more than {} was promised: values of Secrets are on record",
            event.level, promised.most
        );
        return broken(
            "secrets-on-record",
            reason,
            "put a rule of level Metadata for secrets before the one that decides",
        );
    }
    if let Some(missing) = missing_body(done, event) {
        return broken(
            "body-missing",
            format!("the record of {what} says {} and has no {missing}", event.level),
            "look whether events are cut: --audit-log-truncate-enabled, or the way to the log",
        );
    }
    let ruling = outcome(done, event, &what, place, after);
    if ruling.cause.is_none() && seen.runner.username.is_empty() {
        let reason =
            format!("{what} is on record, and whose request it was can't be told: who the runner is was not told");
        let remedy =
            "let the runner create selfsubjectreviews.authentication.k8s.io, as ClusterRole system:basic-user does";
        return inconclusive("runner-unknown", reason, remedy);
    }
    ruling
}

/// Why it did not come in time. It came between the last look that did not find it and the one that did, so where the promised
/// time is over between the two, neither is shown.
fn late(log: &LogSeen, done: &DeedSeen, what: &str, after: u64, promised: Promised) -> Option<Ruling> {
    let within = log.within_ms(promised.within_ms);
    if after <= within {
        return None;
    }
    let sought = log::sought(log, done);
    let place = log::slowest(log).in_words();
    if sought < within {
        let reason = format!(
            "the record of {what} came{place} between {} s and {} s after it; within {} s was promised",
            seconds(sought),
            seconds(after),
            seconds(within)
        );
        return Some(inconclusive("hardly-late", reason, "run again, or promise what the way to the log can hold"));
    }
    let reason = format!(
        "the record of {what} came{place} after {} s; within {} s was promised",
        seconds(after),
        seconds(within)
    );
    Some(broken("late", reason, "send events sooner, or promise what the way to the log can hold"))
}

/// Whether decision, status and message are on record as the API server told them.
fn outcome(done: &DeedSeen, event: &Event, what: &str, place: &str, after: u64) -> Ruling {
    let status = event.response_status.clone().unwrap_or_default();
    if status.code != done.answer.code {
        let reason = format!("{what} was answered {}, and {} is on record", done.answer.code, status.code);
        return broken("wrong-outcome", reason, "look for who else writes into this log");
    }
    let decision = event.annotations.get("authorization.k8s.io/decision").map(String::as_str);
    let expected = if done.answer.unauthorized() { "forbid" } else { "allow" };
    if decision != Some(expected) {
        let reason =
            format!("the record of {what} has the decision {}, and not `{expected}`", decision.unwrap_or("of nobody"));
        return broken("decision-missing", reason, "look whether annotations are taken out on the way to the log");
    }
    if done.deed.is_to_be_refused() && status.message != done.answer.message {
        let reason = format!("the record of {what} has not the refusal's words: {}", or_nothing(&status.message));
        return broken("refusal-missing", reason, "look whether messages are taken out on the way to the log");
    }
    let bodies = match (event.request_object, event.response_object) {
        (true, true) => ", with both bodies",
        (true, false) => ", with what was asked for",
        (false, true) => ", with what came back",
        (false, false) => "",
    };
    let refusal =
        if done.deed.is_to_be_refused() { format!("; the refusal's words: {}", status.message) } else { String::new() };
    holds(format!(
        "{what} is on record{place} after {} s at {}{bodies}: answered {}, decision `{expected}`{refusal}",
        seconds(after),
        event.level,
        status.code
    ))
}

/// There is no event. That is a finding only where the log had what was done after it, by the same API server.
fn missing(seen: &Seen, log: &LogSeen, done: &DeedSeen, what: &str, promised: Promised) -> Ruling {
    if let Some(blind) = log::blind(seen, log, what) {
        return blind;
    }
    let (within, sought) = (log.within_ms(promised.within_ms), log::sought(log, done));
    if sought < within {
        let reason = format!(
            "{what} was not found, and it was looked for only until {} s after it; within {} s was promised",
            seconds(sought),
            seconds(within)
        );
        return inconclusive("not-waited", reason, "wait longer: leave --audit-wait out");
    }
    let within = seconds(within);
    let reason = format!("{what} is not on record after {within} s, though the log has what was done after it");
    broken(
        "not-recorded",
        reason,
        "take the rule of level None out of the audit policy, or put a rule for this before it",
    )
}

fn wrong_name(seen: &Seen, done: &DeedSeen, event: &Event) -> Option<String> {
    let runner = &seen.runner.username;
    let Person { username, .. } = &event.user;
    let taken = event.impersonated_user.as_ref().map(|person| &person.username);
    if done.name.is_none() && taken == Some(runner) {
        // The runner's own kubeconfig takes a name: that is who it is to the API server.
        return None;
    }
    if !runner.is_empty() && username != runner {
        return Some(format!("user {username}, and it was {runner}"));
    }
    match (&done.name, &event.impersonated_user) {
        (None, None) => None,
        (None, Some(other)) => Some(format!("in the name of {}, which nobody took", other.username)),
        (Some(name), None) => Some(format!("user {username} alone; the name of {} is missing", name.who)),
        (Some(name), Some(person)) => wrong_person(name, person),
    }
}

fn wrong_person(name: &NameSeen, person: &Person) -> Option<String> {
    if person.username != name.user {
        return Some(format!("in the name of {}, and it was {}", person.username, name.user));
    }
    let group = name.group.as_ref().filter(|group| !person.groups.contains(group));
    group.map(|group| format!("without group {group}"))
}

fn wrong_object(done: &DeedSeen, event: &Event) -> Option<String> {
    let about = &done.about;
    if event.verb != about.verb {
        return Some(format!("verb {}", event.verb));
    }
    let object = event.object_ref.clone().unwrap_or_default();
    let same = object.resource == about.resource
        && object.subresource == about.subresource
        && object.namespace == about.namespace
        && object.api_group == about.group
        && (about.name.is_empty() || object.name == about.name);
    (!same).then(|| {
        let slash = if object.subresource.is_empty() { "" } else { "/" };
        format!("{}{slash}{} {} in {}", object.resource, object.subresource, object.name, object.namespace)
    })
}

/// What the level says that is there, and is not. What was refused before it was read has no body.
fn missing_body(done: &DeedSeen, event: &Event) -> Option<&'static str> {
    let read = done.deed.sends() && !done.answer.unauthorized();
    if read && event.level >= AuditLevel::Request && !event.request_object {
        return Some("body of the request");
    }
    (read && event.level >= AuditLevel::RequestResponse && !event.response_object).then_some("body of the response")
}

fn who(seen: &Seen, done: &DeedSeen) -> String {
    match &done.name {
        Some(name) => name.who.clone(),
        None => format!("the runner ({})", seen.runner.username),
    }
}

pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{}", ms / 1000, ms % 1000 / 100)
}

/// The columns: what the policy's text keeps, and what the log has.
fn found(seen: &Seen, key: &str, done: &DeedSeen, ruling: Ruling, declared: &str) -> Found {
    let computed = match (&done.computed, &seen.policy) {
        (Some(kept), _) => {
            let stance = if kept.level == AuditLevel::None { Stance::Denied } else { Stance::Allowed };
            column(stance, super::policy::by(seen.policy_origin, kept))
        }
        (None, Some(_)) => column(Stance::Unknown, "who the runner is was not told"),
        (None, None) => column(Stance::Unknown, "no audit policy was given"),
    };
    let observed = match done.events.first() {
        Some(event) => column(Stance::Allowed, format!("event {} of {}", event.audit_id, event.stage_timestamp)),
        None => column(Stance::Denied, format!("no event with the mark {}", done.mark)),
    };
    let mut evidence = vec![format!("deeds/{key}")];
    if done.events.is_empty() {
        evidence.extend(seen.controls.keys().map(|key| format!("controls/{key}")));
    }
    Found { ruling, declared: column(Stance::Allowed, declared), computed, observed, evidence }
}
