//! The fences that a cluster has, each with every way to take it down, and what that would open.

use std::collections::{BTreeSet, HashMap};

use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde_json::{Value, json};

use super::ask::Ask;
use super::fences::{Sabotage, sabotages};
use super::plan::{NetworkPlan, TryPlan, plan};
use crate::families::{Mutant, PlanInput, ask_of};
use crate::model::{Family, TenantId};
use crate::semantics::network::Answer;
use crate::suite::Access;

/// Every way to take down a fence of the tenancy's namespaces.
pub(super) fn mutants(input: &PlanInput<'_>) -> Vec<Mutant> {
    let whole = broken_promises(&plan(input));
    sabotages(&input.snapshot.network_policies)
        .into_iter()
        .map(|sabotage| {
            let mut snapshot = input.snapshot.clone();
            put(&mut snapshot.network_policies, &sabotage);
            let opened = broken_promises(&plan(&PlanInput { snapshot: &snapshot, ..*input }));
            let pairs: BTreeSet<&(TenantId, TenantId)> = opened.difference(&whole).collect();
            let harmless = pairs.is_empty().then(|| "what the other policies say does not change by it".to_owned());
            Mutant {
                family: Family::new(super::NAME),
                description: sabotage.description,
                whole: Some(as_object(&sabotage.whole)),
                broken: sabotage.broken.as_ref().map(as_object),
                tenants: pairs.into_iter().map(|(_, to)| to.clone()).collect(),
                harmless,
            }
        })
        .collect()
}

/// The policies while this one is broken.
fn put(policies: &mut Vec<NetworkPolicy>, sabotage: &Sabotage) {
    let metadata = &sabotage.whole.metadata;
    let same = |policy: &NetworkPolicy| {
        (&policy.metadata.namespace, &policy.metadata.name) == (&metadata.namespace, &metadata.name)
    };
    policies.retain(|policy| !same(policy));
    policies.extend(sabotage.broken.clone());
}

/// The pairs of which the policies do not say what the tenancy promises.
fn broken_promises(plan: &NetworkPlan) -> BTreeSet<(TenantId, TenantId)> {
    let tries: HashMap<&str, &TryPlan> = plan.tries.iter().map(|one| (one.key.as_str(), one)).collect();
    let mut pairs = BTreeSet::new();
    for case in &plan.cases {
        let Ok(ask) = ask_of::<Ask>(case) else { continue };
        let wanted = match case.expect {
            Access::Allowed => Answer::Allowed,
            Access::Denied => Answer::Denied,
        };
        let says_otherwise = |key: &String| {
            let Some(planned) = tries.get(key.as_str()) else { return false };
            let connection = &planned.connection;
            let ends = (plan.endpoints.get(&connection.from), plan.endpoints.get(&connection.to));
            let (Some(from), Some(to)) = ends else { return false };
            let decision = plan.fences.decide(from, to, connection.protocol, connection.port);
            decision.answer != wanted && decision.answer != Answer::Unknown
        };
        if ask.tries.iter().any(says_otherwise) {
            pairs.insert((case.from.clone(), case.to.clone()));
        }
    }
    pairs
}

fn as_object(policy: &NetworkPolicy) -> Value {
    let mut object = serde_json::to_value(policy).unwrap_or_default();
    if let Some(fields) = object.as_object_mut() {
        fields.insert("apiVersion".to_owned(), json!("networking.k8s.io/v1"));
        fields.insert("kind".to_owned(), json!("NetworkPolicy"));
    }
    object
}
