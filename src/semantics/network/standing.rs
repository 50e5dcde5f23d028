//! How the policies see an endpoint: which select it, which peers it matches. Endpoints that they see alike are of
//! one class, and one answer serves for all of them.

use std::net::IpAddr;

use super::endpoint::Endpoint;
use super::labels::Match;
use super::policy::Direction;
use crate::model::{NodeName, Port, Protocol};

/// A set of small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn insert(&mut self, id: u32) {
        let word = id as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (id % 64);
        }
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        self.0.get(id as usize / 64).is_some_and(|bits| bits >> (id % 64) & 1 == 1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0
            .iter()
            .zip(0_u32..)
            .flat_map(|(bits, word)| (0..64).filter(move |i| bits >> i & 1 == 1).map(move |i| word * 64 + i))
    }
}

/// Which addresses a connection can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Addresses {
    V4,
    V6,
    /// It makes no difference which.
    Any,
}

/// An address, as far as policies can tell it from others: the blocks that it lies in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) family: Addresses,
    pub(super) blocks: Bits,
}

/// Everything that policies can see of an endpoint, so that equal classes have equal answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Class {
    /// The policies that isolate it, for ingress and for egress, with `Yes` or `Maybe`.
    pub(super) isolated: [Vec<(u32, Match)>; 2],
    /// The foreign policies that could touch it, for ingress and for egress.
    pub(super) outsiders: [Vec<u32>; 2],
    /// The peers that it matches, and those that it may match.
    pub(super) peers: Bits,
    pub(super) perhaps: Bits,
    /// What blocks see of its addresses; empty where it has none.
    pub(super) addresses: Vec<Address>,
    /// What blocks see of its node's addresses, for pods of the host network.
    pub(super) node_addresses: Vec<Address>,
    /// The named ports that policies read.
    pub(super) ports: Vec<(u32, Protocol, Port)>,
    pub(super) host_network: bool,
    pub(super) terminated: bool,
}

impl Class {
    pub(super) fn isolated(&self, direction: Direction) -> &[(u32, Match)] {
        let [ingress, egress] = &self.isolated;
        match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }

    pub(super) fn outsiders(&self, direction: Direction) -> &[u32] {
        let [ingress, egress] = &self.outsiders;
        match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }

    /// Whether one pair of addresses, and one possibility, is all there is to consider.
    pub(super) fn is_simple(&self) -> bool {
        !self.host_network && self.addresses.len() <= 1
    }
}

/// What two endpoints are to each other, beyond their classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Relation {
    /// One pod.
    Itself,
    /// Two pods that are known to be on one node.
    SameNode,
    /// Two pods, on different nodes as far as is known.
    Apart,
}

/// An endpoint as the policies see it. Made once for each endpoint by [`Fences::place`](super::Fences::place), it
/// makes many questions about it cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub(super) class: Class,
    pod: Option<(String, String)>,
    node: Option<NodeName>,
}

impl Standing {
    pub(super) fn new(class: Class, endpoint: &Endpoint) -> Self {
        let pod = endpoint.name.clone().map(|name| (endpoint.namespace.as_str().to_owned(), name));
        Self { class, pod, node: endpoint.node.clone() }
    }

    pub(super) fn into_class(self) -> Class {
        self.class
    }

    pub(super) fn relation_to(&self, other: &Self) -> Relation {
        if self.pod.is_some() && self.pod == other.pod {
            Relation::Itself
        } else if self.node.is_some() && self.node == other.node {
            Relation::SameNode
        } else {
            Relation::Apart
        }
    }
}

/// Folds addresses into those that blocks can tell apart.
pub(super) fn addresses(all: &[IpAddr], blocks_of: impl Fn(IpAddr) -> Bits) -> Vec<Address> {
    let mut seen: Vec<Address> = Vec::new();
    for ip in all {
        let family = if ip.to_canonical().is_ipv4() { Addresses::V4 } else { Addresses::V6 };
        let address = Address { family, blocks: blocks_of(*ip) };
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    if let [first, rest @ ..] = seen.as_mut_slice()
        && rest.iter().all(|address| address.blocks == first.blocks)
    {
        first.family = Addresses::Any;
        seen.truncate(1);
    }
    seen
}
