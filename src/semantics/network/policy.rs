//! A NetworkPolicy, compiled: the API's defaults applied, its validation held, peers interned.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::block::Block;
use super::labels::Selector;
use crate::model::{Port, Protocol};

/// The name of a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Ingress or egress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// What a pod receives.
    Ingress,
    /// What a pod sends.
    Egress,
}

impl Direction {
    /// The name as the API writes it in `spec`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something in a policy that the API's validation refuses, so that no API server holds it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No `spec`.
    #[error("it has no spec")]
    NoSpec,
    /// A type that is neither `Ingress` nor `Egress`.
    #[error("policyTypes names {0:?}; a policy type is Ingress or Egress")]
    PolicyType(String),
    /// `In` or `NotIn` without values.
    #[error("the operator {0} needs at least one value")]
    ValuesMissing(String),
    /// `Exists` or `DoesNotExist` with values.
    #[error("the operator {0} takes no values")]
    ValuesGiven(String),
    /// An operator that does not exist.
    #[error("the operator {0:?} does not exist; there are In, NotIn, Exists and DoesNotExist")]
    Operator(String),
    /// A network that cannot be read.
    #[error("{0:?} is no network in CIDR notation, such as 10.0.0.0/8 or fd00::/8")]
    Cidr(String),
    /// An exception outside its block.
    #[error("except {except:?} must lie strictly inside of cidr {cidr:?}")]
    Except {
        /// The exception.
        except: String,
        /// The block.
        cidr: String,
    },
    /// A peer that says nothing.
    #[error("a peer must have an ipBlock, a podSelector or a namespaceSelector")]
    EmptyPeer,
    /// An `ipBlock` beside a selector.
    #[error("a peer has either an ipBlock or selectors, not both")]
    MixedPeer,
    /// A protocol that the API does not know.
    #[error("the protocol {0:?} does not exist; there are TCP, UDP and SCTP")]
    Protocol(String),
    /// A number that is no port.
    #[error("{0} is no port; a port is a number from 1 to 65535")]
    Port(i32),
    /// A text that cannot be the name of a port.
    #[error(
        "{0:?} is no port's name (at most 15 of a-z, 0-9 and -, with a letter); a number is written without quotes"
    )]
    PortName(String),
    /// `endPort` without a numeric `port`.
    #[error("endPort needs a numeric port beside it")]
    EndPortAlone,
    /// `endPort` below `port`.
    #[error("endPort {end} is below port {port}")]
    EndPortBelow {
        /// The range's first port.
        port: u16,
        /// Its last.
        end: i32,
    },
}

/// A peer of a rule, interned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PeerId {
    Pods(u32),
    Block(u32),
}

/// Which namespaces a peer is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Where {
    /// The policy's own.
    Own(String),
    /// Those that a selector matches.
    Selected(Selector),
}

/// Pods as a peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PodPeer {
    pub(super) namespaces: Where,
    pub(super) pods: Selector,
}

/// Ports that a rule covers, of one protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ports {
    All,
    Range(Port, Port),
    Named(u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortRule {
    pub(super) protocol: Protocol,
    pub(super) ports: Ports,
}

/// One rule: `None` for peers or ports means all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) peers: Option<Vec<PeerId>>,
    pub(super) ports: Option<Vec<PortRule>>,
}

/// A compiled policy. A direction that is `None` is not its concern.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) name: Arc<PolicyName>,
    pub(super) subject: Selector,
    pub(super) ingress: Option<Vec<Rule>>,
    pub(super) egress: Option<Vec<Rule>>,
}

impl Policy {
    pub(super) fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }
}

/// Peers, blocks and port names of all policies, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Interned {
    pub(super) peers: Vec<PodPeer>,
    pub(super) blocks: Vec<Block>,
    pub(super) names: Vec<String>,
    peer_ids: HashMap<PodPeer, u32>,
    block_ids: HashMap<Block, u32>,
    name_ids: HashMap<String, u32>,
}

fn intern<T: Clone + Eq + std::hash::Hash>(all: &mut Vec<T>, ids: &mut HashMap<T, u32>, item: T) -> u32 {
    if let Some(id) = ids.get(&item) {
        return *id;
    }
    let id = u32::try_from(all.len()).unwrap_or(u32::MAX);
    all.push(item.clone());
    ids.insert(item, id);
    id
}

impl Interned {
    pub(super) fn name_id(&self, name: &str) -> Option<u32> {
        self.name_ids.get(name).copied()
    }

    /// Compiles one policy, or says what the API's validation has against it.
    pub(super) fn compile(&mut self, policy: &NetworkPolicy) -> Result<Policy, Fault> {
        let name = Arc::new(policy_name(policy));
        let spec = policy.spec.as_ref().ok_or(Fault::NoSpec)?;
        let subject = spec.pod_selector.as_ref().map(Selector::compile).transpose()?.unwrap_or_default();
        let (isolates_ingress, isolates_egress) = policy_types(
            spec.policy_types.as_deref().unwrap_or_default(),
            spec.egress.as_ref().is_some_and(|rules| !rules.is_empty()),
        )?;
        // Rules of a direction that the policy does not name have no effect, but must be valid all the same.
        let mut ingress = Vec::new();
        for rule in spec.ingress.iter().flatten() {
            ingress.push(self.rule(&name.namespace, rule.from.as_deref(), rule.ports.as_deref())?);
        }
        let mut egress = Vec::new();
        for rule in spec.egress.iter().flatten() {
            egress.push(self.rule(&name.namespace, rule.to.as_deref(), rule.ports.as_deref())?);
        }
        Ok(Policy {
            name,
            subject,
            ingress: isolates_ingress.then_some(ingress),
            egress: isolates_egress.then_some(egress),
        })
    }

    fn rule(
        &mut self,
        namespace: &str,
        peers: Option<&[NetworkPolicyPeer]>,
        ports: Option<&[NetworkPolicyPort]>,
    ) -> Result<Rule, Fault> {
        let peers = match peers {
            None | Some([]) => None,
            Some(peers) => Some(peers.iter().map(|peer| self.peer(namespace, peer)).collect::<Result<_, _>>()?),
        };
        let ports = match ports {
            None | Some([]) => None,
            Some(ports) => Some(ports.iter().map(|port| self.port(port)).collect::<Result<_, _>>()?),
        };
        Ok(Rule { peers, ports })
    }

    fn peer(&mut self, namespace: &str, peer: &NetworkPolicyPeer) -> Result<PeerId, Fault> {
        let pods = peer.pod_selector.as_ref().map(Selector::compile).transpose()?;
        let namespaces = peer.namespace_selector.as_ref().map(Selector::compile).transpose()?;
        match (&peer.ip_block, namespaces, pods) {
            (Some(block), None, None) => {
                let block = Block::compile(block)?;
                Ok(PeerId::Block(intern(&mut self.blocks, &mut self.block_ids, block)))
            }
            (Some(_), _, _) => Err(Fault::MixedPeer),
            (None, None, None) => Err(Fault::EmptyPeer),
            (None, namespaces, pods) => {
                let namespaces = namespaces.map_or_else(|| Where::Own(namespace.to_owned()), Where::Selected);
                let peer = PodPeer { namespaces, pods: pods.unwrap_or_default() };
                Ok(PeerId::Pods(intern(&mut self.peers, &mut self.peer_ids, peer)))
            }
        }
    }

    fn port(&mut self, port: &NetworkPolicyPort) -> Result<PortRule, Fault> {
        let protocol = match port.protocol.as_deref() {
            None => Protocol::Tcp,
            Some(text) => Protocol::parse(text).ok_or_else(|| Fault::Protocol(text.to_owned()))?,
        };
        let ports = match (&port.port, port.end_port) {
            (None, None) => Ports::All,
            (Some(IntOrString::Int(first)), end) => {
                let first = number(*first)?;
                let last = match end {
                    None => first,
                    Some(end) if end < i32::from(first.get()) => {
                        return Err(Fault::EndPortBelow { port: first.get(), end });
                    }
                    Some(end) => number(end)?,
                };
                Ports::Range(first, last)
            }
            (Some(IntOrString::String(name)), None) if is_port_name(name) => {
                Ports::Named(intern(&mut self.names, &mut self.name_ids, name.clone()))
            }
            (Some(IntOrString::String(name)), None) => return Err(Fault::PortName(name.clone())),
            (None | Some(IntOrString::String(_)), Some(_)) => return Err(Fault::EndPortAlone),
        };
        Ok(PortRule { protocol, ports })
    }
}

/// The name of a policy; one without a namespace is in `default`, as the API has it.
pub(super) fn policy_name(policy: &NetworkPolicy) -> PolicyName {
    let namespace = policy.metadata.namespace.as_deref().filter(|ns| !ns.is_empty()).unwrap_or("default");
    PolicyName { namespace: namespace.to_owned(), name: policy.metadata.name.clone().unwrap_or_default() }
}

/// Whether a policy isolates for ingress and for egress: `SetDefaults_NetworkPolicy` of the API server, where
/// no types mean Ingress, and Egress too if there is at least one egress rule.
fn policy_types(types: &[String], has_egress_rules: bool) -> Result<(bool, bool), Fault> {
    if types.is_empty() {
        return Ok((true, has_egress_rules));
    }
    let (mut ingress, mut egress) = (false, false);
    for kind in types {
        match kind.as_str() {
            "Ingress" => ingress = true,
            "Egress" => egress = true,
            other => return Err(Fault::PolicyType(other.to_owned())),
        }
    }
    Ok((ingress, egress))
}

fn number(port: i32) -> Result<Port, Fault> {
    u16::try_from(port).ok().and_then(Port::new).ok_or(Fault::Port(port))
}

/// The API's `IsValidPortName`: 1 to 15 of `a-z`, `0-9` and `-`, at least one letter, no `-` at an end or doubled.
fn is_port_name(name: &str) -> bool {
    (1..=15).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && name.bytes().any(|b| b.is_ascii_lowercase())
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Holds a peer to the API's validation, its selectors apart.
pub(in crate::semantics) fn check_peer(peer: &NetworkPolicyPeer) -> Result<(), Fault> {
    match (&peer.ip_block, peer.pod_selector.is_some() || peer.namespace_selector.is_some()) {
        (Some(block), false) => Block::compile(block).map(drop),
        (Some(_), true) => Err(Fault::MixedPeer),
        (None, false) => Err(Fault::EmptyPeer),
        (None, true) => Ok(()),
    }
}

/// Holds a port to the API's validation.
pub(in crate::semantics) fn check_port(port: &NetworkPolicyPort) -> Result<(), Fault> {
    Interned::default().port(port).map(drop)
}

/// Holds a selector to the API's validation.
pub(in crate::semantics) fn check_selector(selector: &LabelSelector) -> Result<(), Fault> {
    Selector::compile(selector).map(drop)
}

/// Holds `policyTypes` to the API's validation.
pub(in crate::semantics) fn check_policy_types(types: &[String]) -> Result<(), Fault> {
    policy_types(types, false).map(drop)
}
