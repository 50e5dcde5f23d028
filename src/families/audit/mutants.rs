//! Bindings that must be found: for each tenant those that let it read and change what is in the namespace where the
//! audit log is kept. What the policy of a running API server keeps is no object that could be broken.

use std::collections::BTreeSet;

use serde_json::json;

use super::NAME;
use super::parameters::{AuditParameters, Look};
use crate::families::{Mutant, PlanInput};
use crate::model::Family;
use crate::tenancy::PartyKind;

/// Every such binding.
pub(super) fn mutants(input: &PlanInput<'_>) -> Vec<Mutant> {
    let sink = input.tenancy.audit.iter().flat_map(|audit| &audit.sink).next();
    let reaches = |look| matches!(look, Look::SinkRead | Look::SinkChange);
    let checked = input.suite.checks_with::<AuditParameters>().iter().any(|(_, parameters)| reaches(parameters.look));
    let Some(sink) = sink.filter(|_| checked) else { return Vec::new() };
    let tenants = input.tenancy.parties.iter().filter(|party| party.kind == PartyKind::Tenant);
    let own = tenants.filter_map(|party| Some((&party.id, input.namespaces.get(&party.id)?.first()?)));
    own.flat_map(|(tenant, namespace)| {
        let group = format!("system:serviceaccounts:{namespace}");
        ["view", "edit"].map(|role| Mutant {
            family: Family::new(NAME),
            description: format!("RoleBinding in {sink}: ClusterRole {role} bound to group {group}"),
            whole: None,
            broken: Some(json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"namespace": sink.as_str(), "name": format!("tenantproof-mutant-audit-{role}")},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": group}],
            })),
            tenants: BTreeSet::from([tenant.clone()]),
            harmless: None,
        })
    })
    .collect()
}
