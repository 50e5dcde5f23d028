//! The three answers of every evaluator.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether something passes: a connection, or a request to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It passes.
    Allowed,
    /// It does not.
    Denied,
    /// What was read does not tell, or the specification leaves it undefined.
    Unknown,
}

impl Answer {
    /// The word, as machines read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
