//! What this family reads beside what every run reads.

use crate::plan::Permission;

/// Policies of every kind that could touch a connection, and what a probe could disturb.
pub(super) const NEEDS: &[Permission] = &[
    Permission {
        group: "networking.k8s.io",
        resources: &["networkpolicies"],
        verbs: &["get", "list"],
        why: "to compute what the policies say",
    },
    Permission {
        group: "policy",
        resources: &["poddisruptionbudgets"],
        verbs: &["get", "list"],
        why: "a probe that a budget would count is not made",
    },
    Permission {
        group: "autoscaling",
        resources: &["horizontalpodautoscalers"],
        verbs: &["get", "list"],
        why: "a probe that an autoscaler would count is not made",
    },
    Permission {
        group: "apps",
        resources: &["deployments", "replicasets", "statefulsets"],
        verbs: &["get", "list"],
        why: "to know which pods an autoscaler counts",
    },
    Permission {
        group: "cilium.io",
        resources: &["ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"],
        verbs: &["get", "list"],
        why: "policies of other kinds that could touch a connection are named, never ignored",
    },
    Permission {
        group: "crd.projectcalico.org",
        resources: &["networkpolicies", "globalnetworkpolicies", "stagednetworkpolicies", "tiers"],
        verbs: &["get", "list"],
        why: "the same",
    },
    Permission {
        group: "projectcalico.org",
        resources: &["networkpolicies", "globalnetworkpolicies", "tiers"],
        verbs: &["get", "list"],
        why: "the same",
    },
    Permission {
        group: "policy.networking.k8s.io",
        resources: &["adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"],
        verbs: &["get", "list"],
        why: "the same",
    },
    Permission {
        group: "networking.k8s.aws",
        resources: &["clusternetworkpolicies", "applicationnetworkpolicies"],
        verbs: &["get", "list"],
        why: "the same",
    },
    Permission {
        group: "crd.antrea.io",
        resources: &["networkpolicies", "clusternetworkpolicies"],
        verbs: &["get", "list"],
        why: "the same",
    },
    Permission {
        group: "security.istio.io",
        resources: &["authorizationpolicies", "peerauthentications"],
        verbs: &["get", "list"],
        why: "the same",
    },
];
