//! What this family reads and asks beside what every run does.

use crate::plan::Permission;
use crate::semantics::{Extent, ObjectKind};

/// A tenant's own service accounts, each of which may have rights of its own.
pub(super) const SERVICE_ACCOUNTS: ObjectKind = ObjectKind {
    group: "",
    version: "v1",
    kind: "ServiceAccount",
    plural: "serviceaccounts",
    extent: Extent::Tenancy,
    why: "to know who acts for a tenant: none of them may edit its quota",
};

/// Kinds that are read beside those that every run reads.
pub(super) const READS: &[ObjectKind] = &[SERVICE_ACCOUNTS];

/// Requests that are tried. `create` on pods and Services is every run's.
pub(super) const NEEDS: &[Permission] = &[
    Permission {
        group: "authorization.k8s.io",
        resources: &["subjectaccessreviews"],
        verbs: &["create"],
        why: "to ask whether a tenant's subjects may edit its quota and limits",
    },
    Permission {
        group: "",
        resources: &["persistentvolumeclaims", "configmaps"],
        verbs: &["list", "create", "delete"],
        why: "to ask for one past a quota: by dry-run, and really only on a cluster that may be thrown away",
    },
];
