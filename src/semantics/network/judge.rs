//! The judgement of one connection between two classes.

use super::fences::{Fences, Profile};
use super::foreign::Tier;
use super::labels::Match;
use super::policy::{Direction, PeerId, PortRule, Ports, Rule};
use super::standing::{Address, Addresses, Class, Relation};
use super::{Answer, Circumstance};
use crate::model::{Port, Protocol};

/// Why a side cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RawDoubt {
    Outsider(u32),
    Address { policy: u32, rule: u32 },
    Labels { policy: u32, rule: u32 },
    Subject { policy: u32 },
    Families,
    HostNetwork,
}

/// What came of one side, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RawSide {
    NotIsolated,
    HostNetwork,
    OwnNode,
    Allowed { policy: u32, rule: u32 },
    Denied,
    Unknown(RawDoubt),
}

impl RawSide {
    const fn answer(self) -> Answer {
        match self {
            Self::Denied => Answer::Denied,
            Self::Unknown(_) => Answer::Unknown,
            _ => Answer::Allowed,
        }
    }
}

/// A decision, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Raw {
    pub(super) answer: Answer,
    pub(super) egress: RawSide,
    pub(super) ingress: RawSide,
    pub(super) circumstance: Option<Circumstance>,
}

impl Raw {
    const fn of(egress: RawSide, ingress: RawSide) -> Self {
        let answer = match (egress.answer(), ingress.answer()) {
            (Answer::Denied, _) | (_, Answer::Denied) => Answer::Denied,
            (Answer::Unknown, _) | (_, Answer::Unknown) => Answer::Unknown,
            _ => Answer::Allowed,
        };
        Self { answer, egress, ingress, circumstance: None }
    }

    const fn because_of(answer: Answer, circumstance: Circumstance) -> Self {
        let side = match answer {
            Answer::Denied => RawSide::Denied,
            _ => RawSide::NotIsolated,
        };
        Self { answer, egress: side, ingress: side, circumstance: Some(circumstance) }
    }

    /// One decision out of two possible ones: where their answers differ, it is unknown.
    fn or(self, other: Self, doubt: RawDoubt) -> Self {
        if self.answer == other.answer {
            return self;
        }
        let side = |a: RawSide, b: RawSide| match (a, b) {
            (RawSide::Unknown(_), _) => a,
            (_, RawSide::Unknown(_)) => b,
            _ if a.answer() == b.answer() => a,
            _ => RawSide::Unknown(doubt),
        };
        Self { answer: Answer::Unknown, ..Self::of(side(self.egress, other.egress), side(self.ingress, other.ingress)) }
    }
}

/// What is asked, and by which of the possibilities it is answered.
#[derive(Clone, Copy)]
struct Question<'a> {
    destination: &'a Class,
    protocol: Protocol,
    port: Port,
    /// Pods of the host network are nodes, and not pods.
    as_nodes: bool,
    same_node: bool,
    /// What a pod sends to its own node passes whatever its policies say.
    to_own_node: bool,
}

impl Fences {
    /// Judges one connection between endpoints of these classes.
    pub(super) fn judge(
        &self,
        source: &Class,
        destination: &Class,
        relation: Relation,
        protocol: Protocol,
        port: Port,
    ) -> Raw {
        if source.terminated {
            return Raw::because_of(Answer::Denied, Circumstance::SourceEnded);
        }
        if destination.terminated {
            return Raw::because_of(Answer::Denied, Circumstance::DestinationEnded);
        }
        if relation == Relation::Itself {
            let mesh =
                |id: &&u32| self.outsiders.get(**id as usize).is_some_and(|outsider| outsider.tier == Tier::Mesh);
            return match destination.outsiders(Direction::Ingress).iter().find(mesh) {
                None => Raw::because_of(Answer::Allowed, Circumstance::Itself),
                Some(id) => Raw::of(RawSide::NotIsolated, RawSide::Unknown(RawDoubt::Outsider(*id))),
            };
        }
        self.judge_classes(source, destination, protocol, port, relation == Relation::SameNode)
    }

    /// Judges a connection between two pods of these classes.
    fn judge_classes(
        &self,
        source: &Class,
        destination: &Class,
        protocol: Protocol,
        port: Port,
        same_node: bool,
    ) -> Raw {
        let question = Question { destination, protocol, port, as_nodes: false, same_node, to_own_node: false };
        if source.is_simple() && destination.is_simple() {
            return self.between(question, source, source.addresses.first(), destination.addresses.first());
        }
        if !source.host_network && !destination.host_network {
            return self.by_address(question, source, &source.addresses, &destination.addresses);
        }
        let addresses = |class: &'_ Class| -> Vec<Address> {
            if class.host_network && !class.node_addresses.is_empty() {
                class.node_addresses.clone()
            } else {
                class.addresses.clone()
            }
        };
        let (from, to) = (addresses(source), addresses(destination));
        let question_of_nodes = Question { as_nodes: true, ..question };
        let as_nodes = self.by_address(question_of_nodes, source, &from, &to);
        if self.profile == Profile::Cilium {
            return as_nodes;
        }
        let as_pods = self.by_address(question, source, &source.addresses, &destination.addresses);
        let either = as_pods.or(as_nodes, RawDoubt::HostNetwork);
        if !same_node {
            return either;
        }
        let free = Question { to_own_node: true, ..question_of_nodes };
        either.or(self.by_address(free, source, &from, &to), RawDoubt::HostNetwork)
    }

    /// Judges over every pair of addresses that the connection could use: those of one family, or all pairs where
    /// one end has no address or the two share no family.
    fn by_address(&self, question: Question<'_>, source: &Class, from: &[Address], to: &[Address]) -> Raw {
        let meets =
            |a: &Address, b: &Address| a.family == b.family || a.family == Addresses::Any || b.family == Addresses::Any;
        let shared = from.iter().any(|a| to.iter().any(|b| meets(a, b)));
        let some = |all: &'_ [Address]| -> Vec<Option<Address>> {
            if all.is_empty() { vec![None] } else { all.iter().cloned().map(Some).collect() }
        };
        let mut merged: Option<Raw> = None;
        let to = some(to);
        for a in &some(from) {
            for b in &to {
                if let (true, Some(a), Some(b)) = (shared, a, b)
                    && !meets(a, b)
                {
                    continue;
                }
                let one = self.between(question, source, a.as_ref(), b.as_ref());
                merged = Some(merged.map_or(one, |raw| raw.or(one, RawDoubt::Families)));
            }
        }
        merged.unwrap_or_else(|| self.between(question, source, None, None))
    }

    fn between(&self, question: Question<'_>, source: &Class, from: Option<&Address>, to: Option<&Address>) -> Raw {
        Raw::of(
            self.side(question, Direction::Egress, source, question.destination, to),
            self.side(question, Direction::Ingress, question.destination, source, from),
        )
    }

    fn side(
        &self,
        question: Question<'_>,
        direction: Direction,
        subject: &Class,
        peer: &Class,
        address: Option<&Address>,
    ) -> RawSide {
        let isolated = subject.isolated(direction);
        let settled = isolated.iter().any(|(_, matched)| *matched == Match::Yes);
        for id in subject.outsiders(direction) {
            if !(settled && self.outsiders.get(*id as usize).is_some_and(|outsider| outsider.tier == Tier::Baseline)) {
                return RawSide::Unknown(RawDoubt::Outsider(*id));
            }
        }
        if question.as_nodes && subject.host_network {
            return RawSide::HostNetwork;
        }
        let always = direction == Direction::Ingress || question.to_own_node;
        if question.as_nodes && peer.host_network && question.same_node && always {
            return RawSide::OwnNode;
        }
        self.rules(question, direction, isolated, settled, peer, address)
    }

    /// The rules of the policies that isolate a pod. One whose selection is a `Maybe` may isolate it or not.
    fn rules(
        &self,
        question: Question<'_>,
        direction: Direction,
        isolated: &[(u32, Match)],
        settled: bool,
        peer: &Class,
        address: Option<&Address>,
    ) -> RawSide {
        let mut doubt = None;
        let mut allowing = None;
        let mut every_maybe_allows = true;
        for &(id, selected) in isolated {
            let Some(policy) = self.policies.get(id as usize) else { continue };
            let mut allows = false;
            for (rule, number) in policy.rules(direction).unwrap_or_default().iter().zip(0_u32..) {
                if !covers_port(question, rule) {
                    continue;
                }
                let (matched, by_address) = self.peers(question, rule, peer, address);
                match matched {
                    Match::No => {}
                    Match::Yes if selected == Match::Yes => return RawSide::Allowed { policy: id, rule: number },
                    Match::Yes => {
                        allows = true;
                        allowing.get_or_insert(RawSide::Allowed { policy: id, rule: number });
                        break;
                    }
                    Match::Maybe if by_address => {
                        doubt.get_or_insert(RawDoubt::Address { policy: id, rule: number });
                    }
                    Match::Maybe => {
                        doubt.get_or_insert(RawDoubt::Labels { policy: id, rule: number });
                    }
                }
            }
            if selected == Match::Maybe && !allows {
                every_maybe_allows = false;
                if !settled {
                    doubt = Some(RawDoubt::Subject { policy: id });
                }
            }
        }
        match (settled, allowing, doubt) {
            (true, None, None) => RawSide::Denied,
            (true, Some(RawSide::Allowed { policy, .. }), None) => RawSide::Unknown(RawDoubt::Subject { policy }),
            (false, Some(allowed), _) if every_maybe_allows => allowed,
            (_, _, Some(doubt)) => RawSide::Unknown(doubt),
            _ => RawSide::NotIsolated,
        }
    }

    /// Whether a rule covers the peer, and whether a `Maybe` is for want of an address.
    fn peers(&self, question: Question<'_>, rule: &Rule, peer: &Class, address: Option<&Address>) -> (Match, bool) {
        let Some(peers) = &rule.peers else { return (Match::Yes, false) };
        let as_pod = !(question.as_nodes && peer.host_network);
        let (mut any, mut by_address) = (Match::No, false);
        for id in peers {
            let one = match *id {
                PeerId::Pods(_) if !as_pod => Match::No,
                PeerId::Pods(id) if peer.peers.contains(id) => Match::Yes,
                PeerId::Pods(id) if peer.perhaps.contains(id) => Match::Maybe,
                PeerId::Pods(_) => Match::No,
                PeerId::Block(_) if self.profile == Profile::Cilium => Match::No,
                PeerId::Block(id) => address.map_or(Match::Maybe, |address| Match::of(address.blocks.contains(id))),
            };
            by_address |= one == Match::Maybe && matches!(id, PeerId::Block(_));
            any = any.or(one);
            if any == Match::Yes {
                break;
            }
        }
        (any, by_address)
    }
}

/// Whether a rule covers the port; named ports are those of the destination.
fn covers_port(question: Question<'_>, rule: &Rule) -> bool {
    let covers = |rule: &PortRule| {
        rule.protocol == question.protocol
            && match rule.ports {
                Ports::All => true,
                Ports::Range(first, last) => first <= question.port && question.port <= last,
                Ports::Named(name) => {
                    let nameless = question.as_nodes && question.destination.host_network;
                    !nameless && question.destination.ports.contains(&(name, question.protocol, question.port))
                }
            }
    };
    rule.ports.as_ref().is_none_or(|ports| ports.iter().any(covers))
}
