//! How much of a request the API server keeps on record.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much of a request is on record, as an audit policy says it. Ordered: a higher level keeps more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum AuditLevel {
    /// Nothing.
    None,
    /// Who, when, what on which object, and what came of it; no bodies.
    Metadata,
    /// And the body of the request.
    Request,
    /// And the body of the response.
    RequestResponse,
}

impl AuditLevel {
    /// Its name in a policy and in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }
}

impl fmt::Display for AuditLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
