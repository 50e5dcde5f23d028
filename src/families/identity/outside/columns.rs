//! What the policies that were read say of each call that pods try: the column beside what was seen.

use std::collections::BTreeMap;

use crate::families::identity::Operation;
use crate::families::identity::ask::Ask;
use crate::families::identity::plan::{IdentityPlan, What};
use crate::families::identity::seen::{Phase, call_key};
use crate::families::ruling::column;
use crate::families::{Column, ask_of};
use crate::semantics::iam::estate::{self, Estate, ServiceAccount};

/// What probes list and write lies under a prefix with the run's id in it; no policy names that.
const RUN: &str = "tenantproof/run/";

/// The columns, by the keys of the calls.
pub(in crate::families::identity) fn columns(plan: &IdentityPlan, estate: &Estate) -> BTreeMap<String, Column> {
    let ready = estate.ready();
    let mut columns = BTreeMap::new();
    for case in &plan.cases {
        let Ok(Ask { operation: Some(operation), probe, target, .. }) = ask_of::<Ask>(case) else { continue };
        let member = plan.everybody().find(|member| member.probe.name == probe);
        let what = plan.holdings.iter().find(|holding| holding.what.name() == target).map(|holding| &holding.what);
        let (Some(member), Some(what)) = (member, what) else { continue };
        let Some((resource, told)) = resource(what, operation, estate) else { continue };
        let told: Vec<(&str, &str)> = told.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let who = ServiceAccount { namespace: member.account.namespace.as_str(), name: member.account.name.as_str() };
        let found = ready.decide(&estate::Ask { who, action: operation.action(), resource: &resource, told: &told });
        let column = column(found.answer.into(), found.because);
        columns.insert(call_key(&probe, Phase::During, operation, &target), column);
    }
    columns
}

/// The ARN of what a call is about, and the keys of its context that are known.
fn resource(what: &What, operation: Operation, estate: &Estate) -> Option<(String, Vec<(&'static str, String)>)> {
    if operation.on() != what.thing() {
        return None;
    }
    let partition = estate.cluster.split(':').nth(1)?;
    Some(match what {
        What::Bucket(bucket) => {
            let arn = format!("arn:{partition}:s3:::{}", bucket.name);
            let prefix = format!("{}{RUN}", bucket.prefix);
            match operation {
                Operation::List => (arn, vec![("s3:prefix", prefix)]),
                _ => (format!("{arn}/{prefix}seed"), Vec::new()),
            }
        }
        What::Table(table) if table.name.starts_with("arn:") => (table.name.clone(), Vec::new()),
        What::Table(table) => {
            let arn = format!("arn:{partition}:dynamodb:{}:{}:table/{}", estate.region, estate.account, table.name);
            (arn, Vec::new())
        }
        What::Key(key) => (key.arn().to_owned(), Vec::new()),
    })
}
