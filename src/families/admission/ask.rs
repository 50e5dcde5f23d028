//! What a case of this family asks.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Namespace, RuleId};

/// What a case asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The namespace.
    pub namespace: Namespace,
    /// The rule of the tenancy; `None` for a question about all of them.
    pub rule: Option<RuleId>,
    /// The question.
    #[serde(flatten)]
    pub question: Question,
}

/// The question of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum Question {
    /// Whether each of these requests is refused: pairs of a request that breaks the rule and its twin, by their keys.
    Refused {
        /// Key of the request, and of its twin.
        pairs: Vec<(String, String)>,
    },
    /// Whether the policies that refuse the first of these requests are asked about the others, too.
    Covered {
        /// The request.
        key: String,
        /// The requests of which only the policies' texts are read.
        others: Vec<String>,
    },
    /// Whether the policies that refuse this request do so when their engine is away.
    FailClosed {
        /// The request.
        key: String,
    },
    /// Whether a tenant may change labels of its namespace: one review for each subject.
    ExemptLabel {
        /// The labels that policies read.
        labels: Vec<String>,
        /// Who, and the key of the review.
        reviews: Vec<(Subject, String)>,
    },
    /// Whether a tenant may make exceptions: one review for each subject.
    Exception {
        /// Whether there is an engine that knows exceptions.
        engine: bool,
        /// Who, and the key of the review.
        reviews: Vec<(Subject, String)>,
    },
}

/// Somebody who acts for a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum Subject {
    /// A group of the tenancy.
    Group(String),
    /// A user of the tenancy.
    User(String),
    /// All service accounts of the namespace.
    ServiceAccounts,
    /// One of them.
    ServiceAccount(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group {name}"),
            Self::User(name) => write!(f, "user {name}"),
            Self::ServiceAccounts => f.write_str("its service accounts"),
            Self::ServiceAccount(name) => write!(f, "service account {name}"),
        }
    }
}
