//! What a case of this family asks.

use serde::{Deserialize, Serialize};

use super::parameters::Look;
use crate::model::Namespace;

/// What is looked for in one namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Where.
    pub namespace: Namespace,
    /// For what.
    pub look: Look,
    /// The most seconds that a token may live.
    pub most_seconds: u32,
    /// What the API server makes of the default of 3607 seconds, where the suite says it.
    pub default_becomes_seconds: Option<u32>,
}
