//! What a case of this family asks.

use serde::{Deserialize, Serialize};

use crate::families::Subject;
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
