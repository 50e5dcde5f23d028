//! What this family reads and asks beside what every run does.

use crate::plan::Permission;
use crate::semantics::ObjectKind;
use crate::semantics::kinds::SERVICE_ACCOUNTS;

/// Kinds that are read beside those that every run reads.
pub(super) const READS: &[ObjectKind] =
    &[SERVICE_ACCOUNTS.because("to know who acts for a tenant: none of them may edit its quota")];

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
