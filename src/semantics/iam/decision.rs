//! What policies say of one request, and why.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::doubt::Rule;

/// The verdict on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It is allowed.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// Something that would have to allow it does not.
    ImplicitDeny,
    /// The documents, or the documentation, do not tell.
    Unknown,
}

impl Verdict {
    /// The word, as machines read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitDeny => "explicitDeny",
            Self::ImplicitDeny => "implicitDeny",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a policy stands among those that are asked. Levels are counted from 1, at the root of the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The policies of the user or the role.
    Identity,
    /// Its permissions boundary.
    Boundary,
    /// The session's policy.
    Session,
    /// The service control policies of a level.
    ServiceControl(usize),
    /// The resource control policies of a level.
    ResourceControl(usize),
    /// The resource's own policy.
    Resource,
}

/// A statement, by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cited {
    /// In which layer.
    pub layer: Layer,
    /// In which document.
    pub document: Arc<str>,
    /// Which statement: its number, from 1, and its `Sid`.
    pub statement: Arc<str>,
}

impl fmt::Display for Cited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of ", self.statement)?;
        match self.layer {
            Layer::Identity => write!(f, "the identity policy {:?}", &*self.document),
            Layer::Boundary => f.write_str("the permissions boundary"),
            Layer::Session => f.write_str("the session policy"),
            Layer::ServiceControl(level) => {
                write!(f, "the service control policy {:?} of level {level}", &*self.document)
            }
            Layer::ResourceControl(level) => {
                write!(f, "the resource control policy {:?} of level {level}", &*self.document)
            }
            Layer::Resource => f.write_str("the resource's policy"),
        }
    }
}

/// What would have had to allow a request, and does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// No identity policy and no policy of the resource allows it.
    Grant,
    /// No identity policy allows it, which another account's resource needs besides its own policy.
    Identity,
    /// The resource's policy does not allow it, which is needed from another account.
    OtherAccount,
    /// The role's trust policy does not allow it.
    Trust,
    /// The key's policy does not allow it.
    Key,
    /// The role's trust policy, or the key's policy, leaves it to the account, and no identity policy allows it.
    Delegated,
    /// The resource's policy does not allow the service, which nothing else could.
    Service,
    /// The permissions boundary does not allow it.
    Boundary,
    /// The session policy does not allow it.
    Session,
    /// No service control policy of this level allows it.
    ServiceControl(usize),
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant => f.write_str("no identity policy allows it, and no policy of the resource does"),
            Self::Identity => {
                f.write_str("no identity policy allows it, which it needs for a resource of another account")
            }
            Self::OtherAccount => {
                f.write_str("the resource is in another account, and no policy of the resource allows it")
            }
            Self::Trust => f.write_str("the role's trust policy does not allow it"),
            Self::Key => f.write_str("the key's policy allows neither it nor the account to decide"),
            Self::Delegated => {
                f.write_str("the resource's policy leaves it to the account, and no identity policy allows it")
            }
            Self::Service => f.write_str("no policy of the resource allows the service"),
            Self::Boundary => f.write_str("the permissions boundary does not allow it"),
            Self::Session => f.write_str("the session policy does not allow it"),
            Self::ServiceControl(level) => write!(f, "no service control policy of level {level} allows it"),
        }
    }
}

/// What is in the way of telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsure {
    /// By which rule it is unknown.
    pub rule: Rule,
    /// In which statement, where it is in one.
    pub cited: Option<Cited>,
    /// What of the policy or the request it is about.
    pub about: Box<str>,
    /// Whether the request is denied in any case, and only whether explicitly is not known.
    pub denied: bool,
}

/// What a verdict follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// These statements grant it, and nothing that limits them stands in the way. None are needed by a root user.
    Granted(Vec<Cited>),
    /// This statement denies it.
    Denied(Cited),
    /// These would have had to allow it.
    NotAllowed(Vec<Gap>),
    /// It cannot be told.
    Doubt(Unsure),
}

/// What policies say of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub because: Because,
}

impl Decision {
    pub(super) const fn of(because: Because) -> Self {
        let verdict = match because {
            Because::Granted(_) => Verdict::Allowed,
            Because::Denied(_) => Verdict::ExplicitDeny,
            Because::NotAllowed(_) => Verdict::ImplicitDeny,
            Because::Doubt(_) => Verdict::Unknown,
        };
        Self { verdict, because }
    }

    /// The reason in a sentence.
    #[must_use]
    pub fn because(&self) -> String {
        let sentence = match &self.because {
            Because::Granted(by) => match &**by {
                [] => "A root user has full access to its account, and nothing denies it.".to_owned(),
                [one] => format!("{one} allows it."),
                all => {
                    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
                    format!("{} allow it.", all.join(" and "))
                }
            },
            Because::Denied(cited) => format!("{cited} denies it."),
            Because::NotAllowed(gaps) => {
                let gaps: Vec<String> = gaps.iter().map(ToString::to_string).collect();
                format!("{}.", gaps.join("; "))
            }
            Because::Doubt(unsure) => return unsure.to_string(),
        };
        capitalized(&sentence)
    }
}

impl fmt::Display for Unsure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = if self.denied { "It is denied; whether explicitly cannot be told" } else { "It cannot be told" };
        let says = self.rule.says(&self.about);
        match &self.cited {
            Some(cited) => write!(f, "{it}: {cited} {says} (rule {}).", self.rule.name()),
            None => write!(f, "{it}: it {says} (rule {}).", self.rule.name()),
        }
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
