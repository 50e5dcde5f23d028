//! Probes as a plan asks for them; `cluster` makes pods of them.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Namespace, NodeName, Port, Protocol, ServiceAccountName};

/// A probe's name inside a run: short, stable, such as `tenant-1/analytics@worker`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ProbeName(String);

impl ProbeName {
    /// Takes the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProbeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A probe pod to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeSpec {
    /// Its name in the run.
    pub name: ProbeName,
    /// The namespace that it is a guest of.
    pub namespace: Namespace,
    /// The node on which it shall run.
    pub node: NodeName,
    /// The labels that policies' selectors read, and no others.
    pub labels: BTreeMap<String, String>,
    /// The ports on which it listens, declared on its container.
    pub ports: Vec<ProbePort>,
    /// Whether a Service of its own stands before it.
    pub service: bool,
    /// As whom it asks for credentials of a cloud; `None` for a probe that never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<ProbeIdentity>,
}

/// As whom a probe asks for credentials of a cloud. Its environment is left to whatever gives every pod of that service
/// account its credentials, and a token of the API server is never mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeIdentity {
    /// The service account that it runs under.
    pub service_account: ServiceAccountName,
    /// The audience of a token of its own, mounted at [`OWN_TOKEN`], for asking as no workload would.
    pub audience: Option<String>,
}

/// Where a probe's own token lies.
pub const OWN_TOKEN: &str = "/var/run/secrets/tenantproof.dev/token";

/// A port on which a probe listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ProbePort {
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number.
    pub port: Port,
    /// Its name on the container, where a policy reads that name.
    pub name: Option<String>,
}

/// The CPU that one probe asks for, in millicores.
pub const PROBE_MILLICORES: i64 = 10;
/// The CPU that one probe may use, in millicores.
pub const PROBE_LIMIT_MILLICORES: i64 = 250;
/// The memory that one probe asks for, in bytes.
pub const PROBE_MEMORY: i64 = 16 << 20;
/// The memory that one probe may use, in bytes.
pub const PROBE_LIMIT_MEMORY: i64 = 32 << 20;
