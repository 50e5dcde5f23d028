//! What a check of this family says in its suite: which requirement it is about, and by which way it is tried.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tenancy::Requirement;

/// What is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdmissionParameters {
    /// The requirement of the tenancy's rules: `run-as-non-root`, `pod-security`, `registries`, `labels`, `bucket`,
    /// or `any` for each of them.
    pub requirement: Demand,
    /// By which way it is tried, such as `pod`, `init` or `workload`; see docs/suites.md for each.
    pub way: Way,
}

/// A requirement that rules of a tenancy can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// No container runs as root.
    RunAsNonRoot,
    /// Pods meet a level of the Pod Security Standards.
    PodSecurity,
    /// Images come from given registries.
    Registries,
    /// Pods carry given labels.
    Labels,
    /// Buckets are tagged and closed to the public.
    Bucket,
    /// Each of them.
    Any,
}

impl Demand {
    /// What a rule requires.
    #[must_use]
    pub const fn of(require: &Requirement) -> Self {
        match require {
            Requirement::RunAsNonRoot => Self::RunAsNonRoot,
            Requirement::PodSecurity(_) => Self::PodSecurity,
            Requirement::Registries(_) => Self::Registries,
            Requirement::Labels(_) => Self::Labels,
            Requirement::Bucket { .. } => Self::Bucket,
        }
    }
}

/// By which way a requirement is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// A pod that breaks the rule as a whole: without the setting or label, or with an image from elsewhere.
    Pod,
    /// A pod of which one container lacks the setting.
    Container,
    /// A container that takes back what its pod says.
    Override,
    /// An init container.
    Init,
    /// An ephemeral container that is added to a pod.
    Ephemeral,
    /// The pod of a Deployment, StatefulSet, Job or CronJob.
    Workload,
    /// A change of an object that is there, by patch and by update.
    Update,
    /// A privileged container.
    Privileged,
    /// The node's network, processes, files or ports.
    Host,
    /// A capability beyond the level's.
    Capabilities,
    /// A pod without one of the settings that `restricted` asks for.
    Hardening,
    /// An image whose name only begins as an allowed one does.
    Lookalike,
    /// A label or tag with another value than the right one.
    Value,
    /// A bucket without a tag.
    Tags,
    /// A bucket that does not block public access, in all ways or in one.
    Block,
    /// Whether the policies that refuse are asked about changes and added containers, too.
    Covered,
    /// Whether the policies that refuse do so when their engine is away.
    FailClosed,
    /// Whether a tenant may change the labels by which its namespace is chosen or spared.
    ExemptLabel,
    /// Whether a tenant may make exceptions of its own.
    Exception,
}
