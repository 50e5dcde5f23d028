//! What a case of this family asks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::deed::Deed;
use super::topic::Topic;
use crate::model::{AuditLevel, Namespace, TenantId};

/// What a case asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum Ask {
    /// Whether a request is on record as it was promised.
    Record {
        /// What was done.
        deed: Deed,
        /// In which namespace.
        namespace: Namespace,
        /// What was promised of its record.
        promised: Promised,
    },
    /// Whether an impersonated request is on record under both names.
    Impersonation {
        /// In which namespace.
        namespace: Namespace,
        /// What was promised of its record.
        promised: Promised,
    },
    /// Whether the policy's text keeps what was promised.
    Policy {
        /// Of whose subjects.
        tenant: TenantId,
        /// Of which requests.
        topic: Topic,
        /// What was promised of their record.
        promised: Promised,
    },
    /// Whether the policy's text keeps less of a tenant's subjects than of others.
    Exempt {
        /// The tenant.
        tenant: TenantId,
    },
    /// Whether the policy's text leaves out the stage that has the outcome.
    Stages {
        /// Of whose subjects.
        tenant: TenantId,
    },
    /// Whether the API server runs this policy.
    InForce {
        /// The namespaces whose events are compared.
        namespaces: Vec<Namespace>,
    },
    /// Whether a tenant reaches where the log is kept.
    Sink {
        /// Who asks.
        subjects: BTreeSet<String>,
        /// The keys of the questions.
        asked: Vec<String>,
        /// Whether it is about changing, rather than reading.
        changes: bool,
    },
}

/// What was promised of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Promised {
    /// The least that is kept.
    pub least: AuditLevel,
    /// The most that is kept.
    pub most: AuditLevel,
    /// Within which time it is on record, in milliseconds; left out where that is for the way to say that the record
    /// goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u64>,
}
