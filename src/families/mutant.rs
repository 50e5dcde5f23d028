//! One way to take down one fence of a cluster, as data: what `mutate` does, and undoes.

use std::collections::BTreeSet;

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

impl Mutant {
    /// A new binding of a ClusterRole, of those that every cluster has, to a group: in a namespace, or for the cluster.
    pub(super) fn binding(
        family: &str,
        namespace: Option<&Namespace>,
        name: &str,
        role: &str,
        group: &str,
        tenants: &[&TenantId],
    ) -> Self {
        let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
        let mut object = json!({
            "apiVersion": format!("{RBAC}/v1"),
            "kind": kind,
            "metadata": {"name": format!("tenantproof-mutant-{name}")},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "Group", "apiGroup": RBAC, "name": group}],
        });
        if let Some(namespace) = namespace {
            object["metadata"]["namespace"] = json!(namespace);
        }
        let place = namespace.map_or_else(|| "the cluster".to_owned(), ToString::to_string);
        Self {
            family: Family::new(family),
            description: format!("{kind} in {place}: ClusterRole {role} bound to group {group}"),
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
