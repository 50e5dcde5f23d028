//! Tenancy in; cases, deeds and questions out. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::NAME;
use super::ask::{Ask, Promised};
use super::deed::{About, Deed};
use super::parameters::{AuditParameters, Look};
use super::topic::Topic;
use crate::families::{PlanInput, subjects};
use crate::model::{AuditLevel, CaseId, Family, Namespace, TenantId};
use crate::plan::Case;
use crate::semantics::rbac::Subject;
use crate::suite::{Access, Check};
use crate::tenancy::{Audit, Party, PartyKind, Subjects};

/// The plan.
#[derive(Debug, Default)]
pub(super) struct AuditPlan {
    pub(super) cases: Vec<Case>,
    /// Whether anything is promised.
    pub(super) promised: bool,
    /// Within which time a request is on record, where the tenancy says so.
    pub(super) within_ms: Option<u64>,
    /// Where things are done, and by whom.
    pub(super) sites: Vec<Site>,
    /// The tenants, as a policy's text sees them.
    pub(super) tenants: Vec<Tenant>,
    /// The subjects who must not reach the log.
    pub(super) subjects: BTreeMap<String, Subject>,
    /// The questions about where the log is kept.
    pub(super) questions: BTreeMap<String, Question>,
}

/// A namespace of a tenant in which things are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// The namespace.
    pub(super) namespace: Namespace,
    /// One of another party's.
    pub(super) elsewhere: Option<Namespace>,
    /// In whose name.
    pub(super) name: SiteName,
    /// What is done.
    pub(super) deeds: BTreeSet<Deed>,
}

/// In whose name things are done for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SiteName {
    /// A user of the tenancy.
    User(String),
    /// A member of a group of the tenancy.
    Group(String),
    /// The default service account of the namespace.
    Default,
}

/// A tenant, as a policy's text sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tenant {
    pub(super) id: TenantId,
    pub(super) namespaces: Vec<Namespace>,
    pub(super) subjects: Subjects,
}

/// May this subject do that, there?
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) subject: String,
    pub(super) about: About,
}

type What = (&'static str, &'static str, &'static str, &'static str);

/// What shows the log or the way to it, where it is kept.
const READS: [What; 7] = [
    ("get", "", "pods", "log"),
    ("create", "", "pods", "exec"),
    ("create", "", "pods", "portforward"),
    ("get", "", "services", "proxy"),
    ("get", "", "secrets", ""),
    ("get", "", "configmaps", ""),
    ("list", "", "pods", ""),
];
/// What stops the log, or bends it.
const CHANGES: [What; 10] = [
    ("create", "", "pods", ""),
    ("delete", "", "pods", ""),
    ("update", "", "pods", "ephemeralcontainers"),
    ("update", "", "configmaps", ""),
    ("update", "", "secrets", ""),
    ("delete", "", "persistentvolumeclaims", ""),
    ("create", "apps", "daemonsets", ""),
    ("patch", "apps", "daemonsets", ""),
    ("patch", "apps", "deployments", ""),
    ("create", "rbac.authorization.k8s.io", "rolebindings", ""),
];

/// Makes the plan.
pub(super) fn plan(input: &PlanInput<'_>) -> AuditPlan {
    let Some(audit) = &input.tenancy.audit else { return AuditPlan::default() };
    let within_ms = audit.within.map(|within| u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
    let mut plan = AuditPlan { promised: true, within_ms, ..AuditPlan::default() };
    let looks = input.suite.checks_with::<AuditParameters>();
    for party in input.tenancy.parties.iter().filter(|party| party.kind == PartyKind::Tenant) {
        if !input.asks_for(&party.id, &party.id) {
            continue;
        }
        let none = Vec::new();
        let own = input.namespaces.get(&party.id).unwrap_or(&none);
        plan.add_sites(input, party, own, looks.iter().map(|(_, parameters)| parameters.look));
        plan.tenants.push(Tenant { id: party.id.clone(), namespaces: own.clone(), subjects: party.subjects.clone() });
    }
    for (check, AuditParameters { look }) in &looks {
        for tenant in plan.tenants.clone() {
            plan.add_cases(check, *look, &tenant, audit);
        }
    }
    plan
}

impl AuditPlan {
    fn add_sites(
        &mut self,
        input: &PlanInput<'_>,
        party: &Party,
        own: &[Namespace],
        looks: impl Iterator<Item = Look>,
    ) {
        let mut deeds: BTreeSet<Deed> = BTreeSet::new();
        for look in looks {
            match look {
                Look::Impersonation => deeds.extend([Deed::Read]),
                Look::PolicyInForce => deeds.extend(Deed::OF_A_TENANT),
                look => deeds.extend(look.deed()),
            }
        }
        let others = input.tenancy.parties.iter().filter(|other| other.id != party.id);
        let elsewhere = others.flat_map(|other| input.namespaces.get(&other.id).into_iter().flatten()).next();
        let name = match (party.subjects.users.first(), party.subjects.groups.first()) {
            (Some(user), _) => SiteName::User(user.clone()),
            (None, Some(group)) => SiteName::Group(group.clone()),
            (None, None) => SiteName::Default,
        };
        self.sites.extend(own.iter().map(|namespace| Site {
            namespace: namespace.clone(),
            elsewhere: elsewhere.cloned(),
            name: name.clone(),
            deeds: deeds.clone(),
        }));
    }

    fn add_cases(&mut self, check: &Check, look: Look, tenant: &Tenant, audit: &Audit) {
        let within_ms = self.within_ms;
        let promised = |least, most| Promised { least, most, within_ms };
        let everything = AuditLevel::RequestResponse;
        let of_deed = |deed: Deed| {
            Some(match deed {
                Deed::PodCreate | Deed::Admission | Deed::Engine | Deed::Foreign => promised(audit.pods, everything),
                Deed::FenceChange | Deed::BindingChange => promised(audit.changes, everything),
                Deed::SecretRead => promised(AuditLevel::Metadata, audit.secrets),
                Deed::Read => promised(audit.reads?, everything),
                _ => promised(AuditLevel::Metadata, everything),
            })
        };
        let of_topic = |topic: Topic| {
            Some(match topic {
                Topic::Pods => promised(audit.pods, everything),
                Topic::Changes => promised(audit.changes, everything),
                Topic::Exec => promised(AuditLevel::Metadata, everything),
                Topic::Reads => promised(audit.reads?, everything),
                Topic::Secrets => promised(AuditLevel::Metadata, audit.secrets),
            })
        };
        let party = tenant.id.clone();
        match (look, look.deed(), look.topic()) {
            (_, Some(deed), _) => {
                let Some(promised) = of_deed(deed) else { return };
                for namespace in tenant.namespaces.clone() {
                    let title = format!("in {namespace}: who {} is on record", deed.in_words());
                    let id = namespace.to_string();
                    self.add(check, &party, &id, title, &Ask::Record { deed, namespace, promised });
                }
            }
            (_, _, Some(topic)) => {
                let Some(promised) = of_topic(topic) else { return };
                let title = format!("the audit policy keeps {} by {party}'s subjects as promised", topic.in_words());
                self.add(check, &party, party.as_str(), title, &Ask::Policy { tenant: party.clone(), topic, promised });
            }
            (Look::Impersonation, ..) => {
                let promised = promised(AuditLevel::Metadata, everything);
                for namespace in tenant.namespaces.clone() {
                    let title = format!("in {namespace}: who takes another's name is on record under both");
                    let id = namespace.to_string();
                    self.add(check, &party, &id, title, &Ask::Impersonation { namespace, promised });
                }
            }
            (Look::PolicyExempt, ..) => {
                let title = format!("the audit policy keeps no less of {party}'s subjects than of others");
                self.add(check, &party, party.as_str(), title, &Ask::Exempt { tenant: party.clone() });
            }
            (Look::PolicyStages, ..) => {
                let title = format!("the audit policy keeps the outcome of what {party}'s subjects ask for");
                self.add(check, &party, party.as_str(), title, &Ask::Stages { tenant: party.clone() });
            }
            (Look::PolicyInForce, ..) => {
                let title = format!("the API server keeps of {party}'s requests what the audit policy says");
                let ask = Ask::InForce { namespaces: tenant.namespaces.clone() };
                self.add(check, &party, party.as_str(), title, &ask);
            }
            (Look::SinkRead | Look::SinkChange, ..) if !audit.sink.is_empty() => {
                let changes = look == Look::SinkChange;
                let what = if changes { "change anything" } else { "read" };
                let title = format!("no subject of {party} may {what} where the audit log is kept");
                let ask = self.ask_of_sink(tenant, changes, &audit.sink);
                self.add(check, &party, party.as_str(), title, &ask);
            }
            _ => {}
        }
    }

    fn ask_of_sink(&mut self, tenant: &Tenant, changes: bool, sink: &[Namespace]) -> Ask {
        let actions: &[What] = if changes { &CHANGES } else { &READS };
        let (mut subjects, mut asked) = (BTreeSet::new(), Vec::new());
        for (name, subject) in subjects::of_tenant(&tenant.subjects, &tenant.namespaces) {
            for namespace in sink {
                for &(verb, group, resource, subresource) in actions {
                    let about = About {
                        group: group.to_owned(),
                        subresource: subresource.to_owned(),
                        ..About::of(verb, resource, namespace, "")
                    };
                    let key = format!("{name}: {}", about.in_words());
                    self.questions.insert(key.clone(), Question { subject: name.clone(), about });
                    asked.push(key);
                }
            }
            self.subjects.insert(name.clone(), subject);
            subjects.insert(name);
        }
        Ask::Sink { subjects, asked, changes }
    }

    fn add(&mut self, check: &Check, party: &TenantId, id: &str, title: String, ask: &Ask) {
        let denied = matches!(ask, Ask::Sink { .. });
        self.cases.push(Case {
            id: CaseId::new(format!("{}:{id}", check.id)),
            check: check.id.clone(),
            family: Family::new(NAME),
            title,
            from: party.clone(),
            to: party.clone(),
            expect: if denied { Access::Denied } else { Access::Allowed },
            ask: serde_json::to_value(ask).unwrap_or_default(),
        });
    }
}
