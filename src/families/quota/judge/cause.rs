//! What is wrong, by name: the quota or limit that is missing or too wide, an API server that does not hold to
//! it, or why nothing was proved.

use crate::families::quota::seen::ShareSeen;
use crate::families::ruling::{Ruling, broken, inconclusive};
use crate::model::{Namespace, Quantity, Verdict};

/// What was not tried, for this reason.
pub(super) fn skipped(reason: String) -> Ruling {
    Ruling { verdict: Verdict::Skipped, reason, cause: None }
}

/// No quota holds a resource.
pub(super) fn quota_missing(
    namespace: &Namespace,
    share: &ShareSeen,
    resource: &str,
    promised: Option<Quantity>,
    scoped: &[&str],
) -> Ruling {
    let reason = format!("nothing limits what {namespace} may take of {resource}");
    let sentence = if share.holdings.is_empty() {
        format!("namespace {namespace} has no ResourceQuota")
    } else if scoped.is_empty() {
        format!("no ResourceQuota of namespace {namespace} holds {resource}")
    } else {
        format!(
            "no ResourceQuota of namespace {namespace} holds {resource} for all of it: {} some pods only",
            count(scoped)
        )
    };
    let promised = promised.map_or_else(String::new, |promised| format!(" to {promised}"));
    broken(
        "quota-missing",
        reason,
        sentence,
        format!("add a ResourceQuota to namespace {namespace} that holds {resource}{promised}"),
    )
}

fn count(names: &[&str]) -> String {
    let verb = if names.len() == 1 { "counts" } else { "count" };
    format!("{} {verb}", names.join(", "))
}

/// A quota holds more than was promised.
pub(super) fn quota_too_high(
    namespace: &Namespace,
    quota: &str,
    resource: &str,
    hard: Quantity,
    promised: Quantity,
) -> Ruling {
    broken(
        "quota-too-high",
        format!("{namespace} may take {hard} of {resource}, and {promised} was promised"),
        format!("ResourceQuota {namespace}/{quota} holds {resource} to {hard}, and {promised} was promised"),
        format!("lower {resource} of ResourceQuota {namespace}/{quota} to {promised}, or promise {hard}"),
    )
}

/// No LimitRange bounds a container.
pub(super) fn limit_missing(namespace: &Namespace, share: &ShareSeen, resource: &str) -> Ruling {
    let sentence = if share.limits.0.is_empty() {
        format!("namespace {namespace} has no LimitRange")
    } else {
        format!("no LimitRange of namespace {namespace} says how much {resource} a container may have")
    };
    broken(
        "limit-missing",
        format!("nothing limits how much {resource} one container of {namespace} may have"),
        sentence,
        format!("add a LimitRange to namespace {namespace} with max and default of {resource} for containers"),
    )
}

/// A LimitRange lets a container be larger than promised.
pub(super) fn limit_too_high(
    namespace: &Namespace,
    range: &str,
    resource: &str,
    max: Quantity,
    promised: Quantity,
) -> Ruling {
    broken(
        "limit-too-high",
        format!("a container of {namespace} may have {max} of {resource}, and {promised} was promised"),
        format!(
            "LimitRange {namespace}/{range} lets a container have {max} of {resource}, and {promised} was promised"
        ),
        format!("lower the max of {resource} in LimitRange {namespace}/{range} to {promised}, or promise {max}"),
    )
}

/// What an object says, and the API server does not do.
pub(super) fn not_enforced(reason: String, object: &str) -> Ruling {
    let sentence = format!("{object} says otherwise, and the API server took it");
    let remedy = "see that the API server runs the admission plugins ResourceQuota and LimitRanger, and that no webhook changes \
                  the object after they have looked at it"
        .to_owned();
    broken("not-enforced", reason, sentence, remedy)
}

/// A quota is so full that there is no room for a twin.
pub(super) fn full_already(namespace: &Namespace, quota: &str, resource: &str) -> Ruling {
    inconclusive(
        "at-its-limit",
        format!(
            "ResourceQuota {namespace}/{quota} is at its limit of {resource} already, so no request within it can be compared"
        ),
        "run again when the tenant has some room",
    )
}
