//! Bindings that must be found: for each tenant those that let it read and change what is in the namespace where the
//! audit log is kept. What the policy of a running API server keeps is no object that could be broken.

use super::NAME;
use super::parameters::{AuditParameters, Look};
use crate::families::{Bound, Mutant, PlanInput};
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
        ["view", "edit"].map(|role| {
            Mutant::binding(NAME, Some(sink), &format!("audit-{role}"), role, Bound::Group(&group), &[tenant])
        })
    })
    .collect()
}
