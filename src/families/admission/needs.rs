//! What this family reads and asks beside what every run does.

use crate::plan::Permission;
use crate::semantics::admission::KINDS;
use crate::semantics::kinds::SERVICE_ACCOUNTS;
use crate::semantics::{Extent, ObjectKind};

/// Buckets of ACK: a change is tried on one that is there, by dry-run.
pub(super) const BUCKETS: ObjectKind = ObjectKind {
    group: "s3.services.k8s.aws",
    version: "v1alpha1",
    kind: "Bucket",
    plural: "buckets",
    extent: Extent::Tenancy,
    why: "to try by dry-run whether a bucket that is there can be changed against a rule",
    optional: true,
};

/// Kinds that are read beside those that every run reads.
pub(super) const READS: &[ObjectKind] = &[
    KINDS[0],
    KINDS[1],
    KINDS[2],
    KINDS[3],
    KINDS[4],
    KINDS[5],
    KINDS[6],
    KINDS[7],
    BUCKETS,
    SERVICE_ACCOUNTS.because("to know who acts for a tenant: none of them may exempt its namespace"),
];

/// Requests that are tried. `create` and `patch` on pods are every run's.
pub(super) const NEEDS: &[Permission] = &[
    Permission {
        group: "apps",
        resources: &["deployments", "statefulsets"],
        verbs: &["get", "create", "patch", "delete"],
        why: "to ask for pods through their controllers: by dry-run, and really only on a cluster that may be thrown away",
    },
    Permission {
        group: "batch",
        resources: &["jobs", "cronjobs"],
        verbs: &["get", "create", "delete"],
        why: "the same through Jobs and CronJobs",
    },
    Permission {
        group: "",
        resources: &["events"],
        verbs: &["list"],
        why: "to read what a controller was refused, on a cluster that may be thrown away",
    },
    Permission {
        group: "s3.services.k8s.aws",
        resources: &["buckets"],
        verbs: &["create", "patch"],
        why: "to ask for buckets of ACK, by dry-run alone",
    },
    Permission {
        group: "authorization.k8s.io",
        resources: &["subjectaccessreviews"],
        verbs: &["create"],
        why: "to ask whether a tenant's subjects may exempt its namespace",
    },
];
