//! What a case of this family asks.

use serde::{Deserialize, Serialize};

use super::parameters::{Attempt, Operation};
use crate::plan::ProbeName;

/// What a case asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// What is tried.
    pub attempt: Attempt,
    /// With which call, where it is one.
    pub operation: Option<Operation>,
    /// The probe that tries.
    pub probe: ProbeName,
    /// The service account under which it runs, with its namespace.
    pub account: String,
    /// What it tries to reach, as [`super::seen::call_key`] has it; empty where the case is about no call.
    pub target: String,
    /// What is the tenant's own of the same kind: the control case of a denial.
    pub own: Vec<String>,
    /// The probes of those who own what is tried, or of all other tenants where the case is about credentials.
    pub others: Vec<ProbeName>,
    /// The EC2 instance that is the probe's node, where it is one: what has metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The longest that credentials may live, in seconds.
    pub longest_s: u64,
}
