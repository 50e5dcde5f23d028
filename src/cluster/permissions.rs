//! Everything that a run asks of the API server, as data. `tenantproof permissions` prints it, and
//! a test holds it against the promise: no exec, attach, port-forward, proxy or Secret.

/// One rule: what may be done to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The resources, with subresources written `pods/log`.
    pub resources: &'static [&'static str],
    /// The verbs.
    pub verbs: &'static [&'static str],
    /// Why a run needs it.
    pub why: &'static str,
}

/// What a run of the built-in suites needs, over the whole cluster (reading) and in the tenants'
/// namespaces (writing).
pub const PERMISSIONS: &[Permission] = &[
    read(
        "",
        &["namespaces", "nodes", "pods", "services", "resourcequotas", "limitranges"],
        "to know what is promised to whom, and what a probe would disturb",
    ),
    read("networking.k8s.io", &["networkpolicies"], "to compute what the policies say"),
    read("policy", &["poddisruptionbudgets"], "a probe that a budget would count is not made"),
    read("autoscaling", &["horizontalpodautoscalers"], "a probe that an autoscaler would count is not made"),
    read("apps", &["deployments", "replicasets", "statefulsets"], "to know which pods an autoscaler counts"),
    read(
        "cilium.io",
        &["ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"],
        "policies of other kinds that could touch a connection are named, never ignored",
    ),
    read(
        "crd.projectcalico.org",
        &["networkpolicies", "globalnetworkpolicies", "stagednetworkpolicies", "tiers"],
        "the same",
    ),
    read("projectcalico.org", &["networkpolicies", "globalnetworkpolicies", "tiers"], "the same"),
    read(
        "policy.networking.k8s.io",
        &["adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"],
        "the same",
    ),
    read("networking.k8s.aws", &["clusternetworkpolicies", "applicationnetworkpolicies"], "the same"),
    read("crd.antrea.io", &["networkpolicies", "clusternetworkpolicies"], "the same"),
    read("security.istio.io", &["authorizationpolicies", "peerauthentications"], "the same"),
    Permission {
        group: "",
        resources: &["pods"],
        verbs: &["create", "patch", "delete"],
        why: "probes; patching gives a probe its orders",
    },
    Permission { group: "", resources: &["pods/log"], verbs: &["get"], why: "a probe answers by its log" },
    Permission {
        group: "",
        resources: &["services"],
        verbs: &["create", "delete"],
        why: "a Service before each probe that is reached by one",
    },
    Permission {
        group: "coordination.k8s.io",
        resources: &["leases"],
        verbs: &["get", "create", "patch", "delete"],
        why: "one Lease in each namespace: the lock between runs, and the owner of the probes",
    },
    Permission {
        group: "scheduling.k8s.io",
        resources: &["priorityclasses"],
        verbs: &["create", "delete"],
        why: "the lowest priority for probes; not needed with --priority-class",
    },
];

/// A rule for what is read and never written.
const fn read(group: &'static str, resources: &'static [&'static str], why: &'static str) -> Permission {
    Permission { group, resources, verbs: &["get", "list"], why }
}

/// The permissions as a ClusterRole in YAML, each rule with its reason.
#[must_use]
pub fn cluster_role() -> String {
    use std::fmt::Write as _;
    let mut yaml = String::from(
        "# What a run of tenantproof asks of the API server. No exec, attach, port-forward, proxy or Secret.\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: tenantproof\nrules:\n",
    );
    for permission in PERMISSIONS {
        // Writing to a String can't fail.
        let _ = write!(
            yaml,
            "- apiGroups: [\"{}\"] # {}\n  resources: [{}]\n  verbs: [{}]\n",
            permission.group,
            permission.why,
            permission.resources.join(", "),
            permission.verbs.join(", "),
        );
    }
    yaml
}

#[cfg(test)]
mod tests {
    use super::{PERMISSIONS, cluster_role};

    #[test]
    fn no_rule_grants_what_no_security_team_grants() {
        for permission in PERMISSIONS {
            for resource in permission.resources {
                let subresource = resource.split_once('/').map(|(_, sub)| sub);
                assert!(matches!(subresource, None | Some("log")), "{resource} must not be asked for");
                assert!(!resource.starts_with("secrets"), "{resource} must not be asked for");
                assert!(!resource.contains('*'), "{resource} must be named");
            }
            for verb in permission.verbs {
                assert!(["get", "list", "create", "patch", "delete"].contains(verb), "{verb} must not be asked for");
            }
        }
    }

    #[test]
    fn the_cluster_role_is_yaml() {
        let role: serde_json::Value = serde_saphyr::from_str(&cluster_role()).unwrap();
        assert_eq!(role["rules"].as_array().map(Vec::len), Some(PERMISSIONS.len()));
    }
}
