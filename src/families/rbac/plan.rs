//! Tenancy, roles and bindings in; cases and questions out, each with what the rules say. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::NAME;
use super::bound::{choose, shares};
use super::parameters::{Action, By, Place, RbacParameters, Who};
use super::question::Question;
use super::questions::questions;
use super::request::request;
use super::subjects::{self, Account};
use crate::families::{PlanInput, Stance, Told};
use crate::model::{CaseId, Family, Namespace};
use crate::plan::Case;
use crate::semantics::kinds::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES};
use crate::semantics::rbac::{RbacObjects, ReadFrom, Rules, Standing, Subject};
use crate::semantics::{Answer, Snapshot};
use crate::suite::{Access, Check};
use crate::tenancy::Party;

/// What a case asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    /// How.
    #[serde(default, skip_serializing_if = "By::is_review")]
    pub(super) by: By,
    /// Where.
    pub(super) place: Place,
    /// The subjects.
    pub(super) subjects: BTreeSet<String>,
    /// The keys of its questions.
    pub(super) asked: Vec<String>,
    /// Its questions that are not asked of the API server.
    #[serde(default, skip_serializing_if = "Rest::is_none")]
    pub(super) rest: Rest,
}

/// Questions that are beyond the bound: what the rules alone say of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rest {
    /// The most questions that a run asks.
    pub(super) bound: usize,
    /// How many the rules refuse.
    pub(super) denied: usize,
    /// How many they allow.
    pub(super) allowed: usize,
    /// Of how many it can't be told.
    pub(super) unknown: usize,
    /// What makes the first that they don't refuse so: who, what, and by which chain.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) because: String,
}

impl Rest {
    /// Whether everything is asked.
    pub(super) fn is_none(&self) -> bool {
        self.count() == 0
    }

    /// How many questions are not asked.
    pub(super) fn count(&self) -> usize {
        self.denied + self.allowed + self.unknown
    }

    fn add(&mut self, stance: Stance, because: impl FnOnce() -> String) {
        match stance {
            Stance::Denied => self.denied += 1,
            Stance::Allowed => self.allowed += 1,
            Stance::Unknown => self.unknown += 1,
        }
        if stance != Stance::Denied && self.because.is_empty() {
            self.because = because();
        }
    }
}

/// What the rules say of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Computed {
    pub(super) question: Question,
    pub(super) stance: Stance,
    pub(super) because: String,
}

/// Everything that a run of this family will ask.
#[derive(Default)]
pub(super) struct RbacPlan {
    pub(super) cases: Vec<Case>,
    /// The questions that are asked by review, by key.
    pub(super) questions: BTreeMap<String, Computed>,
    /// Their subjects, by name.
    pub(super) subjects: BTreeMap<String, Subject>,
    /// The questions that are asked by requests with a token of their subject, by key.
    pub(super) tries: BTreeMap<String, Computed>,
    /// Their subjects, by name.
    pub(super) accounts: BTreeMap<String, Account>,
    /// Objects that were read and judged.
    pub(super) judged: usize,
    /// Objects that could not be understood.
    pub(super) not_understood: Vec<String>,
    /// What is not tried, and why.
    pub(super) not_tried: Vec<String>,
}

/// The objects of RBAC in a snapshot.
pub(super) fn objects(snapshot: &Snapshot) -> RbacObjects {
    let ours = [ROLES, ROLE_BINDINGS, CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS].map(|kind| kind.name());
    RbacObjects {
        roles: snapshot.typed(&ROLES),
        cluster_roles: snapshot.typed(&CLUSTER_ROLES),
        role_bindings: snapshot.typed(&ROLE_BINDINGS),
        cluster_role_bindings: snapshot.typed(&CLUSTER_ROLE_BINDINGS),
        read_from: ReadFrom::Cluster,
        unreadable: snapshot.unreadable.iter().filter(|one| ours.contains(&one.resource)).cloned().collect(),
        ..RbacObjects::default()
    }
}

/// A case whose questions are not chosen yet.
struct Draft<'a> {
    check: &'a Check,
    parameters: usize,
    from: &'a Party,
    to: &'a Party,
    namespaces: Vec<String>,
    ask: Ask,
}

/// One subject with all cases that ask about it: it gets its share of the questions as a whole.
struct Line {
    subject: Subject,
    drafts: Vec<usize>,
}

/// Makes the plan.
pub(super) fn plan(input: &PlanInput<'_>) -> RbacPlan {
    let objects = objects(input.snapshot);
    let rules = Rules::compile(&objects);
    let mut plan = RbacPlan {
        judged: objects.roles.len()
            + objects.cluster_roles.len()
            + objects.role_bindings.len()
            + objects.cluster_role_bindings.len(),
        not_understood: objects.unreadable.iter().map(|one| format!("{}: {}", one.resource, one.why)).collect(),
        ..RbacPlan::default()
    };
    let (checks, parameters): (Vec<&Check>, Vec<RbacParameters>) = input.suite.checks_with().into_iter().unzip();
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let mut lines: BTreeMap<(By, String), Line> = BTreeMap::new();
    let mut known: BTreeMap<(usize, By, Who), BTreeMap<String, Subject>> = BTreeMap::new();
    for (number, (check, of_check)) in checks.iter().zip(&parameters).enumerate() {
        for (index, from) in input.tenancy.parties.iter().enumerate() {
            let subjects = known
                .entry((index, of_check.by, of_check.who))
                .or_insert_with(|| subjects_of(input, from, of_check, &objects, &mut plan.accounts));
            for (to, namespaces) in targets(input, from, of_check.place) {
                if !input.asks_for(&from.id, &to.id) {
                    continue;
                }
                for (name, subject) in subjects.iter() {
                    let line = lines.entry((of_check.by, name.clone()));
                    line.or_insert_with(|| Line { subject: subject.clone(), drafts: Vec::new() })
                        .drafts
                        .push(drafts.len());
                }
                let ask = Ask {
                    by: of_check.by,
                    place: of_check.place,
                    subjects: subjects.keys().cloned().collect(),
                    ..Ask::default()
                };
                drafts.push(Draft { check, parameters: number, from, to, namespaces, ask });
            }
        }
    }
    for by in [By::Review, By::Token] {
        let lines: Vec<(&String, &Line)> =
            lines.iter().filter(|((own, _), _)| *own == by).map(|((_, name), line)| (name, line)).collect();
        let Told { most_reviews, request_tokens, .. } = input.told;
        let most = most_reviews.unwrap_or(usize::MAX);
        let deal = Deal { rules: &rules, parameters: &parameters, by, most, request_tokens };
        deal.out(&lines, &mut drafts, &mut plan);
    }
    plan.cases =
        drafts.iter().filter_map(|draft| Some(case(draft.check, parameters.get(draft.parameters)?, draft))).collect();
    plan
}

fn subjects_of(
    input: &PlanInput<'_>,
    party: &Party,
    parameters: &RbacParameters,
    objects: &RbacObjects,
    accounts: &mut BTreeMap<String, Account>,
) -> BTreeMap<String, Subject> {
    let none = Vec::new();
    let own: &Vec<Namespace> = input.namespaces.get(&party.id).unwrap_or(&none);
    match (parameters.by, parameters.who) {
        (By::Review, Who::Tenant) => subjects::of_tenant(&party.subjects, own, objects),
        (By::Review, Who::Everybody) => subjects::everybody(),
        (By::Token, Who::Tenant) => {
            let of_party = subjects::accounts(own, &input.snapshot.pods, objects);
            let subjects = of_party.iter().map(|(name, account)| (name.clone(), account.subject())).collect();
            accounts.extend(of_party);
            subjects
        }
        // Nobody has a token of everybody.
        (By::Token, Who::Everybody) => BTreeMap::new(),
    }
}

/// The questions of a subject, of each of its cases.
type OfDrafts = Vec<(usize, BTreeSet<Question>)>;

/// Deals the questions that may be asked out to the subjects.
struct Deal<'a> {
    rules: &'a Rules,
    parameters: &'a [RbacParameters],
    by: By,
    most: usize,
    request_tokens: bool,
}

impl Deal<'_> {
    fn out(&self, lines: &[(&String, &Line)], drafts: &mut [Draft<'_>], plan: &mut RbacPlan) {
        // What the run was not told to try is skipped, whatever it would be.
        if self.by == By::Token && !self.request_tokens {
            return;
        }
        let mut beyond = BTreeSet::new();
        let mut wanted = Vec::with_capacity(lines.len());
        for (name, line) in lines {
            let standing = self.rules.standing(line.subject.clone());
            let of_drafts = self.questions(name, line, &standing, drafts, &mut beyond);
            wanted.push(of_drafts.iter().flat_map(|(_, questions)| questions).collect::<BTreeSet<_>>().len());
        }
        for ((name, line), share) in lines.iter().zip(shares(&wanted, self.most)) {
            let standing = self.rules.standing(line.subject.clone());
            let of_drafts = self.questions(name, line, &standing, drafts, &mut beyond);
            self.choose(&standing, &of_drafts, share, drafts, plan);
            if self.by == By::Review {
                plan.subjects.entry((*name).clone()).or_insert_with(|| line.subject.clone());
            }
        }
        let all: usize = wanted.iter().sum();
        if all > self.most {
            let what = if self.by == By::Review { "questions" } else { "requests with tenants' own tokens" };
            let left = all - self.most;
            plan.not_tried.push(format!("{left} of {all} {what}: computed alone, beyond --max-reviews {}", self.most));
        }
        plan.not_tried.extend(
            beyond.into_iter().map(|what| format!("{what} with a tenant's own token: no harmless request does it")),
        );
    }

    fn questions(
        &self,
        name: &str,
        line: &Line,
        standing: &Standing<'_>,
        drafts: &[Draft<'_>],
        beyond: &mut BTreeSet<String>,
    ) -> OfDrafts {
        let mut all = Vec::with_capacity(line.drafts.len());
        for index in &line.drafts {
            let Some(draft) = drafts.get(*index) else { continue };
            let Some(parameters) = self.parameters.get(draft.parameters) else { continue };
            let mut asked = questions(name, standing, parameters, &draft.namespaces);
            if self.by == By::Token {
                asked.retain(|question| {
                    let can = request(question, "", "").is_some();
                    if !can {
                        beyond.insert(question.deed());
                    }
                    can
                });
            }
            all.push((*index, asked));
        }
        all
    }

    /// Chooses which of a subject's questions are asked, and gives them to its cases; what is not asked is counted.
    fn choose(
        &self,
        standing: &Standing<'_>,
        of_drafts: &OfDrafts,
        share: usize,
        drafts: &mut [Draft<'_>],
        plan: &mut RbacPlan,
    ) {
        let distinct: BTreeSet<&Question> = of_drafts.iter().flat_map(|(_, questions)| questions).collect();
        let stances: Vec<(Question, Stance)> =
            distinct.into_iter().map(|question| (question.clone(), stance_of(standing, question))).collect();
        let chosen: BTreeSet<usize> = choose(&stances, share).into_iter().collect();
        let places: BTreeMap<&Question, (bool, Stance)> = stances
            .iter()
            .enumerate()
            .map(|(index, (question, stance))| (question, (chosen.contains(&index), *stance)))
            .collect();
        let because = |question: &Question| standing.decide(&question.request()).because();
        let target = if self.by == By::Review { &mut plan.questions } else { &mut plan.tries };
        for (index, questions) in of_drafts {
            let Some(draft) = drafts.get_mut(*index) else { continue };
            for question in questions {
                let Some((asked, stance)) = places.get(question).copied() else { continue };
                if asked {
                    let key = question.key();
                    target.entry(key.clone()).or_insert_with(|| Computed {
                        question: question.clone(),
                        stance,
                        because: because(question),
                    });
                    draft.ask.asked.push(key);
                } else {
                    draft.ask.rest.bound = self.most;
                    draft.ask.rest.add(stance, || format!("{}: {}", question.key(), because(question)));
                }
            }
        }
    }
}

fn stance_of(standing: &Standing<'_>, question: &Question) -> Stance {
    match standing.decide(&question.request()).answer {
        Answer::Allowed => Stance::Allowed,
        Answer::Denied => Stance::Denied,
        Answer::Unknown => Stance::Unknown,
    }
}

/// The parties on whom a check tries what a party may do, and the namespaces in question: one that is empty is the
/// whole cluster.
fn targets<'a>(input: &PlanInput<'a>, from: &'a Party, place: Place) -> Vec<(&'a Party, Vec<String>)> {
    let of = |party: &Party| -> Vec<String> {
        input.namespaces.get(&party.id).into_iter().flatten().map(Namespace::to_string).collect()
    };
    match place {
        Place::AnotherTenant => {
            input.tenancy.parties.iter().filter(|to| to.id != from.id).map(|to| (to, of(to))).collect()
        }
        Place::OwnNamespaces => vec![(from, of(from))],
        Place::Cluster => vec![(from, vec![String::new()])],
    }
}

fn case(check: &Check, parameters: &RbacParameters, draft: &Draft<'_>) -> Case {
    let (from, to) = (draft.from, draft.to);
    let who = match (parameters.who, parameters.by) {
        (Who::Tenant, By::Review) => format!("no subject of {}", from.id),
        (Who::Tenant, By::Token) => format!("no service account of {}, by its own token,", from.id),
        (Who::Everybody, _) => "nobody, by being anybody,".to_owned(),
    };
    let place = match parameters.place {
        Place::AnotherTenant => format!("in {}", to.id),
        Place::OwnNamespaces => format!("in {}", from.id),
        Place::Cluster => "on the cluster".to_owned(),
    };
    let id = match parameters.place {
        Place::AnotherTenant => format!("{}:{}>{}", check.id, from.id, to.id),
        Place::OwnNamespaces | Place::Cluster => format!("{}:{}", check.id, from.id),
    };
    Case {
        id: CaseId::new(id),
        check: check.id.clone(),
        family: Family::new(NAME),
        title: format!("{who} may {} {place}", in_words(&parameters.actions)),
        from: from.id.clone(),
        to: to.id.clone(),
        expect: Access::Denied,
        ask: serde_json::to_value(&draft.ask).unwrap_or_default(),
    }
}

/// The first action in words, and that there are more.
fn in_words(actions: &[Action]) -> String {
    let Some(first) = actions.first() else { return "do anything".to_owned() };
    let resources: Vec<&str> =
        first.resources.iter().map(|one| if one == "*" { "anything" } else { one.as_str() }).collect();
    let more = if actions.len() > 1 || resources.len() > 3 { " and more" } else { "" };
    format!("{} {}{more}", first.verbs.join(", "), resources.iter().take(3).copied().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
