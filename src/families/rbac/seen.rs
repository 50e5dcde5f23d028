//! What was seen: every question with what the rules say of it and what the API server answered.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::eks::EksSeen;
use super::question::Question;
use crate::families::Stance;

/// The observations of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The questions, by their keys.
    pub asked: BTreeMap<String, AskedSeen>,
    /// For each subject: what it must be allowed, so that a refusal means something.
    pub controls: BTreeMap<String, ControlSeen>,
    /// Whether the run was told to ask for tokens of tenants' service accounts.
    #[serde(default)]
    pub told_to_request_tokens: bool,
    /// For each service account whose token was asked for: what came of it. Never the token.
    #[serde(default)]
    pub tokens: BTreeMap<String, TokenSeen>,
    /// What was tried with them, by key.
    #[serde(default)]
    pub tried: BTreeMap<String, TriedSeen>,
    /// What the EKS API told, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eks: Option<EksSeen>,
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

/// What came of asking for a service account's token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenSeen {
    /// As whom the API server must know who has it: the user's name.
    pub user: String,
    /// As whom it does, when who has it asks; `None` where it gave no answer.
    pub known_as: Option<String>,
    /// Why there is no token, or no answer to who has it; empty where all went well.
    pub trouble: String,
    /// When it was asked for: milliseconds since 1970 in UTC, by the runner's clock.
    pub at_ms: i64,
}

/// One request that was made with a tenant's own token. What it was granted was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedSeen {
    /// What it asked for.
    #[serde(flatten)]
    pub question: Question,
    /// What roles and bindings say.
    pub computed: Stance,
    /// By which binding, role and rule.
    pub because: String,
    /// What the API server answered to a `SelfSubjectAccessReview` with the same token.
    pub review: Stance,
    /// Its reason, or why it gave no answer.
    pub review_said: String,
    /// The HTTP status of the request's answer; 0 where there was none.
    pub code: u16,
    /// Its words, or why there was no answer; empty where it was granted.
    pub message: String,
    /// When it was made: milliseconds since 1970 in UTC, by the runner's clock.
    pub at_ms: i64,
}
