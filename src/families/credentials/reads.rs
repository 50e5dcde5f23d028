//! What this family reads beside what every run reads.

use crate::semantics::{Extent, ObjectKind};

/// `ConfigMap`s.
pub(super) const CONFIG_MAPS: ObjectKind = ObjectKind {
    group: "",
    version: "v1",
    kind: "ConfigMap",
    plural: "configmaps",
    extent: Extent::Tenancy,
    why: "to look for long-lived credentials; what is found is never shown",
};

/// Service accounts.
pub(super) const SERVICE_ACCOUNTS: ObjectKind = ObjectKind {
    group: "",
    version: "v1",
    kind: "ServiceAccount",
    plural: "serviceaccounts",
    extent: Extent::Tenancy,
    why: "to see which Secrets with tokens they name",
};

/// `RoleBinding`s of the tenancy's namespaces: which other families read too.
pub(super) const ROLE_BINDINGS: ObjectKind = ObjectKind {
    group: RBAC,
    version: "v1",
    kind: "RoleBinding",
    plural: "rolebindings",
    extent: Extent::Tenancy,
    why: "to tell who needs the token that its pod holds",
};

/// `ClusterRoleBinding`s.
pub(super) const CLUSTER_ROLE_BINDINGS: ObjectKind = ObjectKind {
    group: RBAC,
    version: "v1",
    kind: "ClusterRoleBinding",
    plural: "clusterrolebindings",
    extent: Extent::Cluster,
    why: "to tell who needs the token that its pod holds",
};

/// Secrets, where the run was told to.
pub(super) const SECRETS: ObjectKind = ObjectKind {
    group: "",
    version: "v1",
    kind: "Secret",
    plural: "secrets",
    extent: Extent::OnlyIfTold,
    why: "only with --read-secrets: to look for the keys of clouds and services; what is found is never shown",
};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) const READS: &[ObjectKind] = &[CONFIG_MAPS, SERVICE_ACCOUNTS, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS, SECRETS];
