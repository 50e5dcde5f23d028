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
            remedy: "see that the CNI enforces NetworkPolicies at all and on these nodes (its agent runs, its policy \
                     support is switched on), and that it supports what the named policy uses, such as named ports"
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
            .filter(|policy| policy.namespace == to.namespace && policy.isolates_ingress)
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
            SideSeen::NoPolicy => ", and none fences the egress of its sources",
            _ => "; the egress of its sources is allowed",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::network::Reach;
    use crate::families::network::seen::IdlePolicy;
    use crate::families::network::{Placement, PodEnd};
    use crate::model::{Namespace, Port, Protocol};
    use rstest::rstest;

    fn ask() -> Ask {
        let end = |namespace: &str| PodEnd {
            namespace: Namespace::new(namespace),
            roles: Vec::new(),
            variant: String::new(),
        };
        Ask {
            from: end("a"),
            to: end("b"),
            reach: Reach::PodIp,
            protocol: Protocol::Tcp,
            port: Port::new(80).unwrap(),
            placement: Placement::SameNode,
            declared: String::new(),
            tries: Vec::new(),
        }
    }

    fn idle(namespace: &str, isolates_ingress: bool, nearest: Option<&str>) -> Vec<IdlePolicy> {
        vec![IdlePolicy {
            namespace: Namespace::new(namespace),
            name: "web".to_owned(),
            selector: "role=wbe".to_owned(),
            nearest: nearest.map(str::to_owned),
            isolates_ingress,
        }]
    }

    #[rstest]
    #[case::no_policy(
        Stance::Allowed,
        SideSeen::NoPolicy,
        Vec::new(),
        "policy-missing",
        "no NetworkPolicy in namespace b"
    )]
    #[case::misspelt(
        Stance::Allowed,
        SideSeen::NoPolicy,
        idle("b", true, Some("role=web")),
        "policy-selects-nothing",
        "b/web selects role=wbe (did you mean role=web?)"
    )]
    #[case::nothing_near(
        Stance::Allowed,
        SideSeen::NoPolicy,
        idle("b", true, None),
        "policy-selects-nothing",
        "b/web selects role=wbe"
    )]
    #[case::an_idle_policy_elsewhere(
        Stance::Allowed,
        SideSeen::NoPolicy,
        idle("a", true, None),
        "policy-missing",
        "no NetworkPolicy in namespace b"
    )]
    #[case::an_idle_policy_for_egress_only(
        Stance::Allowed,
        SideSeen::NoPolicy,
        idle("b", false, None),
        "policy-missing",
        "no NetworkPolicy in namespace b"
    )]
    #[case::too_wide(
        Stance::Allowed,
        SideSeen::Allowed,
        idle("b", true, None),
        "policy-too-wide",
        "b/fence allows it by ingress rule 2"
    )]
    #[case::not_enforced(Stance::Denied, SideSeen::Denied, Vec::new(), "not-enforced", "the CNI lets it pass")]
    #[case::not_modelled(Stance::Unknown, SideSeen::Unknown, Vec::new(), "not-modelled", "unknown")]
    fn a_leak_has_the_cause_that_its_columns_tell(
        #[case] stance: Stance,
        #[case] ingress: SideSeen,
        #[case] idle: Vec<IdlePolicy>,
        #[case] kind: &str,
        #[case] words: &str,
    ) {
        let because = "b/fence allows it by ingress rule 2 (TCP 80).".to_owned();
        let computed = Computed { stance, because, egress: SideSeen::NoPolicy, ingress };
        let cause = of_leak(&ask(), &computed, &Seen { idle, ..Seen::default() });
        assert_eq!(cause.kind, kind, "the kind should follow from the columns: {}", cause.sentence);
        assert!(cause.sentence.contains(words), "the cause should say {words:?}: {}", cause.sentence);
        assert!(!cause.remedy.is_empty(), "{kind} should have a remedy");
    }

    #[rstest]
    #[case::too_strict(Stance::Denied, Vec::new(), "policy-too-strict", "the policies deny it")]
    #[case::with_an_idle_policy_at_either_end(
        Stance::Denied,
        idle("a", false, None),
        "policy-too-strict",
        "a policy selects no pod: a/web selects role=wbe"
    )]
    #[case::by_something_else(Stance::Allowed, Vec::new(), "blocked-by-engine", "something else blocks it")]
    #[case::not_modelled(Stance::Unknown, Vec::new(), "not-modelled", "unknown")]
    fn a_block_has_the_cause_that_its_columns_tell(
        #[case] stance: Stance,
        #[case] idle: Vec<IdlePolicy>,
        #[case] kind: &str,
        #[case] words: &str,
    ) {
        let (egress, ingress) = (SideSeen::NoPolicy, SideSeen::Denied);
        let computed = Computed { stance, because: "b/fence isolates it.".to_owned(), egress, ingress };
        let cause = of_block(&ask(), &computed, &Seen { idle, ..Seen::default() });
        assert_eq!(cause.kind, kind, "the kind should follow from the columns: {}", cause.sentence);
        assert!(cause.sentence.contains(words), "the cause should say {words:?}: {}", cause.sentence);
    }
}
