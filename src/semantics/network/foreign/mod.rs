//! Policies of other kinds, which no evaluator here models: which pods they could touch.
//!
//! The one rule of this module: a scope may be wider than the truth, never narrower. A requirement that
//! cannot be read with certainty is left out of the selector, which makes the scope wider.

mod calico;
mod kinds;

use super::labels::{Labels, Match, Selector};
use super::policy::Direction;
use crate::semantics::ForeignPolicy;

pub use kinds::{foreign_kinds, is_foreign_policy, is_namespaced};

/// In which namespaces a foreign policy can touch pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Namespaces {
    All,
    One(String),
    Selected(Selector),
}

/// Which pods a foreign policy could touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) namespaces: Namespaces,
    pub(super) pods: Selector,
    /// Whether it touches pods that share their node's network, whatever their labels.
    pub(super) nodes: bool,
    /// Whether it touches pods of the pod network at all.
    pub(super) ordinary: bool,
}

impl Scope {
    fn new(namespaces: Namespaces, pods: Selector) -> Self {
        Self { namespaces, pods, nodes: false, ordinary: true }
    }
}

/// When a foreign policy has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    /// Beside or before NetworkPolicies.
    Ordinary,
    /// Only where no NetworkPolicy isolates the pod.
    Baseline,
    /// In a proxy of the pod, so even between a pod and its own address.
    Mesh,
}

/// A foreign policy, or one rule set of it, with what it could touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outsider {
    /// How it is named to people, such as `CiliumNetworkPolicy shop/fence`.
    pub(super) name: String,
    pub(super) scope: Scope,
    pub(super) ingress: bool,
    pub(super) egress: bool,
    pub(super) tier: Tier,
}

impl Outsider {
    /// Something of which nothing but its namespace is known.
    pub(super) fn opaque(name: String, namespace: Option<&str>) -> Self {
        let namespaces = namespace.map_or(Namespaces::All, |ns| Namespaces::One(ns.to_owned()));
        let mut scope = Scope::new(namespaces, Selector::default());
        scope.nodes = true;
        Self { name, scope, ingress: true, egress: true, tier: Tier::Ordinary }
    }

    pub(super) const fn concerns(&self, direction: Direction) -> bool {
        match direction {
            Direction::Ingress => self.ingress,
            Direction::Egress => self.egress,
        }
    }

    /// Whether it could touch a pod: certain only when it answers no.
    pub(super) fn touches(&self, namespace: &str, of: &Labels<'_>, pod: &Labels<'_>, host_network: bool) -> bool {
        if host_network
            && self.scope.nodes
            && !matches!(&self.scope.namespaces, Namespaces::One(one) if one != namespace)
        {
            return true;
        }
        let namespaces = match &self.scope.namespaces {
            Namespaces::All => true,
            Namespaces::One(one) => one == namespace,
            Namespaces::Selected(selector) => selector.of(of) != Match::No,
        };
        self.scope.ordinary && namespaces && self.scope.pods.of(pod) != Match::No
    }

    /// Keys of pod labels that its scope reads, if it can touch pods of this namespace.
    pub(super) fn keys_read(&self, namespace: &str, of: &Labels<'_>) -> impl Iterator<Item = &str> {
        let concerned = match &self.scope.namespaces {
            Namespaces::All => true,
            Namespaces::One(one) => one == namespace,
            Namespaces::Selected(selector) => selector.of(of) != Match::No,
        };
        self.scope.pods.keys().filter(move |_| concerned)
    }
}

/// What a foreign policy could touch; empty where its own text shows that it fences and opens nothing.
pub(super) fn outsiders(policy: &ForeignPolicy) -> Vec<Outsider> {
    kinds::read(policy)
}
