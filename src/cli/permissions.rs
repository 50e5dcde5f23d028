//! `tenantproof permissions`.

use crate::cluster::permissions::PERMISSIONS;
use crate::families::{FAMILIES, FamilyEntry};
use crate::plan::Permission;
use crate::semantics::ObjectKind;

/// What a family asks of the API server beside what every run asks.
pub(super) fn of(family: &'static FamilyEntry) -> impl Iterator<Item = Permission> {
    let read = |kind: &'static ObjectKind| Permission::read(kind.group, std::slice::from_ref(&kind.plural), kind.why);
    family.reads.iter().map(read).chain(family.needs.iter().copied())
}

/// Everything that a run of all families asks of the API server.
fn all() -> impl Iterator<Item = Permission> {
    PERMISSIONS.iter().copied().chain(FAMILIES.iter().flat_map(of))
}

/// The permissions as a ClusterRole in YAML, each rule with its reason.
#[must_use]
pub(super) fn cluster_role() -> String {
    use std::fmt::Write as _;
    let mut yaml = String::from(
        "# What a run of tenantproof asks of the API server. No exec, attach, port-forward, proxy or Secret.\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: tenantproof\nrules:\n",
    );
    for permission in all() {
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
    use super::{all, cluster_role};

    #[test]
    fn no_rule_grants_what_no_security_team_grants() {
        for permission in all() {
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
        assert_eq!(role["rules"].as_array().map(Vec::len), Some(all().count()));
    }
}
