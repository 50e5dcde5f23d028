//! Bindings that must be found: for each tenant those that open its neighbour's namespace, the cluster, or its own
//! fences to it. Roles that every cluster has are bound, so that one object makes each.

use std::collections::BTreeSet;

use serde_json::json;

use super::{GROUP, NAME};
use crate::families::{Mutant, PlanInput};
use crate::model::{Family, Namespace, TenantId};

/// Every such binding.
pub(super) fn mutants(input: &PlanInput<'_>) -> Vec<Mutant> {
    let parties: Vec<(&TenantId, &Namespace)> = input
        .tenancy
        .parties
        .iter()
        .filter_map(|party| Some((&party.id, input.namespaces.get(&party.id)?.first()?)))
        .collect();
    let mut mutants = Vec::new();
    for (index, (from, own)) in parties.iter().enumerate() {
        let group = format!("system:serviceaccounts:{own}");
        if let Some((to, theirs)) = parties.get((index + 1) % parties.len()).filter(|(to, _)| to != from) {
            for role in ["view", "edit", "admin"] {
                mutants.push(binding(Some(theirs), role, &group, &[from, to]));
            }
        }
        mutants.push(binding(Some(own), "admin", &group, &[from]));
        if index == 0 {
            for role in ["cluster-admin", "system:kubelet-api-admin", "system:controller:certificate-controller"] {
                mutants.push(binding(None, role, &group, &[from]));
            }
            for role in ["view", "edit"] {
                mutants.push(binding(Some(own), role, "system:authenticated", &[from]));
            }
        }
    }
    mutants
}

/// A binding of a ClusterRole to a group, in a namespace or for the cluster.
fn binding(namespace: Option<&Namespace>, role: &str, group: &str, tenants: &[&TenantId]) -> Mutant {
    let name = format!("tenantproof-mutant-{}", role.replace(':', "-"));
    let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
    let mut object = json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": kind,
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "Group", "apiGroup": GROUP, "name": group}],
    });
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace.as_str());
    }
    let place = namespace.map_or_else(|| "the cluster".to_owned(), ToString::to_string);
    Mutant {
        family: Family::new(NAME),
        description: format!("{kind} in {place}: ClusterRole {role} bound to group {group}"),
        whole: None,
        broken: Some(object),
        tenants: tenants.iter().map(|tenant| (*tenant).clone()).collect::<BTreeSet<_>>(),
        harmless: None,
    }
}
