//! What a check of this family says in its suite: which connections are tried.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Protocol;
use crate::suite::Access;

/// Which connections are tried, and what must become of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkParameters {
    /// Which pairs of pods: `cross-tenant` (of different parties) or `internal` (of one party whose
    /// inside is judged).
    pub scope: Scope,
    /// What must become of them: `allowed` or `denied`.
    pub expect: Access,
    /// By which way: `pod-ip` or `service`.
    pub by: Reach,
    /// Which protocols: `TCP`, `UDP`, `SCTP`.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub protocols: Vec<Protocol>,
}

/// Which pairs of pods a network check covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Pods of different parties.
    CrossTenant,
    /// Pods of one party whose inside is judged.
    Internal,
}

/// The way by which a pod is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// By the pod's address.
    PodIp,
    /// By the cluster address of a Service.
    Service,
}
