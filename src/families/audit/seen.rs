//! What was seen: what was done and said, what the log has of it, what the policy says of it, and who reaches the log.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deed::{About, Deed};
use super::topic::Topic;
use super::way::Way;
use crate::families::Stance;
use crate::model::{AuditLevel, Namespace, TenantId};
use crate::semantics::audit::{Event, Person, PolicyOrigin, Stage};

/// The observations of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The log; `None` where the run was given none, and nothing was done.
    pub log: Option<LogSeen>,
    /// Who the runner is to the API server.
    pub runner: Person,
    /// What was done, by key.
    pub deeds: BTreeMap<String, DeedSeen>,
    /// What the runner did after all of it, to see whether the log has what is done.
    pub controls: BTreeMap<String, DeedSeen>,
    /// What the policy's text says; `None` where the run was given none.
    pub policy: Option<Vec<PolicySeen>>,
    /// Whose text it is.
    #[serde(default, skip_serializing_if = "is_given")]
    pub policy_origin: PolicyOrigin,
    /// Who may do what where the log is kept, by key.
    pub sink: BTreeMap<String, SinkSeen>,
    /// What each subject must be allowed, so that a refusal means something.
    pub subjects: BTreeMap<String, Stance>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_given(origin: &PolicyOrigin) -> bool {
    *origin == PolicyOrigin::Given
}

impl Seen {
    /// The deeds of a kind in a namespace.
    pub fn of<'a>(&'a self, deed: Deed, namespace: &'a Namespace) -> impl Iterator<Item = (&'a String, &'a DeedSeen)> {
        self.deeds.iter().filter(move |(_, one)| one.deed == deed && &one.namespace == namespace)
    }

    /// Whether the log had one of the requests that were made after all others.
    #[must_use]
    pub fn log_is_live(&self) -> bool {
        self.controls.values().any(|control| !control.events.is_empty())
    }
}

/// What was read of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogSeen {
    /// Where it lies.
    pub sources: Vec<String>,
    /// By which ways it came there. Empty in older records, which are of files alone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ways: BTreeSet<Way>,
    /// How many API servers there are; `None` where it could not be told.
    pub servers: Option<usize>,
    /// How many lines were read.
    pub lines: u64,
    /// How many lines with a mark of the run were no whole event.
    pub torn: u64,
    /// How many lines were longer than any event may be.
    pub too_long: u64,
    /// How often it was rotated meanwhile.
    pub rotations: u64,
    /// From how many API servers there was something that was done at the end, where the source tells them apart: streams
    /// of CloudWatch Logs, who posted to the webhook; files count as one each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<usize>,
    /// How many posts to a webhook were refused, by the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, u64>,
    /// Why it could not be read.
    pub trouble: Option<String>,
}

impl LogSeen {
    /// Within which time a record is promised, in milliseconds: what the tenancy says, or else what the slowest way does.
    #[must_use]
    pub fn within_ms(&self, promised: Option<u64>) -> u64 {
        let by_way = self.ways.iter().map(|way| way.within_ms()).max();
        promised.or(by_way).unwrap_or(Way::File.within_ms())
    }

    /// How long it is waited for, in milliseconds.
    #[must_use]
    pub fn patience_ms(&self, promised: Option<u64>) -> u64 {
        let patience = self.ways.iter().map(|way| way.patience_ms()).max().unwrap_or_default();
        patience.max(self.within_ms(promised))
    }

    /// How many API servers were heard of at the end; `None` where each has a file of its own.
    pub(super) fn heard(&self, lanes: &BTreeSet<String>) -> Option<usize> {
        self.ways.iter().any(|way| *way != Way::File).then_some(lanes.len())
    }
}

/// Something that was done to be found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeedSeen {
    /// What.
    pub deed: Deed,
    /// For which namespace of a tenant; a deed elsewhere is for the namespace of who does it.
    pub namespace: Namespace,
    /// What its record must be about.
    pub about: About,
    /// In whose name; `None` for the runner's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<NameSeen>,
    /// Its mark.
    pub mark: String,
    /// When it was done: milliseconds since 1970 in UTC, by the runner's clock.
    pub at_ms: i64,
    /// What the API server said.
    pub answer: AnswerSeen,
    /// Its events, without bodies.
    pub events: Vec<Event>,
    /// After how long the one of stage `ResponseComplete` was found: milliseconds since the answer, by a clock
    /// that is never set.
    pub found_after_ms: Option<u64>,
    /// For how long it had been looked for, in the same way, when a look last did not find it; `None` where it was found
    /// at once, or there was no look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sought_ms: Option<u64>,
    /// What the policy's text keeps of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computed: Option<KeptSeen>,
}

/// In whose name something was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NameSeen {
    /// Who, in words.
    pub who: String,
    /// The user.
    pub user: String,
    /// The group, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// What the API server said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnswerSeen {
    /// The HTTP status; 0 where there was no answer.
    pub code: u16,
    /// Its words, or why there was no answer.
    pub message: String,
    /// The time of the answer by the API server's clock.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub date: String,
}

impl AnswerSeen {
    /// Whether it was done.
    #[must_use]
    pub const fn accepted(&self) -> bool {
        self.code >= 200 && self.code < 300
    }

    /// Whether authorization refused it: the API server words that in one way, whatever was asked for.
    #[must_use]
    pub fn unauthorized(&self) -> bool {
        self.code == 403 && self.message.contains(" is forbidden: User \"") && self.message.contains("\" cannot ")
    }

    /// Whether something after authorization refused it.
    #[must_use]
    pub fn refused_later(&self) -> bool {
        self.code >= 400 && self.code < 500 && self.code != 404 && self.code != 401 && !self.unauthorized()
    }
}

/// What a policy keeps of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptSeen {
    /// The level.
    pub level: AuditLevel,
    /// The number of the rule, from 1; `None` where no rule matches.
    pub rule: Option<usize>,
}

/// What the policy's text keeps of requests that it doesn't tell apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicySeen {
    /// The tenant.
    pub tenant: TenantId,
    /// Who asks.
    pub subject: String,
    /// What the requests have in common.
    pub topic: Topic,
    /// What is kept.
    pub kept: KeptSeen,
    /// What is kept of the same from somebody who is no tenant's.
    pub of_others: KeptSeen,
    /// The stages that are left out.
    pub omits: Vec<Stage>,
    /// The requests, in words.
    pub requests: Vec<String>,
}

/// Whether somebody may do something where the log is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SinkSeen {
    /// The question, in words.
    pub what: String,
    /// What the API server answered.
    pub answer: Stance,
    /// Its reason, or why it gave no answer.
    pub said: String,
}
