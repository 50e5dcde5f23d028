//! Tenancy, suite and snapshot in; cases and requests out. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::ask::{Ask, Question};
use super::controllers::Controller;
use super::needs::BUCKETS;
use super::objects::{Edit, bucket, pod};
use super::parameters::{AdmissionParameters, Demand, Way};
use super::trials::{How, Request, Text, Trial};
use super::variants::{self, Variant};
use crate::families::{PlanInput, Subject, subjects};
use crate::model::{CaseId, Family, Namespace};
use crate::plan::{Case, Mode};
use crate::semantics::admission::{Concern, Engine, Policies};
use crate::suite::{Access, Check};
use crate::tenancy::{AdmissionRule, Party, PartyKind};

/// Everything that a run of this family will do.
pub struct AdmissionPlan {
    /// The cases, in the order of the suite.
    pub cases: Vec<Case>,
    /// The requests, by their keys.
    pub(super) trials: BTreeMap<String, Trial>,
    /// What is asked of the authorizers, by its key.
    pub(super) reviews: BTreeMap<String, Review>,
    /// Namespaces that can't be worked in, and why.
    pub(super) closed: BTreeMap<Namespace, String>,
    /// How much may be taken.
    pub(super) mode: Mode,
    /// What is not tried, and why.
    pub(super) not_tried: Vec<String>,
    /// How many policies were read.
    pub(super) judged: usize,
    /// Kinds of policies that could not be read, and why.
    pub(super) unread: Vec<String>,
}

/// What a subject may do to exempt its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Review {
    pub(super) namespace: Namespace,
    pub(super) subject: Subject,
    pub(super) what: Reviewed,
}

/// By what a namespace is exempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reviewed {
    /// Its labels.
    Labels,
    /// Exceptions from policies of Kyverno.
    Exceptions,
}

/// Makes the plan.
#[must_use]
pub fn plan(input: &PlanInput<'_>) -> AdmissionPlan {
    let policies = Policies::of(input.snapshot);
    let mut plan = AdmissionPlan {
        cases: Vec::new(),
        trials: BTreeMap::new(),
        reviews: BTreeMap::new(),
        closed: input.closed.clone(),
        mode: input.mode,
        not_tried: Vec::new(),
        judged: policies.count(),
        unread: policies.unread().to_vec(),
    };
    let asked_for = |party: &&Party| party.kind == PartyKind::Tenant && input.asks_for(&party.id, &party.id);
    let mut sites = Vec::new();
    for party in input.tenancy.parties.iter().filter(asked_for) {
        let rules: Vec<&AdmissionRule> =
            input.tenancy.admission.iter().filter(|rule| rule.concerns(&party.id)).collect();
        if rules.is_empty() {
            plan.not_tried.push(format!("what admission refuses {}: no rule is promised for it", party.id));
            continue;
        }
        let other = input.tenancy.parties.iter().find(|other| other.id != party.id);
        let other = other.map_or("somebody-else", |other| other.id.as_str());
        for namespace in input.namespaces.get(&party.id).into_iter().flatten() {
            sites.push(Site { input, policies: &policies, party, namespace, rules: rules.clone(), other });
        }
    }
    let checks: Vec<(&Check, AdmissionParameters)> = input.suite.checks_with();
    for (check, parameters) in &checks {
        for site in &sites {
            site.add(check, parameters, &mut plan);
        }
    }
    plan
}

/// A namespace of a tenant.
struct Site<'a> {
    input: &'a PlanInput<'a>,
    policies: &'a Policies,
    party: &'a Party,
    namespace: &'a Namespace,
    rules: Vec<&'a AdmissionRule>,
    other: &'a str,
}

impl Site<'_> {
    fn add(&self, check: &Check, parameters: &AdmissionParameters, plan: &mut AdmissionPlan) {
        if let Way::ExemptLabel | Way::Exception = parameters.way {
            let question = self.reviews(parameters.way, plan);
            let title = match parameters.way {
                Way::ExemptLabel => format!("No subject of {} can exempt {} by a label", self.party.id, self.namespace),
                _ => format!("No subject of {} can make exceptions from policies in {}", self.party.id, self.namespace),
            };
            plan.add(check, self, None, title, question);
            return;
        }
        for rule in &self.rules {
            let demand = Demand::of(&rule.require);
            if parameters.requirement != Demand::Any && parameters.requirement != demand {
                continue;
            }
            let (id, namespace) = (&rule.id, self.namespace);
            let (question, title) = match parameters.way {
                Way::Covered => {
                    let title = format!("The policies that keep rule {id} in {namespace} are asked about changes, too");
                    (self.covered(rule, demand, plan), title)
                }
                Way::FailClosed => {
                    let title = format!("Rule {id} holds in {namespace} while a policy engine is away");
                    let key = self.plainest(rule, demand, plan);
                    (key.map(|key| Question::FailClosed { key }), title)
                }
                way => {
                    let title = format!("{} against rule {id} is refused in {namespace}", in_words(demand, way));
                    let pairs = self.pairs(rule, demand, way, plan);
                    ((!pairs.is_empty()).then_some(Question::Refused { pairs }), title)
                }
            };
            if let Some(question) = question {
                plan.add(check, self, Some(rule), title, question);
            }
        }
    }

    /// An object that meets every rule.
    fn whole(&self, rule: &AdmissionRule, demand: Demand) -> Value {
        if demand == Demand::Bucket {
            bucket(&self.rules, &self.party.id)
        } else {
            pod(rule, &self.rules, &self.party.id)
        }
    }

    fn trial(&self, rule: &AdmissionRule, asked: &str, request: Request) -> Trial {
        let not_tried = request.makes().filter(|_| self.input.mode == Mode::Production);
        let trial = Trial {
            namespace: self.namespace.clone(),
            rule: rule.clone(),
            tenant: self.party.id.clone(),
            asked: asked.to_owned(),
            request,
            concerns: Vec::new(),
            beyond: None,
            not_tried: not_tried.map(str::to_owned),
        };
        trial.computed(self.policies, &rule.pods)
    }

    /// Requests that break a rule by one way, each beside its twin.
    fn pairs(&self, rule: &AdmissionRule, demand: Demand, way: Way, plan: &mut AdmissionPlan) -> Vec<(String, String)> {
        let whole = self.whole(rule, demand);
        let subject = variants::Subject { rule, tenant: &self.party.id, other: self.other, whole: &whole };
        let mut pairs = Vec::new();
        let mut add = |slug: &str, words: &str, broken: Request, twin: Request| {
            let base = format!("{}/{}/{}/{slug}", self.namespace, rule.id, way_word(way));
            let key = format!("try:{base}");
            plan.trials.insert(key.clone(), self.trial(rule, words, broken));
            // Rules about the same pods have the same twins.
            let same = plan.trials.iter().find(|(key, other)| {
                key.starts_with("twin:") && &other.namespace == self.namespace && other.request == twin
            });
            let twin_key = if let Some((key, _)) = same {
                key.clone()
            } else {
                let key = format!("twin:{base}");
                plan.trials.insert(key.clone(), self.trial(rule, &format!("the twin of {words}"), twin));
                key
            };
            pairs.push((key, twin_key));
        };
        let object = |value: Value| if demand == Demand::Bucket { Request::Bucket(value) } else { Request::Pod(value) };
        match way {
            Way::Ephemeral => {
                if let Some((words, broken, twin)) = subject.added(demand) {
                    let added = |container| Request::Added { pod: whole.clone(), container };
                    add("added", &words, added(broken), added(twin));
                }
            }
            Way::Workload => {
                if let Some(Variant { broken, twin, words, .. }) = subject.plainest(demand) {
                    for controller in Controller::ALL {
                        let words = format!("a {} with {words}", controller.kind());
                        let slug = controller.kind().to_lowercase();
                        let of = |pod: &Value| Request::Workload(controller, pod.clone());
                        add(&slug, &words, of(&broken), of(&twin));
                    }
                }
            }
            Way::Update => self.changes(rule, demand, &subject, &mut add),
            way => {
                for Variant { slug, words, broken, twin } in subject.variants(demand, way) {
                    add(slug, &words, object(broken), object(twin));
                }
            }
        }
        pairs
    }

    /// Changes against a rule, each beside one that is nothing to any rule.
    fn changes(
        &self,
        rule: &AdmissionRule,
        demand: Demand,
        subject: &variants::Subject<'_>,
        add: &mut impl FnMut(&str, &str, Request, Request),
    ) {
        let Some((words, edit)) = subject.change(demand) else { return };
        let nothing = Edit::set(&["metadata", "annotations", "tenantproof.dev/twin"], json!("true"));
        for how in How::ALL {
            let words = format!("{words}, by {}", how.word());
            let of = |edit: &Edit| match demand {
                Demand::Bucket => Request::BucketChange { name: self.bucket(), edit: edit.clone(), how },
                Demand::RunAsNonRoot => Request::TemplateChange { pod: subject.whole.clone(), edit: edit.clone(), how },
                _ => Request::PodChange { pod: subject.whole.clone(), edit: edit.clone(), how },
            };
            add(how.word(), &words, of(&edit), of(&nothing));
        }
        // A pod may be made without the label that the rule reads, and be given it later.
        if demand == Demand::RunAsNonRoot
            && let Some((key, value)) = rule.pods.first_key_value()
            && let Some(Variant { broken, twin, .. }) = subject.plainest(demand)
        {
            let label = ["metadata", "labels", key.as_str()];
            let later = |mut pod: Value| {
                Edit::remove(&label).apply(&mut pod);
                Request::PodChange { pod, edit: Edit::set(&label, json!(value)), how: How::Patch }
            };
            add("labelled-later", &format!("label {key} for a pod that may run as root"), later(broken), later(twin));
        }
    }

    /// A bucket of the tenant's that is there; empty where there is none.
    fn bucket(&self) -> String {
        let here = |object: &&Value| object["metadata"]["namespace"] == self.namespace.as_str();
        let first = self.input.snapshot.raw(&BUCKETS).iter().find(here);
        first.and_then(|object| object["metadata"]["name"].as_str()).unwrap_or_default().to_owned()
    }

    /// The key of the plainest request against a rule.
    fn plainest(&self, rule: &AdmissionRule, demand: Demand, plan: &mut AdmissionPlan) -> Option<String> {
        let ways: &[Way] = match demand {
            Demand::PodSecurity => &[Way::Host, Way::Hardening],
            Demand::Bucket => &[Way::Tags, Way::Block],
            _ => &[Way::Pod],
        };
        ways.iter().flat_map(|way| self.pairs(rule, demand, *way, plan)).map(|(key, _)| key).next()
    }

    fn covered(&self, rule: &AdmissionRule, demand: Demand, plan: &mut AdmissionPlan) -> Option<Question> {
        let texts: &[Text] = match demand {
            Demand::RunAsNonRoot if rule.pods.is_empty() => &[Text::Added],
            Demand::RunAsNonRoot | Demand::Registries => &[Text::PodUpdate, Text::Added],
            Demand::PodSecurity => &[Text::Added],
            Demand::Labels => &[Text::PodUpdate],
            Demand::Bucket => &[Text::BucketUpdate],
            Demand::Any => &[],
        };
        let key = self.plainest(rule, demand, plan)?;
        let mut others = Vec::new();
        for text in texts {
            let key = format!("text:{}/{}/{}", self.namespace, rule.id, text.words());
            let mut trial = self.trial(rule, text.words(), Request::Text(*text));
            trial.not_tried = Some("only the policies' texts are read".to_owned());
            plan.trials.insert(key.clone(), trial);
            others.push(key);
        }
        Some(Question::Covered { key, others })
    }

    fn reviews(&self, way: Way, plan: &mut AdmissionPlan) -> Question {
        let namespace = self.namespace;
        let (what, word) = match way {
            Way::ExemptLabel => (Reviewed::Labels, "labels"),
            _ => (Reviewed::Exceptions, "exceptions"),
        };
        let engine = self.policies.has_kyverno();
        let mut reviews = Vec::new();
        if what == Reviewed::Labels || engine {
            for subject in
                subjects::in_namespace(&self.party.subjects, self.namespace, self.input.snapshot, &mut plan.not_tried)
            {
                let key = format!("review:{namespace}/{word}/{subject}");
                let review = Review { namespace: namespace.clone(), subject: subject.clone(), what };
                plan.reviews.insert(key.clone(), review);
                reviews.push((subject, key));
            }
        }
        if what == Reviewed::Exceptions {
            return Question::Exception { engine, reviews };
        }
        let asked = self.rules.iter().map(|rule| {
            let demand = Demand::of(&rule.require);
            let whole = self.whole(rule, demand);
            let request = if demand == Demand::Bucket { Request::Bucket(whole) } else { Request::Pod(whole) };
            self.trial(rule, "", request)
        });
        let keys: BTreeSet<String> =
            asked.flat_map(|trial| trial.concerns.into_iter().filter(reads_labels).flat_map(|one| one.keys)).collect();
        // The API server keeps the label with the namespace's own name.
        let labels = keys.into_iter().filter(|key| key != "kubernetes.io/metadata.name").collect();
        Question::ExemptLabel { labels, reviews }
    }
}

impl AdmissionPlan {
    fn add(&mut self, check: &Check, site: &Site<'_>, rule: Option<&AdmissionRule>, title: String, question: Question) {
        let (party, namespace) = (&site.party.id, site.namespace);
        let rule = rule.map(|rule| rule.id.clone());
        let slash = rule.as_ref().map_or_else(String::new, |rule| format!("/{rule}"));
        let ask = Ask { namespace: namespace.clone(), rule, question };
        self.cases.push(Case {
            id: CaseId::new(format!("{}:{namespace}{slash}", check.id)),
            check: check.id.clone(),
            family: Family::from(super::NAME),
            title,
            from: party.clone(),
            to: party.clone(),
            expect: Access::Denied,
            ask: serde_json::to_value(&ask).unwrap_or_default(),
        });
    }
}

/// Whether a policy can refuse something in the namespace: a level that is enforced can, though it lets pass what meets
/// it.
fn reads_labels(concern: &Concern) -> bool {
    concern.refuses() || (concern.policy.engine == Engine::PodSecurity && concern.policy.name != "privileged")
}

/// A way as it stands in a suite.
fn way_word(way: Way) -> String {
    serde_json::to_value(way).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What is refused, at the beginning of a sentence.
const fn in_words(demand: Demand, way: Way) -> &'static str {
    match (demand, way) {
        (Demand::Bucket, Way::Update) => "A change of a bucket",
        (Demand::Bucket, _) => "A bucket",
        (_, Way::Container | Way::Override | Way::Privileged | Way::Capabilities) => "A container",
        (_, Way::Init) => "An init container",
        (_, Way::Ephemeral) => "An ephemeral container",
        (_, Way::Workload) => "A workload whose pod is",
        (_, Way::Update) => "A change",
        (_, Way::Lookalike) => "An image that only looks allowed",
        _ => "A pod",
    }
}

#[cfg(test)]
mod tests;
