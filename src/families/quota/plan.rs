//! Tenancy, suite and snapshot in; cases out. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::ask::{Ask, Locked};
use super::parameters::{QuotaParameters, Trial};
use super::seen::ShareSeen;
use super::shape::{Sort, sort};
use crate::families::{PlanInput, Subject, subjects};
use crate::model::{CaseId, Family, Namespace, Quantity};
use crate::plan::{Case, Mode};
use crate::semantics::quota::{Bound, LimitType, Limits, holdings, usual_name};
use crate::suite::{Access, Check};
use crate::tenancy::{Party, PartyKind};

/// Everything that a run of this family will do.
pub struct QuotaPlan {
    /// The cases, in the order of the suite.
    pub cases: Vec<Case>,
    /// What each namespace is asked, each question once.
    pub asks: BTreeMap<Namespace, Vec<Ask>>,
    /// The quotas and limits by which the plan was made.
    pub shares: BTreeMap<Namespace, ShareSeen>,
    /// Namespaces that can't be worked in, and why.
    pub closed: BTreeMap<Namespace, String>,
    /// How much may be taken.
    pub mode: Mode,
    /// What is not tried, and why.
    pub not_tried: Vec<String>,
}

/// Makes the plan.
#[must_use]
pub fn plan(input: &PlanInput<'_>) -> QuotaPlan {
    let mut plan = QuotaPlan {
        cases: Vec::new(),
        asks: BTreeMap::new(),
        shares: BTreeMap::new(),
        closed: input.closed.clone(),
        mode: input.mode,
        not_tried: Vec::new(),
    };
    let asked_for = |party: &&Party| input.asks_for(&party.id, &party.id);
    let tenants = input.tenancy.parties.iter().filter(|party| party.kind == PartyKind::Tenant).filter(asked_for);
    let mut places = Vec::new();
    for party in tenants {
        for namespace in input.namespaces.get(&party.id).into_iter().flatten() {
            let share = ShareSeen {
                holdings: holdings(&input.snapshot.quotas, namespace.as_str()),
                limits: Limits::of(&input.snapshot.limit_ranges, namespace.as_str()),
                fault: None,
            };
            let promised = !party.share.quota.is_empty() || !party.share.container.is_empty();
            if !promised && share.holdings.is_empty() && share.limits.0.is_empty() {
                plan.not_tried.push(format!(
                    "what {party} may take of {namespace}: no share is promised, and nothing limits it",
                    party = party.id
                ));
                continue;
            }
            plan.shares.insert(namespace.clone(), share);
            places.push((party, namespace));
        }
    }
    let checks: Vec<(&Check, QuotaParameters)> = input.suite.checks_with();
    for (check, parameters) in &checks {
        for (party, namespace) in &places {
            let place = Place { party, namespace, input };
            for (what, title, ask) in place.asks(parameters.tries, &mut plan) {
                plan.add(check, &place, &what, title, ask);
            }
        }
    }
    plan
}

impl QuotaPlan {
    fn add(&mut self, check: &Check, place: &Place<'_>, what: &str, title: String, ask: Ask) {
        let party = &place.party.id;
        self.cases.push(Case {
            id: CaseId::new(format!("{}:{}/{what}", check.id, place.namespace)),
            check: check.id.clone(),
            family: Family::from(super::NAME),
            title,
            from: party.clone(),
            to: party.clone(),
            expect: Access::Denied,
            ask: serde_json::to_value(&ask).unwrap_or_default(),
        });
        let asks = self.asks.entry(place.namespace.clone()).or_default();
        if !asks.iter().any(|other| other.key().is_some() && other.key() == ask.key()) {
            asks.push(ask);
        }
    }
}

/// A namespace of a tenant.
struct Place<'a> {
    party: &'a Party,
    namespace: &'a Namespace,
    input: &'a PlanInput<'a>,
}

/// What a case is called, its title, and what it asks.
type Asked = (String, String, Ask);

impl Place<'_> {
    fn asks(&self, tries: Trial, plan: &mut QuotaPlan) -> Vec<Asked> {
        let share = plan.shares.get(self.namespace).cloned().unwrap_or_default();
        match tries {
            Trial::PromisedShare => self.shares(),
            Trial::OnePast => self.edges(&share),
            Trial::AtOnce => self.rushes(&share),
            Trial::ContainerMax => self.containers(),
            Trial::ContainerDefaults => self.defaults(&share),
            Trial::RangeBounds => self.bounds(&share),
            Trial::Locked => self.locked(&mut plan.not_tried),
        }
    }

    fn shares(&self) -> Vec<Asked> {
        let namespace = self.namespace;
        let share = |(resource, promised): (&String, &Quantity)| {
            let title = format!("A ResourceQuota holds {namespace} to {promised} of {resource}");
            let (resource, promised) = (resource.clone(), *promised);
            (resource.clone(), title, Ask::Share { namespace: namespace.clone(), resource, promised })
        };
        self.party.share.quota.iter().map(share).collect()
    }

    /// The resources that were promised, and those that a quota of the namespace holds for everything; each once.
    fn limited(&self, share: &ShareSeen) -> Vec<(String, Option<Quantity>)> {
        let mut names: Vec<(String, Option<Quantity>)> =
            self.party.share.quota.iter().map(|(name, amount)| (name.clone(), Some(*amount))).collect();
        let mut seen: BTreeSet<String> = names.iter().map(|(name, _)| usual_name(name)).collect();
        for holding in share.holdings.iter().filter(|holding| holding.scopes.is_empty()) {
            for (name, _) in holding.hard.iter() {
                if seen.insert(usual_name(name)) {
                    names.push((name.to_owned(), None));
                }
            }
        }
        names
    }

    fn edges(&self, share: &ShareSeen) -> Vec<Asked> {
        let namespace = self.namespace;
        let everything = self.limited(share).into_iter().map(|(resource, promised)| {
            let title = format!("Nothing past its limit of {resource} is taken in {namespace}");
            let key = match sort(&resource) {
                Sort::Count(_) => rush_key(namespace, &resource),
                _ => format!("edge:{namespace}/{resource}"),
            };
            let ask =
                Ask::Edge { namespace: namespace.clone(), resource: resource.clone(), quota: None, promised, key };
            (resource, title, ask)
        });
        let scoped = share.holdings.iter().filter(|holding| !holding.scopes.is_empty()).flat_map(|holding| {
            holding.hard.iter().map(move |(resource, _)| {
                let quota = Some(holding.name.clone());
                let title =
                    format!("Nothing past the limit of {resource} that {} sets is taken in {namespace}", holding.name);
                let key = format!("edge:{namespace}/{resource}@{}", holding.name);
                let (namespace, resource) = (namespace.clone(), resource.to_owned());
                let what = format!("{resource}@{}", holding.name);
                (what, title, Ask::Edge { namespace, resource, quota, promised: None, key })
            })
        });
        everything.chain(scoped).collect()
    }

    fn rushes(&self, share: &ShareSeen) -> Vec<Asked> {
        let namespace = self.namespace;
        let counted = self.limited(share).into_iter().filter(|(name, _)| matches!(sort(name), Sort::Count(_)));
        counted
            .map(|(resource, promised)| {
                let title = format!("Creates at once never take more {resource} in {namespace} than there is room for");
                let key = rush_key(namespace, &resource);
                let ask = Ask::Rush { namespace: namespace.clone(), resource: resource.clone(), promised, key };
                (resource, title, ask)
            })
            .collect()
    }

    fn containers(&self) -> Vec<Asked> {
        let namespace = self.namespace;
        let container = |(resource, promised): (&String, &Quantity)| {
            let title = format!("No container of {namespace} gets more than {promised} of {resource}");
            let key = format!("container:{namespace}/{resource}");
            let (resource, promised) = (resource.clone(), *promised);
            (resource.clone(), title, Ask::Container { namespace: namespace.clone(), resource, promised, key })
        };
        self.party.share.container.iter().map(container).collect()
    }

    fn defaults(&self, share: &ShareSeen) -> Vec<Asked> {
        let promised = self.party.share.container.iter().map(|(name, amount)| (name.clone(), *amount)).collect();
        let (namespace, key) = (self.namespace.clone(), format!("defaults:{}", self.namespace));
        if self.party.share.container.is_empty() && share.limits.0.iter().all(|item| item.kind != LimitType::Container)
        {
            return Vec::new();
        }
        let title = format!("A container of {namespace} that asks for nothing is limited all the same");
        vec![("container".to_owned(), title, Ask::Defaults { namespace, promised, key })]
    }

    /// Every bound of the LimitRanges but those that the promise on containers is tried by.
    fn bounds(&self, share: &ShareSeen) -> Vec<Asked> {
        let mut all: BTreeSet<(LimitType, Bound, String)> = BTreeSet::new();
        for item in &share.limits.0 {
            for bound in [Bound::Min, Bound::Max, Bound::Ratio] {
                all.extend(item.bound(bound).iter().map(|(resource, _)| (item.kind, bound, resource.to_owned())));
            }
        }
        all.retain(|(kind, bound, resource)| {
            let promised = self.party.share.container.contains_key(resource);
            !(promised && (*kind, *bound) == (LimitType::Container, Bound::Max))
        });
        let namespace = self.namespace;
        let one = |(of, bound, resource): (LimitType, Bound, String)| {
            let what = format!("{}/{}/{resource}", of.as_str().to_lowercase(), bound.as_str());
            let title = format!("No {} of {namespace} is past the {} of {resource}", in_words(of), bound.as_str());
            let key = format!("bound:{namespace}/{what}");
            (what, title, Ask::Bounds { namespace: namespace.clone(), of, bound, resource, key })
        };
        all.into_iter().map(one).collect()
    }

    fn locked(&self, not_tried: &mut Vec<String>) -> Vec<Asked> {
        let namespace = self.namespace;
        let all = subjects::in_namespace(&self.party.subjects, namespace, self.input.snapshot, not_tried);
        let each = all.into_iter().flat_map(|subject| {
            [Locked::ResourceQuotas, Locked::LimitRanges].map(|objects| (subject.clone(), objects))
        });
        each.map(|(subject, objects)| {
            let what = format!("{}/{}", objects.plural(), slug(&subject));
            let title = format!("{} can't edit the {} of {namespace}", in_front(&subject), objects.plural());
            let key = format!("locked:{namespace}/{what}");
            (what, title, Ask::Locked { namespace: namespace.clone(), subject, objects, key })
        })
        .collect()
    }
}

fn rush_key(namespace: &Namespace, resource: &str) -> String {
    format!("rush:{namespace}/{resource}")
}

const fn in_words(kind: LimitType) -> &'static str {
    match kind {
        LimitType::Container => "container",
        LimitType::Pod => "pod",
        LimitType::PersistentVolumeClaim => "claim",
    }
}

fn slug(subject: &Subject) -> String {
    match subject {
        Subject::Group(name) => format!("group={name}"),
        Subject::User(name) => format!("user={name}"),
        Subject::ServiceAccounts => "serviceaccounts".to_owned(),
        Subject::ServiceAccount(name) => format!("serviceaccount={name}"),
    }
}

/// A subject at the beginning of a sentence.
fn in_front(subject: &Subject) -> String {
    let words = subject.to_string();
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::{QuotaPlan, plan};
    use crate::families::quota::FAMILY;
    use crate::families::scene::Scene;
    use crate::semantics::Snapshot;

    const TENANCY: &str = "
apiVersion: tenantproof.dev/v1
kind: Tenancy
name: test
tenants:
- id: a
  namespaces: [a]
  subjects: {groups: [a-dev], users: [eve]}
  share: {quota: {requests.cpu: '8', pods: '20'}, container: {cpu: '2'}}
- {id: b, namespaces: [b]}
- {id: c, namespaces: [c]}
shared:
- {id: s, namespaces: [s]}
";

    fn made(snapshot: &Snapshot) -> QuotaPlan {
        plan(&Scene::of(&FAMILY, TENANCY).input(snapshot))
    }

    fn snapshot() -> Snapshot {
        let quota = |namespace: &str, name: &str, spec: Value| {
            serde_json::from_value(json!({"metadata": {"namespace": namespace, "name": name}, "spec": spec})).unwrap()
        };
        let range = json!({"metadata": {"namespace": "a", "name": "size"}, "spec": {"limits": [
            {"type": "Container", "max": {"cpu": "2", "memory": "1Gi"}}, {"type": "Pod", "min": {"cpu": "1m"}}]}});
        let account = json!({"metadata": {"namespace": "a", "name": "default"}});
        Snapshot {
            quotas: vec![
                // `cpu` is what was promised as `requests.cpu`: one case, not two.
                quota("a", "share", json!({"hard": {"cpu": "8", "pods": "20", "services": "3"}})),
                quota("a", "low", json!({"hard": {"pods": "2"}, "scopes": ["BestEffort"]})),
                quota("c", "own", json!({"hard": {"limits.memory": "1Gi"}})),
                quota("s", "own", json!({"hard": {"pods": "1"}})),
            ],
            limit_ranges: vec![serde_json::from_value(range).unwrap()],
            objects: BTreeMap::from([("serviceaccounts".to_owned(), vec![account])]),
            ..Snapshot::default()
        }
    }

    #[test]
    fn every_limit_that_is_promised_or_set_is_a_case() {
        let plan = made(&snapshot());
        let ids: Vec<&str> = plan.cases.iter().map(|case| case.id.as_str().trim_start_matches("quota.")).collect();
        let expected = [
            "share.promised:a/pods",
            "share.promised:a/requests.cpu",
            "limit.one-past:a/pods",
            "limit.one-past:a/requests.cpu",
            "limit.one-past:a/services",
            "limit.one-past:a/pods@low",
            "limit.one-past:c/limits.memory",
            "limit.at-once:a/pods",
            "limit.at-once:a/services",
            "container.max:a/cpu",
            "container.defaults:a/container",
            "range.bounds:a/container/max/memory",
            "range.bounds:a/pod/min/cpu",
            "objects.locked:a/resourcequotas/group=a-dev",
            "objects.locked:a/limitranges/group=a-dev",
            "objects.locked:a/resourcequotas/user=eve",
            "objects.locked:a/limitranges/user=eve",
            "objects.locked:a/resourcequotas/serviceaccounts",
            "objects.locked:a/limitranges/serviceaccounts",
            "objects.locked:a/resourcequotas/serviceaccount=default",
            "objects.locked:a/limitranges/serviceaccount=default",
            "objects.locked:c/resourcequotas/serviceaccounts",
            "objects.locked:c/limitranges/serviceaccounts",
        ];
        assert_eq!(ids, expected);
        assert!(plan.cases.iter().all(|case| case.from == case.to), "a tenant takes from itself");
    }

    #[test]
    fn each_question_is_asked_once_and_the_same_world_gives_the_same_plan() {
        let (plan, again) = (made(&snapshot()), made(&snapshot()));
        assert_eq!(plan.cases, again.cases);
        for (namespace, asks) in &plan.asks {
            let mut keys: Vec<_> = asks.iter().filter_map(super::Ask::key).collect();
            let all = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), all, "{namespace}");
        }
    }

    #[test]
    fn who_was_promised_nothing_and_has_nothing_is_named_as_not_tried() {
        let plan = made(&snapshot());
        assert_eq!(plan.not_tried, ["what b may take of b: no share is promised, and nothing limits it"]);
        assert!(!plan.asks.contains_key("s"), "a shared part is nobody's share");
    }
}
