//! What decides over requests at admission: which policies are asked about a request, and whether they can refuse it.
//!
//! What a policy's own Rego, CEL or pattern means is not computed: whoever is asked may refuse. What the Pod Security
//! Standards mean is (see [`standards`]).

mod builtin;
mod gatekeeper;
mod kyverno;
mod matching;
mod policies;
pub mod standards;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

pub use policies::{KINDS, Policies};

/// A request, as far as policies are chosen by it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What is done.
    pub operation: Operation,
    /// The API group; empty for the core group.
    pub group: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The resource, in the plural.
    pub resource: &'a str,
    /// The subresource; empty for none.
    pub subresource: &'a str,
    /// The kind of the object.
    pub kind: &'a str,
    /// The namespace.
    pub namespace: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// The object's labels.
    pub labels: &'a BTreeMap<String, String>,
}

impl<'a> Asked<'a> {
    /// A request for a pod.
    #[must_use]
    pub const fn pod(operation: Operation, namespace: &'a str, labels: &'a BTreeMap<String, String>) -> Self {
        Self {
            operation,
            group: "",
            version: "v1",
            resource: "pods",
            subresource: "",
            kind: "Pod",
            namespace,
            name: "",
            labels,
        }
    }
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// An object is made.
    Create,
    /// An object is changed, as a whole or by a patch.
    Update,
}

impl Operation {
    /// Its name in the rules of webhooks and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
        }
    }
}

/// Who carries a policy out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// The API server's Pod Security admission.
    PodSecurity,
    /// The API server's ValidatingAdmissionPolicy.
    ValidatingAdmissionPolicy,
    /// OPA Gatekeeper.
    Gatekeeper,
    /// Kyverno.
    Kyverno,
}

impl Engine {
    /// What one of its policies is called.
    #[must_use]
    pub const fn policy_word(self) -> &'static str {
        match self {
            Self::PodSecurity => "Pod Security",
            Self::ValidatingAdmissionPolicy => "ValidatingAdmissionPolicy",
            Self::Gatekeeper => "Gatekeeper constraint",
            Self::Kyverno => "Kyverno policy",
        }
    }
}

/// A policy, by its engine and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Policy {
    /// Who carries it out.
    pub engine: Engine,
    /// Its name; the level for Pod Security.
    pub name: String,
}

impl Policy {
    /// A policy of this name.
    #[must_use]
    pub fn new(engine: Engine, name: impl Into<String>) -> Self {
        Self { engine, name: name.into() }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.engine.policy_word(), self.name)
    }
}

/// How a policy stands to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    /// The policy.
    pub policy: Policy,
    /// What it can do about the request.
    pub effect: Effect,
    /// What becomes of such requests while the policy can't be asked or fails.
    pub away: Away,
    /// What is not computed of when it is asked, such as match conditions, or of which of its rules are; `None` where
    /// all is.
    pub unclear: Option<String>,
    /// The labels of the namespace by which the policy is chosen, or the namespace is spared.
    pub keys: BTreeSet<String>,
}

/// What a policy can do about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", content = "how", rename_all = "kebab-case")]
pub enum Effect {
    /// It may refuse it.
    Refuses,
    /// It only tells of it: how, such as `enforcementAction: dryrun`.
    Reports(String),
    /// It is about such objects, and not asked about this one: why.
    Spares(String),
}

/// What becomes of a request while the policy that is to be asked can't be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "away", content = "why", rename_all = "kebab-case")]
pub enum Away {
    /// It is refused.
    #[default]
    Refuses,
    /// It passes: why.
    Passes(String),
    /// It is not computed which of the two: why.
    Unclear(String),
}

impl Concern {
    /// Whether it may refuse the request.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.effect == Effect::Refuses
    }
}
