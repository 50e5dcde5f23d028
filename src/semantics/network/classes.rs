//! Many endpoints at once: those that the policies see alike share a class, and one answer serves for all of them.

use std::collections::HashMap;

use super::decision::Decision;
use super::endpoint::Endpoint;
use super::fences::Fences;
use super::judge::Raw;
use super::standing::{Class, Relation};
use crate::model::{Port, Protocol};

const NOBODY: u32 = u32::MAX;

/// An endpoint that has joined [`Classes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    pub(super) class: u32,
    pub(super) pod: u32,
    pub(super) node: u32,
}

impl Member {
    /// The number of its class, counted from 0.
    #[must_use]
    pub const fn class(self) -> u32 {
        self.class
    }
}

/// A question about classes: questions with equal keys have equal decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alike {
    pub(super) source: u32,
    pub(super) destination: u32,
    pub(super) relation: Relation,
    pub(super) protocol: Protocol,
    pub(super) port: Port,
}

/// Endpoints, by what the policies see of them.
#[derive(Debug)]
pub struct Classes<'f> {
    pub(super) fences: &'f Fences,
    pub(super) all: Vec<Class>,
    ids: HashMap<Class, u32>,
    pods: HashMap<(String, String), u32>,
    nodes: HashMap<String, u32>,
    outside: Class,
}

impl<'f> Classes<'f> {
    /// No endpoints yet.
    #[must_use]
    pub fn new(fences: &'f Fences) -> Self {
        Self {
            fences,
            all: Vec::new(),
            ids: HashMap::new(),
            pods: HashMap::new(),
            nodes: HashMap::new(),
            outside: Class::default(),
        }
    }

    /// Takes an endpoint into its class.
    pub fn join(&mut self, endpoint: &Endpoint) -> Member {
        let class = self.fences.place(endpoint).into_class();
        let next = number(self.ids.len());
        let class = if let Some(id) = self.ids.get(&class) {
            *id
        } else {
            self.all.push(class.clone());
            self.ids.insert(class, next);
            next
        };
        let next = number(self.pods.len());
        let pod = endpoint.name.as_ref().map_or(NOBODY, |name| {
            *self.pods.entry((endpoint.namespace.as_str().to_owned(), name.clone())).or_insert(next)
        });
        let next = number(self.nodes.len());
        let node =
            endpoint.node.as_ref().map_or(NOBODY, |node| *self.nodes.entry(node.as_str().to_owned()).or_insert(next));
        Member { class, pod, node }
    }

    /// How many classes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The key of a question, by which its decision can be kept.
    #[must_use]
    pub fn key(&self, source: Member, destination: Member, protocol: Protocol, port: Port) -> Alike {
        let host = |member: Member| self.class(member.class).host_network;
        let relation = if source.pod != NOBODY && source.pod == destination.pod {
            Relation::Itself
        } else if source.node != NOBODY && source.node == destination.node && (host(source) || host(destination)) {
            Relation::SameNode
        } else {
            Relation::Apart
        };
        Alike { source: source.class, destination: destination.class, relation, protocol, port }
    }

    /// What the policies say of a question.
    #[must_use]
    pub fn decide(&self, key: Alike) -> Decision {
        let raw = self.judge(key);
        self.fences.spell(&raw, self.class(key.source), self.class(key.destination), key.protocol, key.port)
    }

    pub(super) fn judge(&self, key: Alike) -> Raw {
        let (source, destination) = (self.class(key.source), self.class(key.destination));
        self.fences.judge(source, destination, key.relation, key.protocol, key.port)
    }

    pub(super) fn class(&self, id: u32) -> &Class {
        self.all.get(id as usize).unwrap_or(&self.outside)
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(NOBODY)
}
