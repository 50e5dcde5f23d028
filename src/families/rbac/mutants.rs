//! Bindings that must be found: for each tenant those that open its neighbour's namespace, the cluster, or its own
//! fences to it. Roles that every cluster has are bound, so that one object makes each.

use super::NAME;
use crate::families::{Bound, Mutant, PlanInput};
use crate::model::{Namespace, TenantId};

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
            if input.told.request_tokens {
                mutants.push(of_account(own, theirs, [from, to]));
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

fn binding(namespace: Option<&Namespace>, role: &str, group: &str, tenants: &[&TenantId]) -> Mutant {
    let name = role.replace(':', "-");
    Mutant::binding(NAME, namespace, &name, role, Bound::Group(group), tenants)
}

/// A binding that names one service account and no group: the account's own token must find it.
fn of_account(own: &Namespace, theirs: &Namespace, tenants: [&TenantId; 2]) -> Mutant {
    Mutant::binding(NAME, Some(theirs), "account", "view", Bound::Account(own, "default"), &tenants)
}
