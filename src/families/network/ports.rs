//! Which ports are tried at a class: those at which something could decide differently.

use std::collections::BTreeSet;

use super::classes::PodClass;
use crate::model::{Port, Protocol};
use crate::semantics::network::{Endpoint, Fences};
use crate::tenancy::Tenancy;

/// At most this many ports of one protocol at one class; the rest is named as not tried.
const AT_MOST: usize = 12;
/// Where this port is nobody's, it stands for all ports that nothing names.
const ANY_OTHER: u16 = 28_657;

/// The ports of one protocol to try at a class, and those left out.
pub(super) fn ports(
    class: &PodClass,
    endpoint: &Endpoint,
    protocol: Protocol,
    tenancy: &Tenancy,
    fences: &Fences,
) -> (Vec<Port>, Vec<Port>) {
    let flows = tenancy.flows.iter().filter(|flow| {
        flow.to.party == class.party
            && (flow.to.roles.is_empty() || flow.to.roles.iter().any(|role| class.end.roles.contains(role)))
    });
    let promised = flows.flat_map(|flow| &flow.ports).filter(|port| port.protocol == protocol);
    let mut wanted: Vec<Port> = promised.flat_map(|port| [Some(port.port), port.end_port]).flatten().collect();
    wanted.extend(class.container_ports.iter().filter(|(p, _)| *p == protocol).map(|(_, port)| *port));
    wanted.extend(fences.ports_of_interest(endpoint, protocol));
    let mut seen = BTreeSet::new();
    wanted.retain(|port| seen.insert(*port));
    let left_out = if wanted.len() > AT_MOST { wanted.split_off(AT_MOST) } else { Vec::new() };
    wanted.extend((ANY_OTHER..=u16::MAX).filter_map(Port::new).find(|port| !seen.contains(port)));
    wanted.sort_unstable();
    (wanted, left_out)
}
