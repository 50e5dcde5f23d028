//! Tenancy and what AWS told in; cases out. Pure.

use serde::{Deserialize, Serialize};

use super::parameters::{Outside, OutsideParameters};
use super::seen::OutsideSeen;
use crate::families::PlanInput;
use crate::families::identity::NAME;
use crate::model::{CaseId, Family};
use crate::plan::Case;
use crate::suite::{Access, Check};
use crate::tenancy::Party;

/// What a case asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OutsideAsk {
    /// What is looked at.
    pub(super) outside: Outside,
    /// The key of the tenant's tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<String>,
}

/// The cases of the checks that are judged from outside, in the order of the suite, and what they are judged by.
pub(in crate::families::identity) fn plan(input: &PlanInput<'_>) -> (Vec<Case>, Option<OutsideSeen>) {
    let mut cases = Vec::new();
    for (check, parameters) in input.suite.checks_with::<OutsideParameters>() {
        let of = parameters.outside;
        for from in &input.tenancy.parties {
            if of.is_of_pairs() {
                let reached =
                    |to: &&Party| to.id != from.id && !to.cloud.buckets.is_empty() && input.asks_for(&from.id, &to.id);
                if !from.cloud.accounts.is_empty() {
                    cases.extend(
                        input.tenancy.parties.iter().filter(reached).map(|to| case(check, &parameters, from, to)),
                    );
                }
            } else {
                let concerned =
                    if of.is_of_buckets() { !from.cloud.buckets.is_empty() } else { !from.cloud.accounts.is_empty() };
                if concerned && input.asks_for(&from.id, &from.id) {
                    cases.push(case(check, &parameters, from, from));
                }
            }
        }
    }
    let seen = input.snapshot.cloud.as_ref().map(|estate| OutsideSeen {
        estate: estate.clone(),
        tenants: input.tenancy.parties.iter().map(|party| (party.id.clone(), party.cloud.clone())).collect(),
        namespaces: input
            .namespaces
            .iter()
            .flat_map(|(tenant, namespaces)| namespaces.iter().map(|name| (name.to_string(), tenant.clone())))
            .collect(),
    });
    (cases, seen)
}

fn case(check: &Check, parameters: &OutsideParameters, from: &Party, to: &Party) -> Case {
    let (of, a, b) = (parameters.outside, &from.id, &to.id);
    let title = match of {
        Outside::SharedRole => format!("no role of {a}'s service accounts is another tenant's"),
        Outside::TargetRole => format!("no role of {a}'s service accounts lies in an account that was not promised"),
        Outside::SessionTags => format!("no policy that reads {a}'s session tags meets sessions without them"),
        Outside::Trust => format!("the roles of {a} let in nobody but {a}"),
        Outside::RoleReach => format!("the roles of {a} reach no bucket of {b}, by every policy that was read"),
        Outside::BucketPolicy => format!("no policy of {a}'s buckets opens them to others"),
        Outside::PublicAccessBlock => format!("the buckets of {a} block public access"),
        Outside::Tags => format!("the buckets of {a} have its tag"),
    };
    let id = if of.is_of_pairs() { format!("{}:{a}>{b}", check.id) } else { format!("{}:{a}", check.id) };
    let ask = OutsideAsk { outside: of, tag: parameters.tag.clone() };
    Case {
        id: CaseId::new(id),
        check: check.id.clone(),
        family: Family::new(NAME),
        title,
        from: a.clone(),
        to: b.clone(),
        expect: Access::Denied,
        ask: serde_json::to_value(ask).unwrap_or_default(),
    }
}
