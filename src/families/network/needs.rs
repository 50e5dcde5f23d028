//! What this family reads beside what every run reads.

use crate::plan::Permission;

/// Policies of every kind that could touch a connection, and what a probe could disturb.
pub(super) const NEEDS: &[Permission] = &[
    Permission::read("networking.k8s.io", &["networkpolicies"], "to compute what the policies say"),
    Permission::read("policy", &["poddisruptionbudgets"], "a probe that a budget would count is not made"),
    Permission::read(
        "autoscaling",
        &["horizontalpodautoscalers"],
        "a probe that an autoscaler would count is not made",
    ),
    Permission::read(
        "apps",
        &["deployments", "replicasets", "statefulsets"],
        "to know which pods an autoscaler counts",
    ),
    Permission::read(
        "cilium.io",
        &["ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"],
        "policies of other kinds that could touch a connection are named, never ignored",
    ),
    Permission::read(
        "crd.projectcalico.org",
        &["networkpolicies", "globalnetworkpolicies", "stagednetworkpolicies", "tiers"],
        "the same",
    ),
    Permission::read("projectcalico.org", &["networkpolicies", "globalnetworkpolicies", "tiers"], "the same"),
    Permission::read(
        "policy.networking.k8s.io",
        &["adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"],
        "the same",
    ),
    Permission::read("networking.k8s.aws", &["clusternetworkpolicies", "applicationnetworkpolicies"], "the same"),
    Permission::read("crd.antrea.io", &["networkpolicies", "clusternetworkpolicies"], "the same"),
    Permission::read("security.istio.io", &["authorizationpolicies", "peerauthentications"], "the same"),
];
