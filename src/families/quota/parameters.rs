//! What a check of this family says in its suite: which limits it tries, and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuotaParameters {
    /// Which limits are tried, and how: `promised-share`, `one-past`, `at-once`, `container-max`,
    /// `container-defaults`, `range-bounds` or `locked`.
    pub tries: Trial,
}

/// Which limits a quota check tries, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trial {
    /// That a ResourceQuota holds each promised amount, or less.
    PromisedShare,
    /// Up to each limit of a quota, and one past it.
    OnePast,
    /// Many creates at once at the edge of a quota.
    AtOnce,
    /// A container of the promised size, and one larger.
    ContainerMax,
    /// A container that asks for nothing.
    ContainerDefaults,
    /// Whatever else a LimitRange bounds.
    RangeBounds,
    /// That the tenant's subjects can edit neither.
    Locked,
}
