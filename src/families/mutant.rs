//! One way to take down one fence of a cluster, as data: what `mutate` does, and undoes.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Family, TenantId};

/// One way to take down one fence, and how to put it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mutant {
    /// The family whose fence it is.
    pub family: Family,
    /// What is done, with the object by name.
    pub description: String,
    /// The object as it was, without what the API server sets; `None` where the mutant makes a new one.
    pub whole: Option<serde_json::Value>,
    /// The object as it is while broken; `None` where it is deleted.
    pub broken: Option<serde_json::Value>,
    /// The tenants whose cases should break; empty where that is not known.
    pub tenants: BTreeSet<TenantId>,
    /// Why no suite can notice, such as another fence that still holds; `None` where one should.
    pub harmless: Option<String>,
}

impl Mutant {
    /// The object that it changes, makes or deletes.
    #[must_use]
    pub fn object(&self) -> Option<&serde_json::Value> {
        self.whole.as_ref().or(self.broken.as_ref())
    }
}
