//! Limits of quotas: by one request, one by one, and by many at once.

use super::cause::{full_already, not_enforced, skipped};
use super::{Found, Limit, in_words, refused_by, unproved};
use crate::families::Stance;
use crate::families::quota::refusal::Author;
use crate::families::quota::rules::same;
use crate::families::quota::seen::{Answer, EdgeSeen, RushSeen, TrySeen};
use crate::families::ruling::{Ruling, broken, column, holds, inconclusive};
use crate::model::Quantity;

/// A limit that one request can reach.
pub(super) fn edge(limit: &Limit<'_>, edge: &EdgeSeen, declared: String) -> Found {
    let (computed, broken) = limit.by_the_objects();
    let ruling = broken.unwrap_or_else(|| rule_edge(limit, edge));
    let tries = [&edge.past, &edge.at, &edge.full].into_iter().flatten();
    let words: Vec<String> = tries.map(in_words).collect();
    let observed = match &edge.past {
        Some(past) if past.answer == Answer::Accepted => Stance::Allowed,
        Some(past) if refused_for(past, edge.quota.as_deref(), limit.resource) => Stance::Denied,
        _ => Stance::Unknown,
    };
    let words = if words.is_empty() { "no request was made".to_owned() } else { words.join("; ") };
    Found { ruling, declared, computed, observed: column(observed, words) }
}

/// Whether this quota refused a request for this resource.
fn refused_for(tried: &TrySeen, quota: Option<&str>, resource: &str) -> bool {
    matches!(refused_by(tried), Some(Author::Quota { name, exceeded })
        if Some(name.as_str()) == quota && exceeded.iter().any(|one| same(one, resource)))
}

/// Whether any quota refused a request, and not for this resource.
fn refused_for_another(tried: &TrySeen, resource: &str) -> bool {
    matches!(refused_by(tried), Some(Author::Quota { exceeded, .. }) if !exceeded.iter().any(|one| same(one, resource)))
}

fn rule_edge(limit: &Limit<'_>, edge: &EdgeSeen) -> Ruling {
    let (namespace, resource) = (limit.namespace, limit.resource);
    let quota = edge.quota.as_deref().unwrap_or_default();
    let object = format!("ResourceQuota {namespace}/{quota}");
    if let Some(fault) = &edge.fault {
        return unsteady(limit, fault);
    }
    let room = edge.room.unwrap_or_default();
    if let Some(past) = &edge.past
        && past.answer == Answer::Accepted
    {
        return not_enforced(
            format!("{namespace} may take more {resource} than its limit: {} was taken", past.asked),
            &object,
        );
    }
    if let Some(full) = &edge.full
        && full.answer == Answer::Accepted
    {
        return not_enforced(
            format!("{namespace} was filled to its limit of {resource}, and one more pod was taken"),
            &object,
        );
    }
    let Some(twin) = &edge.twin else { return untried(limit, edge.not_tried.as_deref(), edge.held, edge.used) };
    if room.milli() <= 0 {
        return none_left(limit, edge.held, quota, twin, edge.beside.as_ref());
    }
    if let Some(why) = &edge.not_tried {
        return untried(limit, Some(why), edge.held, edge.used);
    }
    let (Some(at), Some(past)) = (&edge.at, &edge.past) else { return untried(limit, None, edge.held, edge.used) };
    if !refused_for(past, edge.quota.as_deref(), resource) {
        return unproved("the request for one past the limit", past);
    }
    if refused_for(at, edge.quota.as_deref(), resource) {
        return unsteady(limit, "a request for exactly what is left was refused");
    }
    if at.answer == Answer::Accepted {
        return match &edge.full {
            Some(full) if !refused_for(full, edge.quota.as_deref(), resource) => {
                unproved("the request at the filled limit", full)
            }
            Some(_) => holds(format!(
                "{namespace} was filled to its limit with {room} of {resource}, one step more was refused, and so was the next pod, \
                 by {object}"
            )),
            None => holds(format!(
                "by dry-run, {room} more of {resource} is taken in {namespace}, and one step more is refused by {object}"
            )),
        };
    }
    if !refused_for_another(at, resource) {
        return unproved("the request for exactly what is left", at);
    }
    match refused_by(twin) {
        None if twin.answer == Answer::Accepted => holds(format!(
            "by dry-run, one step past {room} of {resource} is refused by {object} for {resource}, and {room} is not, though \
             another limit is reached first; a small request is taken"
        )),
        Some(Author::Quota { name, exceeded }) => full_already(namespace, &name, &exceeded.join(", ")),
        _ => unproved("the small request beside it", twin),
    }
}

/// Nothing is left. Where the limit is none at all, nothing ever was: then what takes nothing of it is the twin.
fn none_left(
    limit: &Limit<'_>,
    held: Option<Quantity>,
    quota: &str,
    one: &TrySeen,
    beside: Option<&TrySeen>,
) -> Ruling {
    let (namespace, resource) = (limit.namespace, limit.resource);
    if one.answer == Answer::Accepted {
        let reason = format!("nothing of {resource} is left in {namespace}, and {} was taken", one.asked);
        return not_enforced(reason, &format!("ResourceQuota {namespace}/{quota}"));
    }
    let Some(beside) = beside.filter(|_| held == Some(Quantity::default())) else {
        return full_already(namespace, quota, resource);
    };
    if !refused_for(one, Some(quota), resource) {
        return unproved(&format!("a request for some {resource}"), one);
    }
    if beside.answer != Answer::Accepted {
        return unproved(&format!("a request that takes no {resource}"), beside);
    }
    holds(format!(
        "{namespace} may take none of {resource}: ResourceQuota {quota} refuses {}, and {} is taken beside it",
        one.asked, beside.asked
    ))
}

fn unsteady(limit: &Limit<'_>, fault: &str) -> Ruling {
    let reason = format!("the limit of {} in {} could not be tried: {fault}", limit.resource, limit.namespace);
    inconclusive("unsteady", reason, "run again when the tenant starts and ends fewer objects")
}

/// What no request can tell is arithmetic, and said to be.
fn untried(limit: &Limit<'_>, why: Option<&str>, held: Option<Quantity>, used: Option<Quantity>) -> Ruling {
    let why = why.unwrap_or("no request was made");
    if let (Some(held), Some(used)) = (held, used)
        && used > held
    {
        let reason = format!(
            "{used} of {} are used in {}, and {held} are held: more than the limit",
            limit.resource, limit.namespace
        );
        return inconclusive("over-its-limit", reason, "find what was there before the quota was lowered");
    }
    let arithmetic = match (held, used) {
        (Some(held), Some(used)) => format!("by arithmetic alone: {used} of {held} are used"),
        _ => "nothing is known of it".to_owned(),
    };
    skipped(format!(
        "one past the limit of {} in {} was not tried: {why}; {arithmetic}",
        limit.resource, limit.namespace
    ))
}

/// A limit that objects reach one by one.
pub(super) fn one_by_one(limit: &Limit<'_>, rush: &RushSeen, declared: String) -> Found {
    found(limit, rush, declared, |taken, object| {
        format!(
            "{} was filled to its limit with {taken} more {}, and one more was refused by {object}",
            limit.namespace, limit.resource
        )
    })
}

/// A limit that many creates at once run into.
pub(super) fn at_once(limit: &Limit<'_>, rush: &RushSeen, declared: String) -> Found {
    found(limit, rush, declared, |_, object| {
        let refused: u32 = rush.refused.iter().map(|one| one.times).sum();
        format!(
            "of {} creates at once, {} were taken in {} where there was room for {}, and {refused} refused, by {object}",
            rush.asked,
            rush.accepted,
            limit.namespace,
            rush.room.unwrap_or_default()
        )
    })
}

fn found(limit: &Limit<'_>, rush: &RushSeen, declared: String, holds_by: impl Fn(u32, &str) -> String) -> Found {
    let (computed, broken) = limit.by_the_objects();
    let ruling = broken.unwrap_or_else(|| rule_rush(limit, rush, holds_by));
    let room = rush.room.unwrap_or_default();
    let observed = if rush.asked == 0 {
        let twin = rush.twin.as_ref().map_or_else(|| "nothing was made".to_owned(), in_words);
        column(Stance::Unknown, twin)
    } else {
        let past = rush.past.as_ref().map_or_else(String::new, |past| format!("; then {}", in_words(past)));
        let words = format!(
            "{} creates at once: {} taken, room for {room}; {} more one by one{past}",
            rush.asked, rush.accepted, rush.topped_up
        );
        let stance = if too_many(rush) {
            Stance::Allowed
        } else if rush.past.as_ref().is_some_and(|past| refused_for(past, rush.quota.as_deref(), limit.resource)) {
            Stance::Denied
        } else {
            Stance::Unknown
        };
        column(stance, words)
    };
    Found { ruling, declared, computed, observed }
}

/// How many were taken, the one after the last included.
fn taken(rush: &RushSeen) -> u32 {
    rush.accepted + rush.topped_up + u32::from(rush.past.as_ref().is_some_and(|past| past.answer == Answer::Accepted))
}

/// Whether more were taken than there was room for, and so more were there than the quota holds. Where no more were
/// there, what it said to be used was not what was used.
fn too_many(rush: &RushSeen) -> bool {
    let held = rush.held.unwrap_or_default().milli();
    let over = rush.there.is_none_or(|there| i128::from(there) * 1000 > held);
    over && rush.room.is_some_and(|room| taken(rush) > room)
}

fn rule_rush(limit: &Limit<'_>, rush: &RushSeen, holds_by: impl Fn(u32, &str) -> String) -> Ruling {
    let (namespace, resource) = (limit.namespace, limit.resource);
    let quota = rush.quota.as_deref().unwrap_or_default();
    let object = format!("ResourceQuota {namespace}/{quota}");
    if let Some(fault) = &rush.fault {
        return unsteady(limit, fault);
    }
    if let Some(why) = &rush.not_tried {
        return match &rush.twin {
            Some(twin) if twin.answer != Answer::Accepted => {
                unproved(&format!("a dry-run of one more of {resource}"), twin)
            }
            _ => untried(limit, Some(why), rush.held, rush.used),
        };
    }
    let Some(room) = rush.room else { return untried(limit, None, rush.held, rush.used) };
    if room == 0 {
        let Some(twin) = &rush.twin else { return full_already(namespace, quota, resource) };
        return none_left(limit, rush.held, quota, twin, rush.beside.as_ref());
    }
    let taken = taken(rush);
    if too_many(rush) {
        return broken(
            "one-too-many",
            format!("{namespace} had room for {room} more {resource}, and {taken} were taken"),
            format!("{object} says otherwise, and the API server took more than it has room for"),
            "see that the API server runs the admission plugin ResourceQuota; with several API servers, that their etcd is one"
                .to_owned(),
        );
    }
    if rush.silent > 0 {
        let reason = format!(
            "{} of {} creates in {namespace} got no answer, so nobody knows how many were taken",
            rush.silent, rush.asked
        );
        return inconclusive("no-answer", reason, "run again when the API server answers");
    }
    if taken > room {
        return unsteady(
            limit,
            &format!("there was room for {room}, {taken} were taken, and no more were there than it holds"),
        );
    }
    let Some(past) = &rush.past else { return untried(limit, None, rush.held, rush.used) };
    if !refused_for(past, rush.quota.as_deref(), resource) {
        return unproved(&format!("one more of {resource}"), past);
    }
    if taken < room {
        return unsteady(limit, &format!("there was room for {room}, and {taken} were taken"));
    }
    holds(holds_by(taken, &object))
}
