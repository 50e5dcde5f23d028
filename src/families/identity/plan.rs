//! Tenancy, suite and snapshot in; cases and probes out. Pure.

use std::collections::BTreeMap;

use super::NAME;
use super::ask::Ask;
use super::outside::{self, OutsideSeen};
use super::parameters::{Attempt, IdentityParameters, Operation, Thing};
use crate::families::PlanInput;
use crate::families::guest::{Needs, obstacle, quota_obstacle};
use crate::model::{CaseId, Family, Namespace, NodeName, ServiceAccountName, TenantId};
use crate::plan::{Case, ProbeIdentity, ProbeName, ProbeSpec};
use crate::suite::{Access, Check};
use crate::tenancy::{CloudAccount, CloudBucket, CloudKey, CloudTable};

/// The audience of tokens for EKS Pod Identity.
const POD_IDENTITY: &str = "pods.eks.amazonaws.com";
/// An audience that nobody takes tokens of.
const NOBODY: &str = "nobody.tenantproof.dev";
/// The service account of a pod that names none.
const DEFAULT: &str = "default";

/// Everything that a run of this family will do.
pub struct IdentityPlan {
    /// The cases, in the order of the suite.
    pub cases: Vec<Case>,
    /// Who gets credentials, each with its probe.
    pub members: Vec<Member>,
    /// Who gets none: one for each namespace.
    pub strangers: Vec<Member>,
    /// What tenants have in AWS.
    pub holdings: Vec<Holding>,
    /// Probes that must not be made, and why.
    pub absent: BTreeMap<ProbeName, String>,
    /// What is not tried, and why.
    pub not_tried: Vec<String>,
    /// What AWS' API told of roles and buckets; `None` where it was not asked.
    pub outside: Option<OutsideSeen>,
}

/// A service account with its probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its tenant.
    pub tenant: TenantId,
    /// The service account.
    pub account: CloudAccount,
    /// The probe under it.
    pub probe: ProbeSpec,
    /// A number that no other member has: keys of objects bear it.
    pub number: usize,
    /// Whether it writes what others try to read: one for each tenant does.
    pub seeds: bool,
}

/// Something of a tenant's in AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The tenant.
    pub tenant: TenantId,
    /// What it is.
    pub what: What,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A bucket, or a part of one.
    Bucket(CloudBucket),
    /// A table, or a part of one.
    Table(CloudTable),
    /// A key.
    Key(CloudKey),
}

impl What {
    /// Its name in cases and observations.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Bucket(bucket) => bucket.to_string(),
            Self::Table(CloudTable { name, leading: Some(leading), .. }) => format!("{name}[{leading}]"),
            Self::Table(table) => table.name.clone(),
            Self::Key(key) => key.arn().to_owned(),
        }
    }

    /// Of which kind it is.
    #[must_use]
    pub const fn thing(&self) -> Thing {
        match self {
            Self::Bucket(_) => Thing::Bucket,
            Self::Table(_) => Thing::Table,
            Self::Key(_) => Thing::Key,
        }
    }
}

impl IdentityPlan {
    /// All probes, also those that must not be made.
    pub(super) fn everybody(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().chain(&self.strangers)
    }
}

/// Makes the plan.
#[must_use]
pub fn plan(input: &PlanInput<'_>) -> IdentityPlan {
    let mut plan = IdentityPlan {
        cases: Vec::new(),
        members: Vec::new(),
        strangers: Vec::new(),
        holdings: Vec::new(),
        absent: BTreeMap::new(),
        not_tried: Vec::new(),
        outside: None,
    };
    add_members(&mut plan, input);
    add_strangers(&mut plan, input);
    add_holdings(&mut plan, input);
    add_obstacles(&mut plan, input);
    for (check, parameters) in input.suite.checks_with::<IdentityParameters>() {
        add_cases(&mut plan, input, check, &parameters);
    }
    if plan.cases.is_empty() {
        // Nothing is tried from inside a pod, so none is made.
        plan.members.clear();
        plan.strangers.clear();
    }
    let (cases, told) = outside::plan(input);
    plan.cases.extend(cases);
    plan.outside = told;
    let silent: Vec<&str> = input
        .tenancy
        .parties
        .iter()
        .filter(|party| party.cloud.accounts.is_empty())
        .map(|party| party.id.as_str())
        .collect();
    if !silent.is_empty() && !plan.members.is_empty() {
        let names = silent.join(", ");
        plan.not_tried
            .push(format!("what pods of {names} reach in AWS: the tenancy names no service account of theirs"));
    }
    plan
}

fn add_members(plan: &mut IdentityPlan, input: &PlanInput<'_>) {
    for party in &input.tenancy.parties {
        for (index, account) in party.cloud.accounts.iter().enumerate() {
            let number = plan.members.len();
            let probe = probe(input, account, number, NOBODY);
            let (tenant, account) = (party.id.clone(), account.clone());
            plan.members.push(Member { tenant, account, probe, number, seeds: index == 0 });
        }
    }
}

/// In each namespace a pod under the service account that pods have which name none.
fn add_strangers(plan: &mut IdentityPlan, input: &PlanInput<'_>) {
    let mut number = plan.members.len();
    for party in &input.tenancy.parties {
        let mut namespaces: Vec<&Namespace> = party.cloud.accounts.iter().map(|account| &account.namespace).collect();
        namespaces.sort();
        namespaces.dedup();
        for namespace in namespaces {
            let account = CloudAccount { namespace: namespace.clone(), name: ServiceAccountName::from(DEFAULT) };
            if party.cloud.accounts.contains(&account) {
                plan.not_tried.push(format!(
                    "a service account of {namespace} without an association: the tenancy gives `{DEFAULT}` one"
                ));
                continue;
            }
            let probe = probe(input, &account, number, POD_IDENTITY);
            plan.strangers.push(Member { tenant: party.id.clone(), account, probe, number, seeds: false });
            number += 1;
        }
    }
}

fn probe(input: &PlanInput<'_>, account: &CloudAccount, number: usize, audience: &str) -> ProbeSpec {
    let node = input.nodes.get(number % input.nodes.len().max(1));
    let node = node.cloned().unwrap_or_else(|| NodeName::from(""));
    ProbeSpec {
        name: ProbeName::new(format!("identity:{account}@{node}")),
        namespace: account.namespace.clone(),
        node,
        labels: BTreeMap::new(),
        ports: Vec::new(),
        service: false,
        identity: Some(ProbeIdentity { service_account: account.name.clone(), audience: Some(audience.to_owned()) }),
    }
}

fn add_holdings(plan: &mut IdentityPlan, input: &PlanInput<'_>) {
    for party in &input.tenancy.parties {
        let cloud = &party.cloud;
        let buckets = cloud.buckets.iter().cloned().map(What::Bucket);
        let tables = cloud.tables.iter().cloned().map(What::Table);
        let all = buckets.chain(tables).chain(cloud.keys.iter().cloned().map(What::Key));
        plan.holdings.extend(all.map(|what| Holding { tenant: party.id.clone(), what }));
    }
}

/// A probe that would disturb is not made.
fn add_obstacles(plan: &mut IdentityPlan, input: &PlanInput<'_>) {
    let mut pods: BTreeMap<&Namespace, i64> = BTreeMap::new();
    for member in plan.members.iter().chain(&plan.strangers) {
        *pods.entry(&member.account.namespace).or_default() += 1;
    }
    let mut absent = BTreeMap::new();
    for member in plan.members.iter().chain(&plan.strangers) {
        let namespace = &member.account.namespace;
        let is_theirs = input.namespaces.get(&member.tenant).is_some_and(|own| own.contains(namespace));
        let foreign = || format!("namespace {namespace} is not one of {} on this cluster", member.tenant);
        let needs = Needs { pods: pods.get(namespace).copied().unwrap_or(1), services: 0 };
        let why = (!is_theirs)
            .then(foreign)
            .or_else(|| input.closed.get(namespace).cloned())
            .or_else(|| input.nodes.is_empty().then(|| "no node takes a probe".to_owned()))
            .or_else(|| quota_obstacle(namespace, needs, input.snapshot))
            .or_else(|| obstacle(namespace, &member.probe.labels, input.snapshot));
        absent.extend(why.map(|why| (member.probe.name.clone(), why)));
    }
    plan.absent = absent;
}

/// A case before it has its check's id.
struct Draft<'a> {
    member: &'a Member,
    /// Whose it is that is tried.
    to: &'a TenantId,
    title: String,
    /// What tells it from others of its check, behind the service account.
    about: String,
    target: String,
    own: Vec<String>,
    others: Vec<ProbeName>,
}

fn add_cases(plan: &mut IdentityPlan, input: &PlanInput<'_>, check: &Check, parameters: &IdentityParameters) {
    let IdentityParameters { r#try: attempt, operation } = *parameters;
    let drawn: &IdentityPlan = plan;
    let drafts = match (attempt, operation) {
        (Attempt::Own, Some(operation)) => calls(drawn, operation, true),
        (Attempt::Others, Some(operation)) => calls(drawn, operation, false),
        // A call that is not named can't be made.
        (Attempt::Own | Attempt::Others, None) => Vec::new(),
        (Attempt::NoAssociation, _) => drawn.strangers.iter().map(|member| alone(drawn, member, attempt)).collect(),
        (Attempt::Expired, _) => expired(drawn),
        _ => drawn.members.iter().map(|member| alone(drawn, member, attempt)).collect(),
    };
    let expect = match attempt {
        Attempt::Credentials | Attempt::Rotation | Attempt::Own => Access::Allowed,
        _ => Access::Denied,
    };
    let case = |draft: Draft<'_>| {
        let account = draft.member.account.to_string();
        let ask = Ask {
            attempt,
            operation,
            probe: draft.member.probe.name.clone(),
            account: account.clone(),
            target: draft.target,
            own: draft.own,
            others: draft.others,
            instance: instance_of(input, &draft.member.probe.node).map(str::to_owned),
            longest_s: input.tenancy.cloud.longest.as_secs(),
        };
        Case {
            id: CaseId::new(format!("{}:{account}{}", check.id, draft.about)),
            check: check.id.clone(),
            family: Family::new(NAME),
            title: draft.title,
            from: draft.member.tenant.clone(),
            to: draft.to.clone(),
            expect,
            ask: serde_json::to_value(&ask).unwrap_or_default(),
        }
    };
    let cases: Vec<Case> = drafts.into_iter().map(case).collect();
    plan.cases.extend(cases);
}

/// The EC2 instance that a node is, by the id that its cloud gave it: `aws:///ZONE/i-…`. Nodes of Fargate, hybrid ones and
/// those of other clouds are none.
fn instance_of<'a>(input: &PlanInput<'a>, node: &NodeName) -> Option<&'a str> {
    let mut nodes = input.snapshot.nodes.iter();
    let node = nodes.find(|one| one.metadata.name.as_deref() == Some(node.as_str()))?;
    let place = node.spec.as_ref()?.provider_id.as_deref()?.strip_prefix("aws:///")?;
    place.rsplit('/').next().filter(|id| id.starts_with("i-"))
}

/// A case of a service account by itself; beside it stand those of all other tenants.
fn alone<'a>(plan: &'a IdentityPlan, member: &'a Member, attempt: Attempt) -> Draft<'a> {
    let account = &member.account;
    let title = match attempt {
        Attempt::Credentials => format!("{account} gets credentials of a role of its own, which end"),
        Attempt::Rotation => format!("{account} gets credentials that have not ended whenever it asks, and that will"),
        Attempt::WrongAudience => format!("a token of another audience gets {account} no credentials"),
        Attempt::NoAssociation => format!("{account}, which has no association, gets no credentials"),
        Attempt::InstanceMetadata => format!("a pod of {account} is not told of the node's role"),
        Attempt::AgentAddress => format!("the agent answers {account} by its own address alone"),
        Attempt::Own | Attempt::Others | Attempt::Expired => String::new(),
    };
    // A stranger's control case is anybody whom the agent does answer.
    let is_control = |other: &&Member| attempt == Attempt::NoAssociation || other.tenant != member.tenant;
    let others = plan.members.iter().filter(is_control).map(|other| other.probe.name.clone()).collect();
    let to = &member.tenant;
    Draft { member, to, title, about: String::new(), target: String::new(), own: Vec::new(), others }
}

fn expired(plan: &IdentityPlan) -> Vec<Draft<'_>> {
    let of_member = |member| {
        let target = own(plan, member, Thing::Bucket).next()?.what.name();
        let title = format!("a presigned request of {} to {target} is refused after its time", member.account);
        let about = format!(">{target}");
        let draft = Draft { member, to: &member.tenant, title, about, target, own: Vec::new(), others: Vec::new() };
        Some(draft)
    };
    plan.members.iter().filter_map(of_member).collect()
}

fn own<'a>(plan: &'a IdentityPlan, member: &'a Member, thing: Thing) -> impl Iterator<Item = &'a Holding> {
    let is_own = move |holding: &&Holding| holding.tenant == member.tenant && holding.what.thing() == thing;
    plan.holdings.iter().filter(is_own)
}

/// A call of each member on each thing of its own, or of each other tenant's.
fn calls(plan: &IdentityPlan, operation: Operation, on_own: bool) -> Vec<Draft<'_>> {
    let mut drafts = Vec::new();
    for member in &plan.members {
        let of_kind = plan.holdings.iter().filter(|holding| holding.what.thing() == operation.on());
        for holding in of_kind.filter(|holding| (holding.tenant == member.tenant) == on_own) {
            let target = holding.what.name();
            let (account, api) = (&member.account, operation.api());
            let title = if on_own {
                format!("{account} may do {api} on {target}")
            } else {
                format!("{account} may not do {api} on {target} of {}", holding.tenant)
            };
            let owners = plan.members.iter().filter(|other| other.tenant == holding.tenant);
            drafts.push(Draft {
                member,
                to: &holding.tenant,
                title,
                about: format!(">{target}"),
                target,
                own: own(plan, member, operation.on()).map(|holding| holding.what.name()).collect(),
                others: owners.map(|other| other.probe.name.clone()).collect(),
            });
        }
    }
    drafts
}
