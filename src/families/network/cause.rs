//! What is wrong, by name: the policy that is missing, wrong or idle, or an engine that does not
//! enforce.

use super::ask::Ask;
use super::seen::{Computed, Seen, SideSeen};
use crate::families::{Cause, Stance};

/// Why a connection passes that should not.
pub(super) fn of_leak(ask: &Ask, computed: &Computed, seen: &Seen) -> Cause {
    match computed.stance {
        Stance::Denied => Cause {
            kind: "not-enforced".to_owned(),
            sentence: format!("the policies deny it, and the CNI lets it pass: {}", computed.because),
            remedy: "see that the CNI enforces NetworkPolicies at all and on these nodes: its agent runs, its policy \
                     support is switched on"
                .to_owned(),
        },
        Stance::Unknown => Cause {
            kind: "not-modelled".to_owned(),
            sentence: format!("what the policies say is unknown: {}", computed.because),
            remedy: "read the policy that is named; it does not fence this connection".to_owned(),
        },
        Stance::Allowed => allowed(ask, computed, seen),
    }
}

fn allowed(ask: &Ask, computed: &Computed, seen: &Seen) -> Cause {
    let (from, to) = (&ask.from, &ask.to);
    if computed.ingress == SideSeen::NoPolicy {
        let idle: Vec<String> = seen
            .idle
            .iter()
            .filter(|policy| policy.namespace == to.namespace)
            .map(|policy| {
                let nearest = policy.nearest.as_ref().map(|n| format!(" (did you mean {n}?)")).unwrap_or_default();
                format!("{}/{} selects {}{nearest}", policy.namespace, policy.name, policy.selector)
            })
            .collect();
        if !idle.is_empty() {
            return Cause {
                kind: "policy-selects-nothing".to_owned(),
                sentence: format!(
                    "no NetworkPolicy fences the ingress of {to}; one there selects no pod at all: {}",
                    idle.join("; ")
                ),
                remedy: "correct the podSelector of the policy that is named".to_owned(),
            };
        }
        let egress = match computed.egress {
            SideSeen::NoPolicy => format!(", and none fences the egress of {from}"),
            _ => format!("; the egress of {from} is allowed"),
        };
        return Cause {
            kind: "policy-missing".to_owned(),
            sentence: format!("no NetworkPolicy in namespace {} fences the ingress of {to}{egress}", to.namespace),
            remedy: format!(
                "add a NetworkPolicy to namespace {} that selects all pods, with policyTypes [Ingress, Egress] and no \
                 rules, and then allow the declared flows",
                to.namespace
            ),
        };
    }
    Cause {
        kind: "policy-too-wide".to_owned(),
        sentence: format!("the policies allow it: {}", computed.because),
        remedy: format!("narrow the rule that is named, so that it no longer matches {from}"),
    }
}

/// Why a connection does not pass that should.
pub(super) fn of_block(ask: &Ask, computed: &Computed, seen: &Seen) -> Cause {
    let (from, to) = (&ask.from, &ask.to);
    match computed.stance {
        Stance::Denied => {
            let idle: Vec<String> = seen
                .idle
                .iter()
                .filter(|policy| policy.namespace == to.namespace || policy.namespace == from.namespace)
                .map(|policy| format!("{}/{} selects {}", policy.namespace, policy.name, policy.selector))
                .collect();
            let hint =
                if idle.is_empty() { String::new() } else { format!("; a policy selects no pod: {}", idle.join("; ")) };
            Cause {
                kind: "policy-too-strict".to_owned(),
                sentence: format!("the policies deny it: {}{hint}", computed.because),
                remedy: format!(
                    "allow {} {} from {from} to {to} in the policies that are named",
                    ask.protocol, ask.port
                ),
            }
        }
        Stance::Allowed => Cause {
            kind: "blocked-by-engine".to_owned(),
            sentence: format!("the policies allow it, and something else blocks it: {}", computed.because),
            remedy: "look for what fences besides NetworkPolicies: a mesh, a security group, a cluster-wide policy, a \
                     node's firewall"
                .to_owned(),
        },
        Stance::Unknown => Cause {
            kind: "not-modelled".to_owned(),
            sentence: format!("what the policies say is unknown: {}", computed.because),
            remedy: "read the policy that is named; it may fence this connection".to_owned(),
        },
    }
}

/// A cause of an inconclusive verdict.
pub(super) fn not_proved(kind: &str, sentence: String, remedy: &str) -> Cause {
    Cause { kind: kind.to_owned(), sentence, remedy: remedy.to_owned() }
}
