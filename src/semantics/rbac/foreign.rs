//! Objects of other APIs from which controllers make roles and bindings. What they would make is not modelled.

/// Groups and kinds, and whether what they grant stays in their namespace.
const KINDS: [(&str, &[&str], bool); 6] = [
    ("authorization.openshift.io", &["Role", "RoleBinding"], true),
    ("authorization.openshift.io", &["ClusterRole", "ClusterRoleBinding"], false),
    (
        "management.cattle.io",
        &["GlobalRole", "GlobalRoleBinding", "ClusterRoleTemplateBinding", "ProjectRoleTemplateBinding"],
        false,
    ),
    ("rbacmanager.reactiveops.io", &["RBACDefinition"], false),
    ("capsule.clastix.io", &["Tenant", "GlobalTenantResource", "TenantResource"], false),
    ("hnc.x-k8s.io", &["HierarchyConfiguration", "SubnamespaceAnchor"], false),
];

/// Whether an object of this kind could grant something that Roles and their bindings don't tell of, and if so, whether
/// only in its own namespace.
#[must_use]
pub fn could_grant(api_version: &str, kind: &str) -> Option<bool> {
    let (group, _) = api_version.split_once('/')?;
    KINDS.iter().find(|(own, kinds, _)| *own == group && kinds.contains(&kind)).map(|(_, _, stays)| *stays)
}
