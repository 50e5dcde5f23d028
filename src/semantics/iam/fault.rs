//! Why IAM would not take a document, in words.

use std::fmt;

use thiserror::Error;

use super::document::PolicyKind;
use crate::model::Nearest;

/// Something in a document that the grammar or the kind of policy does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: nothing for the document as a whole, else such as `statement 2 ("Own"), Condition`.
    pub place: String,
    /// What.
    pub what: Wrong,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { write!(f, "{}", self.what) } else { write!(f, "{}: {}", self.place, self.what) }
    }
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Wrong {
    /// No JSON.
    #[error("this is no JSON: {0}")]
    NoJson(String),
    /// A value of another type.
    #[error("{element} is {found}; it must be {wanted}")]
    Type {
        /// The element.
        element: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// A key twice in one object.
    #[error("{0:?} is here twice")]
    Twice(String),
    /// An element that the grammar does not have.
    #[error("the element {0:?} is not known{question}", question = .1.question())]
    Unknown(String, Nearest),
    /// An element that is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Two elements of which one may be there.
    #[error("{0} and {1} are both here")]
    Both(&'static str, &'static str),
    /// An element that this kind of policy has not.
    #[error("{0} has no place in {1}")]
    Misplaced(&'static str, PolicyKind),
    /// A version that there is none of.
    #[error("the Version {0:?} is none; there are 2012-10-17 and 2008-10-17")]
    Version(String),
    /// A resource control policy of the older language.
    #[error("the Version of a resource control policy is 2012-10-17")]
    RcpVersion,
    /// An effect that there is none of.
    #[error("the Effect {0:?} is none; there are Allow and Deny, in these letters")]
    Effect(String),
    /// An action without its service.
    #[error("the action {0:?} is none: it is \"*\", or a service, one colon and a name")]
    Action(String),
    /// A resource that is no ARN.
    #[error("the resource {0:?} is none: it is \"*\" or begins as an ARN does")]
    Resource(String),
    /// An ARN of fewer than six parts in a session policy.
    #[error("the resource {0:?} has fewer than six parts, which a session policy may not have")]
    IncompleteResource(String),
    /// A principal that is none.
    #[error("the principal {0:?} is none, or has a wildcard for a part of a name")]
    Principal(String),
    /// A resource control policy that names somebody.
    #[error("the Principal of a resource control policy is \"*\"")]
    SomePrincipal,
    /// A resource control policy that allows.
    #[error("a resource control policy other than RCPFullAWSAccess may only deny")]
    AllowingRcp,
    /// A resource control policy about everything.
    #[error("the Action of a resource control policy names a service")]
    EveryAction,
}
