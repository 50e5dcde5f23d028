//! What a check of this family says in its suite: what it looks at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deed::Deed;
use super::topic::Topic;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditParameters {
    /// What: the record of a request (`pod-create`, `foreign`, `admission`, `engine`, `exec`, `secret-read`,
    /// `fence-change`, `binding-change`, `read`, `impersonation`), the policy's own text (`policy-pods`,
    /// `policy-changes`, `policy-exec`, `policy-reads`, `policy-secrets`, `policy-exempt`, `policy-stages`,
    /// `policy-in-force`), or who reaches the log (`sink-read`, `sink-change`).
    pub look: Look,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// The record of a pod's creation.
    PodCreate,
    /// The record of a request in another's namespace that authorization refuses.
    Foreign,
    /// The record of a pod that the API server's own admission refuses.
    Admission,
    /// The record of a pod that Pod Security or a policy engine refuses.
    Engine,
    /// The record of an attempt to run something in a pod.
    Exec,
    /// The record of reading a Secret.
    SecretRead,
    /// The record of a new NetworkPolicy.
    FenceChange,
    /// The record of a new binding.
    BindingChange,
    /// The record of reading.
    Read,
    /// Both names of an impersonated request.
    Impersonation,
    /// What the policy keeps of changes of pods.
    PolicyPods,
    /// What it keeps of changes of fences and rights.
    PolicyChanges,
    /// What it keeps of what is run in pods.
    PolicyExec,
    /// What it keeps of reading.
    PolicyReads,
    /// What it keeps of requests about Secrets.
    PolicySecrets,
    /// Whether it keeps less of a tenant's subjects than of others.
    PolicyExempt,
    /// Whether it leaves out the stage that has the outcome.
    PolicyStages,
    /// Whether the API server runs this policy.
    PolicyInForce,
    /// Whether a tenant can read where the log is kept.
    SinkRead,
    /// Whether it can change anything there.
    SinkChange,
}

impl Look {
    /// The deed whose record is looked at.
    #[must_use]
    pub const fn deed(self) -> Option<Deed> {
        Some(match self {
            Self::PodCreate => Deed::PodCreate,
            Self::Foreign => Deed::Foreign,
            Self::Admission => Deed::Admission,
            Self::Engine => Deed::Engine,
            Self::Exec => Deed::Exec,
            Self::SecretRead => Deed::SecretRead,
            Self::FenceChange => Deed::FenceChange,
            Self::BindingChange => Deed::BindingChange,
            Self::Read => Deed::Read,
            _ => return None,
        })
    }

    /// What of the policy's text is looked at.
    #[must_use]
    pub const fn topic(self) -> Option<Topic> {
        Some(match self {
            Self::PolicyPods => Topic::Pods,
            Self::PolicyChanges => Topic::Changes,
            Self::PolicyExec => Topic::Exec,
            Self::PolicyReads => Topic::Reads,
            Self::PolicySecrets => Topic::Secrets,
            _ => return None,
        })
    }
}
