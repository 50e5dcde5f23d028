//! What was seen: every question with what the rules say of it and what the API server answered.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::question::Question;
use crate::families::Stance;

/// The observations of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The questions, by their keys.
    pub asked: BTreeMap<String, AskedSeen>,
    /// For each subject: what it must be allowed, so that a refusal means something.
    pub controls: BTreeMap<String, ControlSeen>,
}

/// One question and its answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedSeen {
    /// The question.
    #[serde(flatten)]
    pub question: Question,
    /// What roles and bindings say.
    pub computed: Stance,
    /// By which binding, role and rule.
    pub because: String,
    /// What the API server answered.
    pub answer: Stance,
    /// Its reason, or why it gave no answer.
    pub said: String,
    /// When it was asked: milliseconds since 1970 in UTC, by the runner's clock.
    pub at_ms: i64,
}

/// The control case of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlSeen {
    /// What it must be allowed.
    pub what: String,
    /// What the API server answered.
    pub answer: Stance,
    /// Its reason, or why it gave no answer.
    pub said: String,
}
