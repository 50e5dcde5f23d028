//! Bounds of LimitRanges, and the defaults that they give.

use super::cause::{full_already, limit_missing, limit_too_high, not_enforced, skipped};
use super::{Found, in_words, refused_by, unproved};
use crate::families::Stance;
use crate::families::quota::refusal::Author;
use crate::families::quota::rules::{Sized, sized};
use crate::families::quota::seen::{Answer, DefaultsSeen, PairSeen, ShareSeen, TrySeen};
use crate::families::ruling::{Ruling, broken, column, holds, inconclusive};
use crate::model::{Namespace, Quantity};
use crate::semantics::quota::{Amounts, Bound, LimitType};

/// A bound: what it is of, from which side, and of which resource.
type Bounded<'a> = (LimitType, Bound, &'a str);

/// The size of a container.
pub(super) fn container(
    namespace: &Namespace,
    share: &ShareSeen,
    resource: &str,
    promised: Quantity,
    pair: &PairSeen,
    declared: String,
) -> Found {
    let bounded = (LimitType::Container, Bound::Max, resource);
    let observed = observed(pair, bounded);
    let (ruling, computed) = match sized(share, resource, promised) {
        Sized::Missing => (
            limit_missing(namespace, share, resource),
            column(Stance::Allowed, format!("no LimitRange of {namespace} bounds {resource} of containers")),
        ),
        Sized::TooHigh { range, max } => (
            limit_too_high(namespace, range, resource, max, promised),
            column(Stance::Allowed, format!("LimitRange {range} lets a container have {max} of {resource}")),
        ),
        Sized::Within { range, max } => (
            rule(namespace, bounded, pair),
            column(
                Stance::Denied,
                format!("LimitRange {range} lets a container have {max} of {resource}, and no more"),
            ),
        ),
    };
    Found { ruling, declared, computed, observed }
}

/// Any other bound.
pub(super) fn bounded(namespace: &Namespace, bounded: Bounded<'_>, pair: &PairSeen, declared: String) -> Found {
    let (of, bound, resource) = bounded;
    let computed = match (&pair.range, pair.allowed) {
        (Some(range), Some(allowed)) => column(
            Stance::Denied,
            format!("LimitRange {range} sets the {} of {resource} of a {} to {allowed}", bound.as_str(), of.as_str()),
        ),
        _ => column(Stance::Unknown, "no LimitRange could be read"),
    };
    Found { ruling: rule(namespace, bounded, pair), declared, computed, observed: observed(pair, bounded) }
}

fn observed(pair: &PairSeen, bounded: Bounded<'_>) -> crate::families::Column {
    let words: Vec<String> = [&pair.past, &pair.twin].into_iter().flatten().map(in_words).collect();
    match &pair.past {
        Some(past) if past.answer == Answer::Accepted => column(Stance::Allowed, words.join("; ")),
        Some(past) if refused_for(past, bounded, pair.allowed) => column(Stance::Denied, words.join("; ")),
        Some(_) => column(Stance::Unknown, words.join("; ")),
        None => column(Stance::Unknown, "no request was made"),
    }
}

/// Whether a LimitRange refused a request for this bound.
fn refused_for(tried: &TrySeen, (of, bound, resource): Bounded<'_>, allowed: Option<Quantity>) -> bool {
    let Some(Author::LimitRange(bounds)) = refused_by(tried) else { return false };
    bounds
        .iter()
        .any(|(by, what, kind, amount)| (*by, what.as_str(), *kind, Some(*amount)) == (bound, resource, of, allowed))
}

fn rule(namespace: &Namespace, bounded: Bounded<'_>, pair: &PairSeen) -> Ruling {
    let (of, bound, resource) = bounded;
    let words = format!("the {} of {resource} of a {}", bound.as_str(), of.as_str());
    if let Some(why) = &pair.not_tried {
        return skipped(format!("{words} in {namespace} was not tried: {why}"));
    }
    let (Some(past), Some(twin), Some(range)) = (&pair.past, &pair.twin, &pair.range) else {
        return inconclusive("unread", format!("{words} in {namespace} could not be read"), "run again");
    };
    if past.answer == Answer::Accepted {
        let reason = format!("{namespace} goes past {words}: {} was taken", past.asked);
        return not_enforced(reason, &format!("LimitRange {namespace}/{range}"));
    }
    if !refused_for(past, bounded, pair.allowed) {
        return unproved(&format!("a request past {words}"), past);
    }
    match (&twin.answer, refused_by(twin)) {
        (Answer::Accepted, _) => {
            let allowed = pair.allowed.unwrap_or_default();
            holds(format!(
                "past {allowed}, {words} in {namespace}, a request is refused by LimitRange {range}, and its twin within is taken"
            ))
        }
        (_, Some(Author::Quota { name, exceeded })) => full_already(namespace, &name, &exceeded.join(", ")),
        _ => unproved("the twin within the bound", twin),
    }
}

/// What a container comes to that asks for nothing.
pub(super) fn defaulted(
    namespace: &Namespace,
    share: &ShareSeen,
    promised: &Amounts,
    seen: &DefaultsSeen,
    declared: String,
) -> Found {
    let listed = |amounts: &Amounts| -> String {
        amounts.iter().map(|(name, amount)| format!("{amount} {name}")).collect::<Vec<_>>().join(", ")
    };
    let bounds = share.limits.0.iter().any(|item| item.kind == LimitType::Container);
    let computed = if bounds {
        column(Stance::Denied, format!("the LimitRanges limit it to {}", listed(&seen.expected_limits)))
    } else {
        column(Stance::Allowed, format!("no LimitRange of {namespace} has defaults for containers"))
    };
    let taken = seen.tried.answer == Answer::Accepted;
    let observed = match (taken, seen.limits.is_empty()) {
        (true, false) => {
            column(Stance::Denied, format!("{}; it was limited to {}", in_words(&seen.tried), listed(&seen.limits)))
        }
        (true, true) => column(Stance::Allowed, format!("{}; it has no limit", in_words(&seen.tried))),
        (false, _) => column(Stance::Unknown, in_words(&seen.tried)),
    };
    let missing = promised.iter().find(|(name, _)| seen.expected_limits.get(name).is_none());
    let ruling = match missing {
        Some((name, _)) => limit_missing(namespace, share, name),
        None => rule_defaults(namespace, promised, seen),
    };
    Found { ruling, declared, computed, observed }
}

fn rule_defaults(namespace: &Namespace, promised: &Amounts, seen: &DefaultsSeen) -> Ruling {
    match refused_by(&seen.tried) {
        Some(Author::Quota { name, exceeded }) => return full_already(namespace, &name, &exceeded.join(", ")),
        Some(Author::Unspecified { name }) => {
            return broken(
                "default-missing",
                format!("a container of {namespace} that asks for nothing is refused, for it gets no figures"),
                format!("ResourceQuota {namespace}/{name} wants figures that no LimitRange gives by default"),
                format!(
                    "give the LimitRange of namespace {namespace} a default and a defaultRequest for all that the quota holds"
                ),
            );
        }
        _ if seen.tried.answer != Answer::Accepted => {
            return unproved("a container that asks for nothing", &seen.tried);
        }
        _ => {}
    }
    for (given, expected) in [(&seen.limits, &seen.expected_limits), (&seen.requests, &seen.expected_requests)] {
        for (name, amount) in expected.iter() {
            match given.get(name) {
                None => {
                    let reason = format!(
                        "a container of {namespace} that asks for nothing got none of the {amount} {name} that are its default"
                    );
                    return not_enforced(reason, "a LimitRange");
                }
                Some(other) if other != amount => {
                    let reason = format!(
                        "a container of {namespace} got {other} {name} where the LimitRanges say {amount}: something else set it"
                    );
                    return inconclusive(
                        "other-author",
                        reason,
                        "find the webhook that sets resources, and judge by what it promises",
                    );
                }
                Some(_) => {}
            }
        }
    }
    if let Some((name, most)) =
        promised.iter().find(|(name, most)| seen.limits.get(name).is_some_and(|given| given > *most))
    {
        let given = seen.limits.get(name).unwrap_or_default();
        return broken(
            "default-too-high",
            format!(
                "a container of {namespace} that asks for nothing may have {given} of {name}, and {most} was promised"
            ),
            format!("the default of {name} in namespace {namespace} is {given}, and {most} was promised"),
            format!("lower the default of {name} in the LimitRange of namespace {namespace}"),
        );
    }
    holds(format!("a container of {namespace} that asks for nothing is limited as its LimitRange says"))
}
