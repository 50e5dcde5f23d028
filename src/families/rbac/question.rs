//! One question to the authorizers: may this subject do that, there?

use serde::{Deserialize, Serialize};

use crate::semantics::rbac::{Request, ResourceRequest, Scope, Verb};

/// May this subject do that, there?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Question {
    /// The subject, by its name among the subjects.
    pub subject: String,
    /// The verb.
    pub verb: String,
    /// The API group; empty for the core group.
    pub api_group: String,
    /// The resource.
    pub resource: String,
    /// The subresource; empty for none.
    pub subresource: String,
    /// The namespace; empty for the whole cluster.
    pub namespace: String,
}

impl Question {
    /// Its key in the observations.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}: {}", self.subject, self.what())
    }

    /// What is asked for, in words.
    #[must_use]
    pub fn what(&self) -> String {
        if self.namespace.is_empty() {
            format!("{} for the whole cluster", self.deed())
        } else {
            format!("{} in {}", self.deed(), self.namespace)
        }
    }

    /// The same, without the place.
    #[must_use]
    pub fn deed(&self) -> String {
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        let point = if self.api_group.is_empty() { "" } else { "." };
        format!("{} {}{slash}{}{point}{}", self.verb, self.resource, self.subresource, self.api_group)
    }

    /// The same for the evaluator.
    pub(super) fn request(&self) -> Request<'_> {
        Request::Resource(ResourceRequest {
            verb: Verb::new(&self.verb),
            api_group: &self.api_group,
            resource: &self.resource,
            subresource: &self.subresource,
            scope: Scope::of(&self.namespace),
            name: "",
        })
    }
}
