//! What the objects of a namespace say of a promise: which quota and which LimitRange decide, and what that
//! leaves.

use super::seen::ShareSeen;
use crate::model::Quantity;
use crate::semantics::quota::{Bound, Holding, LimitType, tightest, usual_name};

/// What the quotas say of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held<'a> {
    /// No quota holds it; the names of those that hold it for some pods only.
    Missing { scoped: Vec<&'a str> },
    /// More is held than was promised.
    TooHigh { quota: &'a Holding, name: &'a str, hard: Quantity },
    /// What was promised, or less.
    Within { quota: &'a Holding, name: &'a str, hard: Quantity },
}

/// What the quotas of a namespace say of a resource. `only` is the quota to look at, where it is one that counts
/// some pods.
pub(super) fn held<'a>(
    share: &'a ShareSeen,
    resource: &str,
    only: Option<&str>,
    promised: Option<Quantity>,
) -> Held<'a> {
    let found = match only {
        Some(only) => share
            .holdings
            .iter()
            .find(|holding| holding.name == only)
            .and_then(|holding| Some((holding, holding.holds(resource)?))),
        None => tightest(&share.holdings, resource),
    };
    let Some((quota, name)) = found else {
        let scoped = share.holdings.iter().filter(|one| !one.scopes.is_empty() && one.holds(resource).is_some());
        return Held::Missing { scoped: scoped.map(|one| one.name.as_str()).collect() };
    };
    let hard = quota.hard.get(name).unwrap_or_default();
    match promised {
        Some(promised) if hard > promised => Held::TooHigh { quota, name, hard },
        _ => Held::Within { quota, name, hard },
    }
}

/// What the LimitRanges say of the size of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sized<'a> {
    /// None bounds it.
    Missing,
    /// One lets it be larger than was promised.
    TooHigh { range: &'a str, max: Quantity },
    /// What was promised, or less.
    Within { range: &'a str, max: Quantity },
}

/// What the LimitRanges of a namespace say of the size of a container.
pub(super) fn sized<'a>(share: &'a ShareSeen, resource: &str, promised: Quantity) -> Sized<'a> {
    match share.limits.tightest(LimitType::Container, Bound::Max, resource) {
        None => Sized::Missing,
        Some((max, range)) if max > promised => Sized::TooHigh { range, max },
        Some((max, range)) => Sized::Within { range, max },
    }
}

/// Whether two names of resources mean the same.
pub(super) fn same(one: &str, other: &str) -> bool {
    usual_name(one) == usual_name(other)
}
