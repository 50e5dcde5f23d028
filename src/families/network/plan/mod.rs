//! Tenancy, suite and snapshot in; cases, probes and tries out. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::ask::{Ask, Connection, Placement};
use super::classes::{PodClass, classes};
use super::idle::idle_policies;
use super::parameters::{NetworkParameters, Reach, Scope};
use super::ports::ports;
use super::seen::IdlePolicy;
use crate::families::PlanInput;
use crate::families::guest::{Needs, obstacle, quota_obstacle};
use crate::model::{CaseId, Family, Namespace, NodeName, Port, Protocol};
use crate::plan::{Case, ProbeName, ProbePort, ProbeSpec};
use crate::semantics::network::{Answer, Endpoint, Fences, NamedPort};
use crate::suite::{Access, Check};
use crate::tenancy::{Flow, FlowPeer, Internal, PartyKind, Tenancy};

/// Everything that a run of this family will do.
pub struct NetworkPlan {
    /// The cases, in the order of the suite.
    pub cases: Vec<Case>,
    /// The probes to make.
    pub probes: Vec<ProbeSpec>,
    /// Probes that must not be made, and why.
    pub absent: BTreeMap<ProbeName, (ProbeSpec, String)>,
    /// Each probe as the policies see it, before it has an address.
    pub endpoints: BTreeMap<ProbeName, Endpoint>,
    /// What each probe tries.
    pub tries: Vec<TryPlan>,
    /// What the policies of the snapshot mean.
    pub fences: Fences,
    /// Policies that select nothing.
    pub idle: Vec<IdlePolicy>,
    /// Namespaces whose policies decide.
    pub namespaces: Vec<Namespace>,
    /// What is not tried, and why.
    pub not_tried: Vec<String>,
    /// Pods that the probes stand for.
    pub pods_represented: usize,
}

/// One connection to be tried, as a case's own or as a control case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryPlan {
    /// Its key in the observations.
    pub key: String,
    /// What is tried.
    pub connection: Connection,
}

/// A class with its probes and the ports tried at it.
struct Target {
    class: PodClass,
    probes: Vec<(ProbeName, NodeName)>,
    ports: BTreeMap<Protocol, Vec<Port>>,
}

/// Makes the plan.
#[must_use]
pub fn plan(input: &PlanInput<'_>) -> NetworkPlan {
    let fences = Fences::compile(input.snapshot, input.profile);
    let mut not_tried = Vec::new();
    let checks: Vec<(&Check, NetworkParameters)> = input.suite.checks_with();
    let protocols: BTreeSet<Protocol> = checks.iter().flat_map(|(_, p)| p.protocols.iter().copied()).collect();
    let by_service = checks.iter().any(|(_, parameters)| parameters.by == Reach::Service);

    let targets = targets(input, &fences, &protocols, &mut not_tried);
    let mut plan = NetworkPlan {
        cases: Vec::new(),
        probes: Vec::new(),
        absent: BTreeMap::new(),
        endpoints: BTreeMap::new(),
        tries: Vec::new(),
        idle: Vec::new(),
        namespaces: input.namespaces.values().flatten().cloned().collect(),
        pods_represented: targets.iter().map(|target| target.class.pods.len()).sum(),
        not_tried,
        fences,
    };
    let classes: Vec<PodClass> = targets.iter().map(|target| target.class.clone()).collect();
    for namespace in &plan.namespaces {
        plan.idle.extend(idle_policies(namespace, &classes, input.snapshot));
    }
    add_probes(&mut plan, &targets, by_service, input);
    add_tries(&mut plan, &targets, by_service);
    for (check, parameters) in &checks {
        add_cases(&mut plan, &targets, check, parameters, input.tenancy);
    }
    plan
}

fn targets(
    input: &PlanInput<'_>,
    fences: &Fences,
    protocols: &BTreeSet<Protocol>,
    not_tried: &mut Vec<String>,
) -> Vec<Target> {
    let mut targets = Vec::new();
    for party in &input.tenancy.parties {
        for namespace in input.namespaces.get(&party.id).into_iter().flatten() {
            for class in classes(party, namespace, input.snapshot, fences) {
                let endpoint = endpoint_of(&class);
                let mut tried = BTreeMap::new();
                for protocol in protocols {
                    let (ports, left_out) = ports(&class, &endpoint, *protocol, input.tenancy, fences);
                    if !left_out.is_empty() {
                        not_tried.push(format!(
                            "{} {protocol} ports of {} beyond the first twelve that matter: {}",
                            left_out.len(),
                            class.end,
                            left_out.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                        ));
                    }
                    tried.insert(*protocol, ports);
                }
                let probes = input
                    .nodes
                    .iter()
                    .map(|node| (ProbeName::new(format!("{}@{node}", class.end)), node.clone()))
                    .collect();
                targets.push(Target { class, probes, ports: tried });
            }
        }
    }
    targets
}

fn endpoint_of(class: &PodClass) -> Endpoint {
    let mut endpoint = Endpoint::new(class.end.namespace.clone(), class.labels.clone());
    endpoint.ports = class
        .named_ports
        .iter()
        .map(|(name, protocol, port)| NamedPort { name: name.clone(), protocol: *protocol, port: *port })
        .collect();
    endpoint
}

fn add_probes(plan: &mut NetworkPlan, targets: &[Target], by_service: bool, input: &PlanInput<'_>) {
    let mut needs: BTreeMap<&Namespace, Needs> = BTreeMap::new();
    for target in targets {
        let need = needs.entry(&target.class.end.namespace).or_insert(Needs { pods: 0, services: 0 });
        need.pods += i64::try_from(target.probes.len()).unwrap_or(i64::MAX);
        need.services += i64::from(by_service);
    }
    let starved: BTreeMap<&Namespace, String> = needs
        .iter()
        .filter_map(|(namespace, need)| Some((*namespace, quota_obstacle(namespace, *need, input.snapshot)?)))
        .collect();
    for target in targets {
        let class = &target.class;
        let namespace = &class.end.namespace;
        let why_not = input
            .closed
            .get(namespace)
            .cloned()
            .or_else(|| starved.get(namespace).cloned())
            .or_else(|| obstacle(namespace, &class.labels, input.snapshot));
        for (index, (name, node)) in target.probes.iter().enumerate() {
            let ports = target.ports.iter().flat_map(|(protocol, ports)| ports.iter().map(|port| (*protocol, *port)));
            let spec = ProbeSpec {
                name: name.clone(),
                namespace: namespace.clone(),
                node: node.clone(),
                labels: class.labels.clone(),
                ports: ports
                    .map(|(protocol, port)| ProbePort {
                        protocol,
                        port,
                        name: class
                            .named_ports
                            .iter()
                            .find(|(_, p, n)| *p == protocol && *n == port)
                            .map(|(name, _, _)| name.clone()),
                    })
                    .collect(),
                // One Service for each class shows the way through a Service from every node.
                service: by_service && index == 0,
                identity: None,
            };
            let mut endpoint = endpoint_of(class);
            endpoint.node = Some(node.clone());
            endpoint.name = Some(format!("probe {name}"));
            plan.endpoints.insert(name.clone(), endpoint);
            match &why_not {
                None => plan.probes.push(spec),
                Some(why) => {
                    plan.absent.insert(name.clone(), (spec, why.clone()));
                }
            }
        }
    }
}

/// Every probe tries every other: what is no case's own is somebody's control case.
fn add_tries(plan: &mut NetworkPlan, targets: &[Target], by_service: bool) {
    for source in targets.iter().flat_map(|target| &target.probes) {
        for target in targets {
            for (index, probe) in target.probes.iter().enumerate() {
                let placement = placement(source, probe);
                for (protocol, port) in target.ports.iter().flat_map(|(p, ports)| ports.iter().map(|n| (*p, *n))) {
                    for reach in [Reach::PodIp, Reach::Service] {
                        // A connection of a pod to itself through a Service is left out: engines differ on it.
                        let tried = match reach {
                            Reach::PodIp => true,
                            Reach::Service => by_service && index == 0 && placement != Placement::Itself,
                        };
                        if tried {
                            plan.tries.push(TryPlan {
                                key: key(&source.0, &probe.0, reach, protocol, port),
                                connection: Connection {
                                    from: source.0.clone(),
                                    to: probe.0.clone(),
                                    reach,
                                    protocol,
                                    port,
                                    placement,
                                },
                            });
                        }
                    }
                }
            }
        }
    }
}

fn placement(source: &(ProbeName, NodeName), target: &(ProbeName, NodeName)) -> Placement {
    if source.0 == target.0 {
        Placement::Itself
    } else if source.1 == target.1 {
        Placement::SameNode
    } else {
        Placement::OtherNode
    }
}

fn key(from: &ProbeName, to: &ProbeName, reach: Reach, protocol: Protocol, port: Port) -> String {
    let way = match reach {
        Reach::PodIp => "pod-ip",
        Reach::Service => "service",
    };
    format!("{from} > {to} {way} {protocol}/{port}")
}

fn add_cases(
    plan: &mut NetworkPlan,
    targets: &[Target],
    check: &Check,
    parameters: &NetworkParameters,
    tenancy: &Tenancy,
) {
    let reachable = match parameters.by {
        Reach::Service => reachable_by_service(plan, targets, parameters),
        Reach::PodIp => BTreeSet::new(),
    };
    for source in targets {
        for (index, target) in targets.iter().enumerate() {
            if !in_scope(tenancy, &source.class, &target.class, parameters) {
                continue;
            }
            for protocol in &parameters.protocols {
                for port in target.ports.get(protocol).into_iter().flatten() {
                    let Some((access, because)) = declared(tenancy, &source.class, &target.class, *protocol, *port)
                    else {
                        continue;
                    };
                    let shown = parameters.by == Reach::PodIp || reachable.contains(&(index, *protocol, *port));
                    if access == parameters.expect && shown {
                        add_case(plan, (source, target), check, parameters, (*protocol, *port), &because);
                    }
                }
            }
        }
    }
}

/// The classes and ports whose Service can be seen to forward: somebody must be allowed to reach it.
/// Where nobody is, the pod's own address proves the same fence, and the Service would prove nothing.
fn reachable_by_service(
    plan: &mut NetworkPlan,
    targets: &[Target],
    parameters: &NetworkParameters,
) -> BTreeSet<(usize, Protocol, Port)> {
    let mut reachable = BTreeSet::new();
    let mut mute: Vec<String> = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        let Some((name, to)) = target.probes.first().and_then(|(name, _)| Some((name, plan.endpoints.get(name)?)))
        else {
            continue;
        };
        let sources: Vec<&Endpoint> =
            plan.endpoints.iter().filter(|(source, _)| *source != name).map(|(_, endpoint)| endpoint).collect();
        let ports = target.ports.iter().filter(|(protocol, _)| parameters.protocols.contains(protocol));
        for (protocol, port) in ports.flat_map(|(p, ports)| ports.iter().map(|n| (*p, *n))) {
            if sources.iter().any(|from| plan.fences.decide(from, to, protocol, port).answer != Answer::Denied) {
                reachable.insert((index, protocol, port));
            } else {
                mute.push(format!("{} {protocol} {port}", target.class.end));
            }
        }
    }
    if !mute.is_empty() {
        let note = format!(
            "{} targets by their Service: the policies let nobody reach them there, so nothing would show that it \
             forwards; by their own address they are tried: {}",
            mute.len(),
            mute.join(", ")
        );
        if !plan.not_tried.contains(&note) {
            plan.not_tried.push(note);
        }
    }
    reachable
}

fn add_case(
    plan: &mut NetworkPlan,
    (source, target): (&Target, &Target),
    check: &Check,
    parameters: &NetworkParameters,
    (protocol, port): (Protocol, Port),
    because: &str,
) {
    let (from, to) = (&source.class.end, &target.class.end);
    for placement in [Placement::SameNode, Placement::OtherNode] {
        let reached = match parameters.by {
            Reach::PodIp => &target.probes[..],
            Reach::Service => target.probes.get(..1).unwrap_or_default(),
        };
        let tries: Vec<String> = source
            .probes
            .iter()
            .flat_map(|s| reached.iter().map(move |t| (s, t)))
            .filter(|(s, t)| self::placement(s, t) == placement)
            .map(|(s, t)| key(&s.0, &t.0, parameters.by, protocol, port))
            .collect();
        if tries.is_empty() {
            continue;
        }
        let way = match parameters.by {
            Reach::PodIp => "by the pod's address",
            Reach::Service => "by a Service",
        };
        let verb = match parameters.expect {
            Access::Allowed => "reaches",
            Access::Denied => "does not reach",
        };
        let place = match placement {
            Placement::SameNode => "on the same node",
            Placement::OtherNode | Placement::Itself => "from another node",
        };
        let ask = Ask {
            from: from.clone(),
            to: to.clone(),
            reach: parameters.by,
            protocol,
            port,
            placement,
            declared: because.to_owned(),
            tries,
        };
        plan.cases.push(Case {
            id: CaseId::new(format!(
                "{}:{from}>{to}:{}-{port}:{}",
                check.id,
                protocol.as_str().to_lowercase(),
                placement.as_str()
            )),
            check: check.id.clone(),
            family: Family::new("network"),
            title: format!("{from} {verb} {to} on {protocol} {port} {way} {place}"),
            from: source.class.party.clone(),
            to: target.class.party.clone(),
            expect: parameters.expect,
            ask: serde_json::to_value(&ask).unwrap_or_default(),
        });
    }
}

/// Whether a check covers a pair. A declared flow inside a closed party is a flow like any other.
fn in_scope(tenancy: &Tenancy, source: &PodClass, target: &PodClass, parameters: &NetworkParameters) -> bool {
    let inside = (source.party == target.party)
        .then(|| tenancy.party(&source.party).map_or(Internal::Unjudged, |party| party.internal));
    match (parameters.scope, parameters.expect) {
        (Scope::CrossTenant, Access::Denied) => inside.is_none(),
        (Scope::CrossTenant, Access::Allowed) => matches!(inside, None | Some(Internal::Closed)),
        (Scope::Internal, Access::Allowed) => inside == Some(Internal::Open),
        (Scope::Internal, Access::Denied) => inside == Some(Internal::Closed),
    }
}

/// What the tenancy says of a connection; `None` where it promises nothing.
fn declared(
    tenancy: &Tenancy,
    source: &PodClass,
    target: &PodClass,
    protocol: Protocol,
    port: Port,
) -> Option<(Access, String)> {
    if source.party == target.party {
        match tenancy.party(&source.party).map(|party| party.internal)? {
            Internal::Unjudged => return None,
            Internal::Open => return Some((Access::Allowed, format!("{} is open inside", source.party))),
            Internal::Closed => {}
        }
    }
    let covering = tenancy.flows.iter().find(|flow| {
        covers(&flow.from, source) && covers(&flow.to, target) && flow.ports.iter().any(|p| p.covers(protocol, port))
    });
    Some(match covering {
        Some(flow) => (Access::Allowed, describe(flow, tenancy)),
        None => (Access::Denied, "no declared flow allows it".to_owned()),
    })
}

fn covers(peer: &FlowPeer, class: &PodClass) -> bool {
    peer.party == class.party && (peer.roles.is_empty() || peer.roles.iter().any(|role| class.end.roles.contains(role)))
}

fn describe(flow: &Flow, tenancy: &Tenancy) -> String {
    let name = |peer: &FlowPeer| {
        let kind = match tenancy.party(&peer.party).map(|party| party.kind) {
            Some(PartyKind::Shared) => "shared ",
            _ => "",
        };
        let roles: Vec<&str> = peer.roles.iter().map(crate::model::RoleName::as_str).collect();
        if roles.is_empty() {
            format!("{kind}{}", peer.party)
        } else {
            format!("{kind}{} ({})", peer.party, roles.join(", "))
        }
    };
    format!("the flow from {} to {}", name(&flow.from), name(&flow.to))
}

#[cfg(test)]
mod tests;
