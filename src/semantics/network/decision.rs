//! What the policies say of one connection, and why, in words.

use std::sync::Arc;

use super::fences::Fences;
use super::judge::{Raw, RawDoubt, RawSide};
use super::policy::{Direction, PolicyName};
use super::rules;
use super::standing::Class;
use crate::model::{Port, Protocol};
use crate::semantics::Answer;

/// Something about the two ends that decides before any policy is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Circumstance {
    /// Source and destination are one pod.
    Itself,
    /// The source has ended.
    SourceEnded,
    /// The destination has ended.
    DestinationEnded,
}

/// Why a side cannot be told. Each names its rule in `docs/semantics.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A policy that is not modelled, or that could not be read, could touch the pod.
    Foreign {
        /// Its name.
        name: String,
    },
    /// It depends on an `ipBlock`, and the peer has no address.
    Address {
        /// The policy.
        policy: Arc<PolicyName>,
        /// The rule, counted from 1.
        rule: usize,
    },
    /// It depends on labels of the peer, or of its namespace, that were not read.
    Labels {
        /// The policy.
        policy: Arc<PolicyName>,
        /// The rule, counted from 1.
        rule: usize,
    },
    /// Whether the policy selects the pod depends on labels that were not read.
    Subject {
        /// The policy.
        policy: Arc<PolicyName>,
    },
    /// IPv4 and IPv6 have different answers.
    Families,
    /// A pod of the host network is involved, and the two possibilities have different answers.
    HostNetwork,
}

impl Doubt {
    /// The name of the rule in `docs/semantics.md` by which it is unknown.
    #[must_use]
    pub const fn rule_name(&self) -> &'static str {
        match self {
            Self::Foreign { .. } => rules::FOREIGN_POLICY,
            Self::Address { .. } => rules::POD_WITHOUT_ADDRESS,
            Self::Labels { .. } | Self::Subject { .. } => rules::LABELS_NOT_READ,
            Self::Families => rules::DUAL_STACK,
            Self::HostNetwork => rules::HOST_NETWORK,
        }
    }
}

/// What one pod's policies say: the source's for egress, the destination's for ingress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// No policy selects the pod for this direction: everything passes.
    NotIsolated,
    /// Policies don't apply: the pod is of the host network.
    HostNetwork,
    /// The peer is the pod's own node, which is always allowed.
    OwnNode,
    /// A rule allows it.
    Allowed {
        /// The policy.
        policy: Arc<PolicyName>,
        /// The rule, counted from 1.
        rule: usize,
    },
    /// Policies isolate the pod, and none of their rules allows it.
    Denied {
        /// The policies, in order of their names; empty where the pod has ended.
        by: Vec<Arc<PolicyName>>,
    },
    /// It cannot be told.
    Unknown {
        /// Why.
        doubt: Doubt,
    },
}

impl Side {
    /// What this side alone says.
    #[must_use]
    pub const fn answer(&self) -> Answer {
        match self {
            Self::Denied { .. } => Answer::Denied,
            Self::Unknown { .. } => Answer::Unknown,
            _ => Answer::Allowed,
        }
    }
}

/// What the policies say of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it passes.
    pub answer: Answer,
    /// What the source's egress policies say.
    pub egress: Side,
    /// What the destination's ingress policies say.
    pub ingress: Side,
    /// What decided before any policy, where something did.
    pub circumstance: Option<Circumstance>,
    /// The protocol that was asked about.
    pub protocol: Protocol,
    /// The port that was asked about.
    pub port: Port,
}

impl Fences {
    pub(super) fn spell(
        &self,
        raw: &Raw,
        source: &Class,
        destination: &Class,
        protocol: Protocol,
        port: Port,
    ) -> Decision {
        let ended = raw.circumstance.is_some();
        Decision {
            answer: raw.answer,
            egress: self.spell_side(raw.egress, Direction::Egress, (!ended).then_some(source)),
            ingress: self.spell_side(raw.ingress, Direction::Ingress, (!ended).then_some(destination)),
            circumstance: raw.circumstance,
            protocol,
            port,
        }
    }

    fn policy_name(&self, id: u32) -> Arc<PolicyName> {
        self.policies.get(id as usize).map_or_else(
            || Arc::new(PolicyName { namespace: String::new(), name: String::new() }),
            |policy| Arc::clone(&policy.name),
        )
    }

    fn spell_side(&self, side: RawSide, direction: Direction, subject: Option<&Class>) -> Side {
        match side {
            RawSide::NotIsolated => Side::NotIsolated,
            RawSide::HostNetwork => Side::HostNetwork,
            RawSide::OwnNode => Side::OwnNode,
            RawSide::Allowed { policy, rule } => {
                Side::Allowed { policy: self.policy_name(policy), rule: rule as usize + 1 }
            }
            RawSide::Denied => {
                let isolated = subject.map(|class| class.isolated(direction)).unwrap_or_default();
                Side::Denied { by: isolated.iter().map(|(id, _)| self.policy_name(*id)).collect() }
            }
            RawSide::Unknown(doubt) => Side::Unknown { doubt: self.spell_doubt(doubt) },
        }
    }

    fn spell_doubt(&self, doubt: RawDoubt) -> Doubt {
        match doubt {
            RawDoubt::Outsider(id) => Doubt::Foreign {
                name: self.outsiders.get(id as usize).map(|outsider| outsider.name.clone()).unwrap_or_default(),
            },
            RawDoubt::Address { policy, rule } => {
                Doubt::Address { policy: self.policy_name(policy), rule: rule as usize + 1 }
            }
            RawDoubt::Labels { policy, rule } => {
                Doubt::Labels { policy: self.policy_name(policy), rule: rule as usize + 1 }
            }
            RawDoubt::Subject { policy } => Doubt::Subject { policy: self.policy_name(policy) },
            RawDoubt::Families => Doubt::Families,
            RawDoubt::HostNetwork => Doubt::HostNetwork,
        }
    }
}

impl Decision {
    /// The reason in one sentence, with the deciding policies and rules by name.
    #[must_use]
    pub fn because(&self) -> String {
        match self.circumstance {
            Some(Circumstance::Itself) => return "A pod cannot be cut off from itself.".to_owned(),
            Some(Circumstance::SourceEnded) => return "The source pod has ended, so it sends nothing.".to_owned(),
            Some(Circumstance::DestinationEnded) => {
                return "The destination pod has ended, so it receives nothing.".to_owned();
            }
            None => {}
        }
        let sides = [(Direction::Egress, &self.egress), (Direction::Ingress, &self.ingress)];
        let telling: Vec<String> = sides
            .into_iter()
            .filter(|(_, side)| side.answer() == self.answer)
            .map(|(direction, side)| self.clause(direction, side))
            .collect();
        let mut sentence = telling.join(", and ");
        if let Some(first) = sentence.get_mut(..1)
            && telling.first().is_some_and(|clause| clause.starts_with("no policy") || clause.starts_with("the "))
        {
            first.make_ascii_uppercase();
        }
        sentence.push('.');
        sentence
    }

    fn clause(&self, direction: Direction, side: &Side) -> String {
        let end = match direction {
            Direction::Egress => "source",
            Direction::Ingress => "destination",
        };
        let peer = match direction {
            Direction::Egress => "destination",
            Direction::Ingress => "source",
        };
        let asked = format!("{} {}", self.protocol, self.port);
        match side {
            Side::NotIsolated => format!("no policy isolates the {end} for {direction}"),
            Side::HostNetwork => format!("the {end} is on its node's network, where policies don't apply"),
            Side::OwnNode => format!("the {peer} is the {end}'s own node, which is always allowed"),
            Side::Allowed { policy, rule } => {
                format!("{policy} allows it by {direction} rule {rule} ({asked})")
            }
            Side::Denied { by } => match by.as_slice() {
                [] => format!("the {end} is isolated for {direction}"),
                [one] => {
                    format!(
                        "{one} isolates the {end} for {direction} and has no rule that allows this {peer} on {asked}"
                    )
                }
                many => format!(
                    "{} isolate the {end} for {direction} and have no rule that allows this {peer} on {asked}",
                    list(many)
                ),
            },
            Side::Unknown { doubt } => {
                let why = match doubt {
                    Doubt::Foreign { name } => format!("it could be touched by {name}, which is not modelled"),
                    Doubt::Address { policy, rule } => {
                        format!("{policy} {direction} rule {rule} has an ipBlock and the {peer} has no address")
                    }
                    Doubt::Labels { policy, rule } => {
                        format!("{policy} {direction} rule {rule} reads labels of the {peer} that were not read")
                    }
                    Doubt::Subject { policy } => {
                        format!("{policy} may select it by labels that were not read")
                    }
                    Doubt::Families => "IPv4 and IPv6 have different answers".to_owned(),
                    Doubt::HostNetwork => {
                        "a pod of the host network is involved, and engines differ on whether it is a pod or its node, and whether a pod may always talk to its own node"
                            .to_owned()
                    }
                };
                format!("the {end}'s {direction} cannot be told: {why} (rule {})", doubt.rule_name())
            }
        }
    }
}

/// Names in a row, at most three.
fn list(names: &[Arc<PolicyName>]) -> String {
    match names {
        [first, second] => format!("{first} and {second}"),
        [first, second, third] => format!("{first}, {second} and {third}"),
        [first, second, rest @ ..] if !rest.is_empty() => format!("{first}, {second} and {} more", rest.len()),
        _ => names.iter().map(ToString::to_string).collect(),
    }
}
