//! What was seen: the observations of this family, whole. Judging them again gives the same verdicts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::families::ReviewSeen;
use crate::model::{Namespace, Quantity};
use crate::plan::Mode;
use crate::semantics::quota::{Amounts, Holding, Limits};

/// The observations of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How much the run might take.
    pub mode: Mode,
    /// Each namespace's quotas and limits, as they were when it was tried.
    pub shares: BTreeMap<Namespace, ShareSeen>,
    /// Limits of quotas, tried by one request.
    pub edges: BTreeMap<String, EdgeSeen>,
    /// Limits of quotas, tried by many objects.
    pub rushes: BTreeMap<String, RushSeen>,
    /// Bounds of LimitRanges.
    pub pairs: BTreeMap<String, PairSeen>,
    /// Containers that ask for nothing.
    pub defaults: BTreeMap<String, DefaultsSeen>,
    /// What the tenants' subjects may do.
    pub reviews: BTreeMap<String, ReviewSeen>,
}

/// What the objects of a namespace say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareSeen {
    /// Its quotas.
    pub holdings: Vec<Holding>,
    /// Its limits.
    pub limits: Limits,
    /// Why nothing of it can be judged; `None` where all was read, and nobody changed it meanwhile.
    pub fault: Option<Fault>,
}

/// Why nothing of a namespace can be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "why", rename_all = "kebab-case")]
pub enum Fault {
    /// Somebody changed its quotas or limits meanwhile.
    Changed(String),
    /// It can't be read, or not worked in.
    Unread(String),
}

/// One request, and what the API server said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrySeen {
    /// What was asked for, in a few words.
    pub asked: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Whether it was a dry-run.
    pub dry_run: bool,
    /// What came back.
    pub answer: Answer,
}

/// What the API server said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// It took it.
    Accepted,
    /// It refused it.
    Refused {
        /// The HTTP status.
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

/// A limit of a quota, tried by one request each: at it, one past it, and well within.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeSeen {
    /// The quota that was to decide; `None` where none holds the resource.
    pub quota: Option<String>,
    /// What is held, what is used, and what is left up to the promise or the limit, whichever is less.
    pub held: Option<Quantity>,
    /// What is used.
    pub used: Option<Quantity>,
    /// What was left.
    pub room: Option<Quantity>,
    /// The request that takes exactly what is left.
    pub at: Option<TrySeen>,
    /// The one that takes one step more.
    pub past: Option<TrySeen>,
    /// A request as small as possible.
    pub twin: Option<TrySeen>,
    /// The same, made while what is left was really taken.
    pub full: Option<TrySeen>,
    /// Where the limit is none at all: a request that takes nothing of it.
    pub beside: Option<TrySeen>,
    /// Why no request can tell; `None` where they were made.
    pub not_tried: Option<String>,
    /// Why what was seen does not count.
    pub fault: Option<String>,
}

/// Many creates at once, as many more as there is room, then one by one up to the limit, and one more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RushSeen {
    /// The quota that was to decide.
    pub quota: Option<String>,
    /// What it holds.
    pub held: Option<Quantity>,
    /// What was used before.
    pub used: Option<Quantity>,
    /// How many objects it has room for.
    pub room: Option<u32>,
    /// How many were asked for at once.
    pub asked: u32,
    /// How many of these were taken.
    pub accepted: u32,
    /// The refusals, each once.
    pub refused: Vec<RefusedSeen>,
    /// How many creates got no answer.
    pub silent: u32,
    /// How many more were taken one by one.
    pub topped_up: u32,
    /// The one after the last.
    pub past: Option<TrySeen>,
    /// One object by dry-run.
    pub twin: Option<TrySeen>,
    /// Where the limit is none at all: a request that takes nothing of it.
    pub beside: Option<TrySeen>,
    /// How many objects there were in all when no more were asked for; `None` where the quota does not count each.
    #[serde(default)]
    pub there: Option<u32>,
    /// What was used when all were gone again.
    pub used_after: Option<Quantity>,
    /// Why nothing was made.
    pub not_tried: Option<String>,
    /// Why what was seen does not count.
    pub fault: Option<String>,
}

/// A refusal, and how often it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedSeen {
    /// The HTTP status.
    pub code: u16,
    /// In the API server's words, without the object's name.
    pub message: String,
    /// How often.
    pub times: u32,
}

/// A request beyond a bound, and its twin within.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairSeen {
    /// What the tightest LimitRange allows; `None` where none bounds it.
    pub allowed: Option<Quantity>,
    /// That LimitRange.
    pub range: Option<String>,
    /// The request beyond what is allowed, or promised, whichever is less.
    pub past: Option<TrySeen>,
    /// The one within.
    pub twin: Option<TrySeen>,
    /// Why no request can tell.
    pub not_tried: Option<String>,
}

/// A container that asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultsSeen {
    /// The request.
    pub tried: TrySeen,
    /// What the container came to be limited to.
    pub limits: Amounts,
    /// What it came to ask for.
    pub requests: Amounts,
    /// What the LimitRanges should make of it.
    pub expected_limits: Amounts,
    /// The same for its requests.
    pub expected_requests: Amounts,
}
