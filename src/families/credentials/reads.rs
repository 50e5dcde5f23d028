//! What this family reads beside what every run reads.

use crate::semantics::kinds::{CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS, SERVICE_ACCOUNTS};
use crate::semantics::{Extent, ObjectKind};

/// `ConfigMap`s.
pub(super) const CONFIG_MAPS: ObjectKind = ObjectKind {
    group: "",
    version: "v1",
    kind: "ConfigMap",
    plural: "configmaps",
    extent: Extent::Tenancy,
    why: "to look for long-lived credentials; what is found is never shown",
    optional: false,
};

/// Secrets, where the run was told to.
pub(super) const SECRETS: ObjectKind = ObjectKind {
    group: "",
    version: "v1",
    kind: "Secret",
    plural: "secrets",
    extent: Extent::OnlyIfTold,
    why: "only with --read-secrets: to look for the keys of clouds and services; what is found is never shown",
    optional: false,
};

const WHO_NEEDS_IT: &str = "to tell who needs the token that its pod holds";

pub(super) const READS: &[ObjectKind] = &[
    CONFIG_MAPS,
    SERVICE_ACCOUNTS.because("to see which Secrets with tokens they name"),
    ROLE_BINDINGS.because(WHO_NEEDS_IT),
    CLUSTER_ROLE_BINDINGS.because(WHO_NEEDS_IT),
    SECRETS,
];
