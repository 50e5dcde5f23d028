//! Everything that subjects may do, many actions and many subjects at once.
//!
//! A [`Survey`] is made for a list of actions. What each role says of each of them is worked out once; then what a subject
//! may do is the union of the roles that are bound to it, a few words of bits for each binding.

use std::collections::BTreeMap;

use super::compile::{Rules, Target};
use super::request::{Request, ResourceRequest, Scope, Verb};
use super::standing::Standing;
use super::subject::Subject;

/// Something that can be done to a kind of object, whatever the object's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action {
    /// The verb.
    pub verb: String,
    /// The API group; empty for the core group.
    pub api_group: String,
    /// The resource.
    pub resource: String,
    /// The subresource, or empty.
    pub subresource: String,
}

impl Action {
    /// The request for it, of no object in particular.
    #[must_use]
    pub fn request<'a>(&'a self, scope: Scope<'a>) -> ResourceRequest<'a> {
        ResourceRequest {
            verb: Verb::new(&self.verb),
            api_group: &self.api_group,
            resource: &self.resource,
            subresource: &self.subresource,
            scope,
            name: "",
        }
    }
}

/// How far a subject gets with an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reached {
    /// It may not.
    Nothing,
    /// What was read does not tell.
    Unknown,
    /// It may, for objects of certain names.
    Named,
    /// It may, for every object.
    Everything,
}

/// A set of actions, a bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, at: usize) {
        let (word, bit) = (at / 64, at % 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << bit;
        }
    }

    fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word & (1 << (at % 64)) != 0)
    }

    fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own |= other;
        }
    }

    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// What is granted in one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    everything: Bits,
    named: Bits,
    unknown: Bits,
    /// Anything may be granted.
    open: bool,
}

impl Cells {
    fn add(&mut self, other: &Self) {
        self.everything.add(&other.everything);
        self.named.add(&other.named);
        self.unknown.add(&other.unknown);
        self.open |= other.open;
    }

    /// As [`Cells::add`], where it is not certain that any of it is granted.
    fn add_doubtful(&mut self, other: &Self) {
        for bits in [&other.everything, &other.named, &other.unknown] {
            self.unknown.add(bits);
        }
        self.open |= other.open;
    }

    /// How far one gets with the action of this index.
    #[must_use]
    pub fn reached(&self, action: usize) -> Reached {
        if self.everything.has(action) {
            Reached::Everything
        } else if self.named.has(action) {
            Reached::Named
        } else if self.open || self.unknown.has(action) {
            Reached::Unknown
        } else {
            Reached::Nothing
        }
    }

    /// How many actions are certainly granted, for every object or for some.
    #[must_use]
    pub fn granted(&self) -> usize {
        let mut any = self.everything.clone();
        any.add(&self.named);
        any.count()
    }
}

/// What one subject may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach<'r> {
    /// What is granted for the whole cluster, and so in every namespace.
    pub cluster: Cells,
    /// What is granted in a namespace besides; namespaces without anything are left out.
    pub namespaces: BTreeMap<&'r str, Cells>,
    /// What may be granted in every namespace, without being granted for the cluster.
    any_namespace: bool,
    master: bool,
}

impl Reach<'_> {
    /// How far the subject gets with the action of this index in a scope.
    #[must_use]
    pub fn reached(&self, action: usize, scope: Scope<'_>) -> Reached {
        if self.master {
            return Reached::Everything;
        }
        let cluster = self.cluster.reached(action);
        let Some(namespace) = scope.namespace() else { return cluster };
        let here = self.namespaces.get(namespace).map_or(Reached::Nothing, |cells| cells.reached(action));
        let anywhere = if self.any_namespace { Reached::Unknown } else { Reached::Nothing };
        cluster.max(here).max(anywhere)
    }
}

/// Actions, and what each role says of them.
#[derive(Clone, Debug)]
pub struct Survey<'r> {
    rules: &'r Rules,
    actions: Vec<Action>,
    /// Of each role.
    by_role: Vec<Cells>,
}

impl<'r> Survey<'r> {
    /// Works out what each role says of each action.
    #[must_use]
    pub fn new(rules: &'r Rules, actions: Vec<Action>) -> Self {
        let requests: Vec<ResourceRequest<'_>> = actions.iter().map(|action| action.request(Scope::Cluster)).collect();
        let by_role = rules.roles.iter().map(|role| {
            let mut cells = Cells { open: role.open.is_some(), ..Cells::default() };
            for entry in &role.entries {
                let doubtful = role.doubt.is_some() || entry.doubt.is_some();
                for (index, request) in requests.iter().enumerate().filter(|(_, request)| entry.rule.covers(request)) {
                    let everything = entry.rule.allows(&Request::Resource(*request));
                    match (doubtful, everything) {
                        (true, _) => cells.unknown.set(index),
                        (false, true) => cells.everything.set(index),
                        (false, false) => cells.named.set(index),
                    }
                }
            }
            cells
        });
        let by_role = by_role.collect();
        Self { rules, actions, by_role }
    }

    /// The actions, in the order of their indices.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// What a subject may do.
    #[must_use]
    pub fn of(&self, subject: Subject) -> Reach<'r> {
        self.of_standing(&self.rules.standing(subject))
    }

    /// As [`Survey::of`], of a subject whose bindings are known.
    #[must_use]
    pub fn of_standing(&self, standing: &Standing<'r>) -> Reach<'r> {
        let mut reach = Reach {
            cluster: self.bound(&standing.cluster),
            any_namespace: self.rules.any_namespace.is_some(),
            master: standing.subject().is_master(),
            ..Reach::default()
        };
        reach.cluster.open |= self.rules.everywhere.is_some();
        for (namespace, ids) in &standing.namespaces {
            reach.namespaces.insert(namespace, self.bound(ids));
        }
        for namespace in self.rules.in_namespace.keys() {
            reach.namespaces.entry(namespace).or_default().open = true;
        }
        reach
    }

    fn bound(&self, ids: &[usize]) -> Cells {
        let mut cells = Cells::default();
        for binding in ids.iter().filter_map(|id| self.rules.bindings.get(*id)) {
            match &binding.target {
                Target::Role(id) => {
                    let Some(role) = self.by_role.get(*id) else { continue };
                    if binding.doubt.is_some() { cells.add_doubtful(role) } else { cells.add(role) }
                }
                Target::Doubtful(_) => cells.open = true,
                Target::Missing(_) | Target::Nothing => {}
            }
        }
        cells
    }
}
