//! What is asked of the API server, as its authorizers see it.

use std::fmt;

/// Verbs that have a bit of their own, so that most rules are passed over by one comparison.
const KNOWN: [&str; 16] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "impersonate",
    "bind",
    "escalate",
    "use",
    "approve",
    "sign",
    "post",
    "put",
];

/// A verb: `get`, `list`, `escalate`, or any other word that somebody's API has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Verb<'a> {
    text: &'a str,
    bit: u32,
}

impl<'a> Verb<'a> {
    /// The verb of this name, which is compared as it is written.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let bit = KNOWN.iter().position(|known| *known == text).map_or(0, |at| 1 << at);
        Self { text, bit }
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// Its bit, or 0 where it has none.
    pub(super) const fn bit(self) -> u32 {
        self.bit
    }
}

impl fmt::Display for Verb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text)
    }
}

/// Where a request applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope<'a> {
    /// The whole cluster: cluster-scoped resources, or those of all namespaces at once.
    Cluster,
    /// One namespace. A request for the object `namespaces/NAME` itself is in that namespace, too
    /// (`NewRequestInfo`), so a Role in it may grant it.
    Namespace(&'a str),
}

impl<'a> Scope<'a> {
    /// The scope of a namespace's name, which is empty for the whole cluster.
    #[must_use]
    pub const fn of(namespace: &'a str) -> Self {
        if namespace.is_empty() { Self::Cluster } else { Self::Namespace(namespace) }
    }

    /// The namespace, where there is one.
    #[must_use]
    pub const fn namespace(self) -> Option<&'a str> {
        match self {
            Self::Cluster => None,
            Self::Namespace(name) => Some(name),
        }
    }
}

/// A request about a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResourceRequest<'a> {
    /// What is to be done.
    pub verb: Verb<'a>,
    /// The API group; empty for the core group.
    pub api_group: &'a str,
    /// The resource, in the plural: `pods`.
    pub resource: &'a str,
    /// The subresource, or empty: `log`.
    pub subresource: &'a str,
    /// Where.
    pub scope: Scope<'a>,
    /// The object's name, or empty. The API server knows none of what is being created by `create`, nor for `list`,
    /// `watch` and `deletecollection` unless a field selector asks for one `metadata.name`.
    pub name: &'a str,
}

/// A request to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request<'a> {
    /// About a resource.
    Resource(ResourceRequest<'a>),
    /// About a path that is no resource, such as `/healthz`.
    NonResource {
        /// What is to be done: the HTTP method in lower case.
        verb: Verb<'a>,
        /// The path.
        path: &'a str,
    },
}

impl<'a> Request<'a> {
    /// The namespace whose RoleBindings count.
    pub(super) const fn namespace(&self) -> Option<&'a str> {
        match self {
            Self::Resource(request) => request.scope.namespace(),
            Self::NonResource { .. } => None,
        }
    }
}
