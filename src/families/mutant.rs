//! One way to take down one fence of a cluster, as data: what `mutate` does, and undoes.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::model::{Family, Namespace, TenantId};

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

/// The API group of roles and bindings.
const RBAC: &str = "rbac.authorization.k8s.io";

/// Whom a new binding names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound<'a> {
    /// A group.
    Group(&'a str),
    /// The service account of this name in this namespace.
    Account(&'a Namespace, &'a str),
}

impl Bound<'_> {
    fn subject(self) -> serde_json::Value {
        match self {
            Self::Group(name) => json!({"kind": "Group", "apiGroup": RBAC, "name": name}),
            Self::Account(namespace, name) => json!({"kind": "ServiceAccount", "namespace": namespace, "name": name}),
        }
    }
}

impl fmt::Display for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group {name}"),
            Self::Account(namespace, name) => write!(f, "service account {namespace}/{name}"),
        }
    }
}

impl Mutant {
    /// A new binding of a ClusterRole, of those that every cluster has: in a namespace, or for the cluster.
    pub(super) fn binding(
        family: &str,
        namespace: Option<&Namespace>,
        name: &str,
        role: &str,
        bound: Bound<'_>,
        tenants: &[&TenantId],
    ) -> Self {
        let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
        let mut object = json!({
            "apiVersion": format!("{RBAC}/v1"),
            "kind": kind,
            "metadata": {"name": format!("tenantproof-mutant-{name}")},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [bound.subject()],
        });
        if let Some(namespace) = namespace {
            object["metadata"]["namespace"] = json!(namespace);
        }
        let place = namespace.map_or_else(|| "the cluster".to_owned(), ToString::to_string);
        Self {
            family: Family::new(family),
            description: format!("{kind} in {place}: ClusterRole {role} bound to {bound}"),
            whole: None,
            broken: Some(object),
            tenants: tenants.iter().map(|tenant| (*tenant).clone()).collect(),
            harmless: None,
        }
    }

    /// The object that it changes, makes or deletes.
    #[must_use]
    pub fn object(&self) -> Option<&serde_json::Value> {
        self.whole.as_ref().or(self.broken.as_ref())
    }
}
