//! Checks × namespaces → cases. Pure.

use super::NAME;
use super::ask::Ask;
use super::parameters::{CredentialsParameters, Look};
use crate::families::PlanInput;
use crate::model::{CaseId, Family, Namespace};
use crate::plan::Case;
use crate::suite::Access;

/// A token may live for a day where the suite says nothing else.
const A_DAY: u32 = 24 * 60 * 60;

/// Everything that a run of this family will look at.
pub struct CredentialsPlan {
    /// The cases, in the order of the suite.
    pub cases: Vec<Case>,
    /// The namespaces to look into.
    pub namespaces: Vec<Namespace>,
    /// Whether a check asks for Secrets.
    pub wants_secrets: bool,
}

/// Makes the plan.
#[must_use]
pub fn plan(input: &PlanInput<'_>) -> CredentialsPlan {
    let mut plan = CredentialsPlan { cases: Vec::new(), namespaces: Vec::new(), wants_secrets: false };
    let parties = || input.tenancy.parties.iter().filter_map(|party| Some((party, input.namespaces.get(&party.id)?)));
    plan.namespaces.extend(parties().flat_map(|(_, namespaces)| namespaces).cloned());
    plan.namespaces.sort();
    for (check, parameters) in input.suite.checks_with::<CredentialsParameters>() {
        let CredentialsParameters { look, most_seconds, default_becomes_seconds } = parameters;
        plan.wants_secrets |= matches!(look, Look::Secrets | Look::TokenSecrets);
        for (party, namespaces) in parties() {
            for namespace in namespaces {
                let most_seconds = most_seconds.unwrap_or(A_DAY);
                let ask = Ask { namespace: namespace.clone(), look, most_seconds, default_becomes_seconds };
                plan.cases.push(Case {
                    id: CaseId::new(format!("{}:{namespace}/{}", check.id, look.resource())),
                    check: check.id.clone(),
                    family: Family::new(NAME),
                    title: format!("namespace {namespace} {}", look.promise()),
                    from: party.id.clone(),
                    to: party.id.clone(),
                    expect: Access::Denied,
                    ask: serde_json::to_value(&ask).unwrap_or_default(),
                });
            }
        }
    }
    plan
}
