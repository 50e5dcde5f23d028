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
    other("cilium.io", &["ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies", "ciliumcidrgroups"]),
    other("crd.projectcalico.org", &["networkpolicies", "globalnetworkpolicies", "profiles", "hostendpoints"]),
    other("projectcalico.org", &["networkpolicies", "globalnetworkpolicies", "profiles", "hostendpoints"]),
    other(
        "policy.networking.k8s.io",
        &["adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"],
    ),
    other("networking.k8s.aws", &["clusternetworkpolicies", "applicationnetworkpolicies"]),
    other("vpcresources.k8s.aws", &["securitygrouppolicies"]),
    other("crd.antrea.io", &["networkpolicies", "clusternetworkpolicies"]),
    other("security.istio.io", &["authorizationpolicies", "peerauthentications"]),
    other("policy.linkerd.io", &["servers", "serverauthorizations", "authorizationpolicies"]),
    other("k8s.ovn.org", &["egressfirewalls", "userdefinednetworks", "clusteruserdefinednetworks"]),
    other("kubeovn.io", &["securitygroups", "subnets"]),
    other("consul.hashicorp.com", &["serviceintentions"]),
    other("kuma.io", &["meshtrafficpermissions", "trafficpermissions"]),
    other("k8s.cni.cncf.io", &["multi-networkpolicies"]),
];

/// Policies of another kind that could touch a connection.
const fn other(group: &'static str, resources: &'static [&'static str]) -> Permission {
    Permission::read(group, resources, "policies of other kinds are named, never ignored")
}

#[cfg(test)]
mod tests {
    use super::NEEDS;
    use crate::semantics::network::foreign_kinds;

    #[test]
    fn every_kind_that_is_looked_for_may_be_read() {
        for (group, kinds) in foreign_kinds() {
            for kind in *kinds {
                let kind = kind.to_lowercase();
                let plural = match (kind.strip_suffix('y'), kind.ends_with('s')) {
                    (Some(stem), _) => format!("{stem}ies"),
                    (None, true) => kind,
                    (None, false) => format!("{kind}s"),
                };
                let granted = NEEDS.iter().any(|one| one.group == *group && one.resources.contains(&plural.as_str()));
                assert!(granted, "`tenantproof permissions` should grant reading {plural}.{group}");
            }
        }
    }
}
