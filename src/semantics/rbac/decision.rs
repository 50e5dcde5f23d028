//! What RBAC says of one request, and why, in words.

use std::fmt;
use std::sync::Arc;

use super::objects::{ForeignGrant, NotUnderstood, ObjectName};
use super::subject::BoundSubject;
use crate::semantics::{Answer, Unreadable};

/// A rule of another ClusterRole, from which aggregation took it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The ClusterRole that declares it.
    pub role: Arc<ObjectName>,
    /// The rule there, counted from 1.
    pub rule: usize,
}

/// The chain that grants something: a subject is bound to a role, one of whose rules matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The subject, as the binding names it.
    pub subject: BoundSubject,
    /// The binding.
    pub binding: Arc<ObjectName>,
    /// The role that it binds.
    pub role: Arc<ObjectName>,
    /// The role's rule, counted from 1: for an aggregated role, among those that its controller writes.
    pub rule: usize,
    /// Where aggregation took the rule from.
    pub origin: Option<Origin>,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} binds {} to {}, whose rule {}", self.binding, self.subject, self.role, self.rule)?;
        match &self.origin {
            Some(origin) => write!(f, " (aggregated from rule {} of {})", origin.rule, origin.role),
            None => Ok(()),
        }
    }
}

/// A binding to a role that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Missing {
    /// The binding.
    pub binding: Arc<ObjectName>,
    /// The role that it names.
    pub role: Arc<ObjectName>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} names {}, which is not there", self.binding, self.role)
    }
}

/// Why it cannot be told. Each names its rule in `docs/semantics.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// An object that cannot be read could grant it.
    NotUnderstood(NotUnderstood),
    /// It would be granted by an object that the API server would refuse.
    Refused {
        /// The object.
        object: Arc<ObjectName>,
        /// Why.
        why: String,
    },
    /// What could grant it could not be listed.
    NotRead(Unreadable),
    /// It depends on a role that the API server makes itself and that was not read.
    DefaultRole(Missing),
    /// ClusterRoles aggregate one another, and which of their own rules remain depends on the order of updates.
    AggregationCycle(Arc<ObjectName>),
    /// A controller could grant it from an object of another API.
    Foreign(ForeignGrant),
}

impl Doubt {
    /// The name of the rule in `docs/semantics.md` by which it is unknown.
    #[must_use]
    pub const fn rule_name(&self) -> &'static str {
        match self {
            Self::NotUnderstood(_) => "object-not-understood",
            Self::Refused { .. } => "object-refused",
            Self::NotRead(_) => "resource-not-read",
            Self::DefaultRole(_) => "default-role",
            Self::AggregationCycle(_) => "aggregation-cycle",
            Self::Foreign(_) => "foreign-grant",
        }
    }

    /// The names of all rules.
    pub const RULES: [&'static str; 6] = [
        "object-not-understood",
        "object-refused",
        "resource-not-read",
        "default-role",
        "aggregation-cycle",
        "foreign-grant",
    ];
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUnderstood(object) => write!(f, "it could be granted by {object}, which can't be read"),
            Self::Refused { object, why } => {
                write!(f, "it would be granted by {object}, which the API server would refuse: {why}")
            }
            Self::NotRead(Unreadable { resource, namespace, why }) => {
                let place = namespace.as_ref().map(|namespace| format!(" of {namespace}")).unwrap_or_default();
                write!(f, "it could be granted by {resource}{place}, which could not be read: {why}")
            }
            Self::DefaultRole(Missing { binding, role }) => {
                write!(f, "{binding} names {role}, which API servers make themselves and which was not read")
            }
            Self::AggregationCycle(role) => write!(
                f,
                "it depends on the own rules of {role}, which aggregates itself by way of others, so that they may \
                 have been overwritten"
            ),
            Self::Foreign(object) => write!(f, "it could be granted by {object}, which is not modelled"),
        }
    }
}

/// What an answer follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The subject is of `system:masters`, which no authorizer is asked about.
    Masters,
    /// A rule grants it.
    Rule(Grant),
    /// No rule grants it. Bindings of the subject to roles that do not exist grant nothing.
    NoRule {
        /// Those bindings.
        missing: Vec<Missing>,
    },
    /// It cannot be told.
    Doubt(Doubt),
}

/// What RBAC says of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub answer: Answer,
    /// Why.
    pub because: Because,
}

impl Decision {
    pub(super) const fn of(because: Because) -> Self {
        let answer = match because {
            Because::Masters | Because::Rule(_) => Answer::Allowed,
            Because::NoRule { .. } => Answer::Denied,
            Because::Doubt(_) => Answer::Unknown,
        };
        Self { answer, because }
    }

    /// The reason in a sentence, with the deciding objects by name.
    #[must_use]
    pub fn because(&self) -> String {
        match &self.because {
            Because::Masters => {
                "Members of system:masters may do everything: the API server asks no authorizer about them.".to_owned()
            }
            Because::Rule(grant) => format!("{grant} allows it."),
            Because::NoRule { missing } => {
                let sentence = "No rule that the subject is bound to allows it.";
                let named: Vec<String> = missing.iter().take(3).map(ToString::to_string).collect();
                match missing.len().saturating_sub(named.len()) {
                    _ if named.is_empty() => sentence.to_owned(),
                    0 => format!("{sentence} {}.", named.join("; ")),
                    more => format!("{sentence} {}; and {more} more.", named.join("; ")),
                }
            }
            Because::Doubt(doubt) => format!("It cannot be told: {doubt} (rule {}).", doubt.rule_name()),
        }
    }
}
