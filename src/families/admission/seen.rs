//! What was seen: the observations of this family, whole. Judging them again gives the same verdicts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::families::ReviewSeen;
use crate::model::Namespace;
use crate::plan::Mode;
use crate::semantics::admission::Concern;

/// The observations of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How much the run might take.
    pub mode: Mode,
    /// The requests, by their keys.
    pub tries: BTreeMap<String, TrySeen>,
    /// What tenants' subjects may do.
    pub reviews: BTreeMap<String, ReviewSeen>,
    /// Namespaces that could not be tried, and why.
    pub closed: BTreeMap<Namespace, String>,
    /// Kinds of policies that could not be read, and why.
    pub unread: Vec<String>,
}

/// One request, what policies say of it, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrySeen {
    /// What was asked for, in a few words.
    pub asked: String,
    /// How each policy stands to it.
    pub concerns: Vec<Concern>,
    /// The level of Pod Security that refuses it by computation; `None` where it meets what is enforced, or its labels
    /// enforce nothing.
    pub beyond: Option<String>,
    /// The answers, one for each repeat, and those of the steps that led to them.
    pub answers: Vec<AnswerSeen>,
    /// Why it was not tried; `None` where it was.
    pub not_tried: Option<String>,
    /// What was different at first, until policies had taken hold; `None` where nothing was.
    pub at_first: Option<String>,
    /// What was made for it and not gone again.
    pub left: Vec<String>,
}

impl TrySeen {
    /// The answers that decide.
    pub fn decisive(&self) -> impl Iterator<Item = &AnswerSeen> {
        self.answers.iter().filter(|answer| answer.decides)
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerSeen {
    /// What step it is of, such as `its template, by dry-run`.
    pub step: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Whether it decides over the request, or another step follows.
    pub decides: bool,
    /// What came back.
    #[serde(flatten)]
    pub answer: Answer,
}

/// What the API server said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// It took the object.
    Accepted {
        /// What of the object as it was taken breaks the rule; `None` where it meets it, as when it was changed on its
        /// way.
        breaks: Option<String>,
    },
    /// It refused it.
    Refused {
        /// The HTTP status; 0 where a controller told of it.
        code: u16,
        /// In its own words.
        message: String,
    },
    /// It said nothing of the request.
    Silent {
        /// Why.
        why: String,
    },
}
