//! Requests that a promise is about, by what they have in common.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What requests have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// They change pods.
    Pods,
    /// They change fences and rights.
    Changes,
    /// They run something in a pod, or reach into one.
    Exec,
    /// They read.
    Reads,
    /// They are about Secrets.
    Secrets,
}

/// Requests of a kind: each verb on each resource.
pub(super) struct Kind {
    pub(super) verbs: &'static [&'static str],
    pub(super) group: &'static str,
    /// Each with its subresource, empty for none.
    pub(super) resources: &'static [(&'static str, &'static str)],
}

const CHANGE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
const READ: &[&str] = &["get", "list", "watch"];

impl Topic {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [Self::Pods, Self::Changes, Self::Exec, Self::Reads, Self::Secrets];

    /// The requests.
    pub(super) const fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Pods => &[Kind { verbs: CHANGE, group: "", resources: &[("pods", "")] }],
            Self::Changes => &[
                Kind { verbs: CHANGE, group: "networking.k8s.io", resources: &[("networkpolicies", "")] },
                Kind {
                    verbs: CHANGE,
                    group: "rbac.authorization.k8s.io",
                    resources: &[("roles", ""), ("rolebindings", "")],
                },
                Kind { verbs: CHANGE, group: "", resources: &[("resourcequotas", ""), ("limitranges", "")] },
            ],
            Self::Exec => &[
                Kind {
                    verbs: &["create", "get"],
                    group: "",
                    resources: &[("pods", "exec"), ("pods", "attach"), ("pods", "portforward")],
                },
                Kind { verbs: &["update", "patch"], group: "", resources: &[("pods", "ephemeralcontainers")] },
            ],
            Self::Reads => &[
                Kind { verbs: READ, group: "", resources: &[("pods", ""), ("configmaps", ""), ("services", "")] },
                Kind { verbs: &["get"], group: "", resources: &[("pods", "log")] },
            ],
            Self::Secrets => &[
                Kind { verbs: READ, group: "", resources: &[("secrets", "")] },
                Kind { verbs: CHANGE, group: "", resources: &[("secrets", "")] },
            ],
        }
    }

    /// In words, after "a record of".
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Pods => "changes of pods",
            Self::Changes => "changes of fences and rights",
            Self::Exec => "what is run in pods",
            Self::Reads => "reads",
            Self::Secrets => "requests about Secrets",
        }
    }
}
