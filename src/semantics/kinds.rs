//! Kinds that several families read, each for a reason of its own.

use super::snapshot::{Extent, ObjectKind};

const RBAC: &str = "rbac.authorization.k8s.io";

/// Service accounts of the tenancy's namespaces.
pub const SERVICE_ACCOUNTS: ObjectKind = kind("", "ServiceAccount", "serviceaccounts", Extent::Tenancy);
/// Roles of the tenancy's namespaces.
pub const ROLES: ObjectKind = kind(RBAC, "Role", "roles", Extent::Tenancy);
/// RoleBindings of the tenancy's namespaces.
pub const ROLE_BINDINGS: ObjectKind = kind(RBAC, "RoleBinding", "rolebindings", Extent::Tenancy);
/// ClusterRoles.
pub const CLUSTER_ROLES: ObjectKind = kind(RBAC, "ClusterRole", "clusterroles", Extent::Cluster);
/// ClusterRoleBindings.
pub const CLUSTER_ROLE_BINDINGS: ObjectKind = kind(RBAC, "ClusterRoleBinding", "clusterrolebindings", Extent::Cluster);

const fn kind(group: &'static str, kind: &'static str, plural: &'static str, extent: Extent) -> ObjectKind {
    ObjectKind { group, version: "v1", kind, plural, extent, why: "", optional: false }
}
