//! Ways to credentials that must lead nowhere.

use super::{Bench, brought, refused};
use crate::families::identity::seen::{Phase, Way};
use crate::families::ruling::{Ruling, broken, holds, inconclusive, skipped};
use crate::probe::wire::cloud::{NetworkFault, Provider, Refusal, SourceAnswer, SourceOutcome};

const CONTROL: &str = "let the service account get its credentials first: see the case of identity.credentials";

impl Bench<'_> {
    /// A token of another audience gets nothing.
    pub(super) fn wrong_audience(&self, evidence: &mut Vec<String>) -> Ruling {
        let account = &self.ask.account;
        let what = |refusal: &str| format!("the agent refused a token of another audience: {refusal}");
        self.refused_by_agent(Way::OwnToken, evidence, &[Refusal::ForeignToken, Refusal::AccessDenied], what, || {
            broken(
                "takes-any-audience",
                format!("a token of another audience got {account} credentials"),
                format!("tokens of {account} that are meant for somebody else are taken for credentials of AWS"),
                "EKS refuses these: see what answers in the agent's place".to_owned(),
            )
        })
    }

    /// The agent answers by its own address alone.
    pub(super) fn agent_address(&self, evidence: &mut Vec<String>) -> Ruling {
        let account = &self.ask.account;
        let what = |refusal: &str| format!("the agent refused: {refusal}");
        self.refused_by_agent(Way::OtherHost, evidence, &[Refusal::Address], what, || {
            broken(
                "any-address",
                format!("the agent gave {account} credentials though it was asked by another name"),
                "the agent answers whoever reaches it by any name: a page in a browser, or a proxy, can ask it"
                    .to_owned(),
                "run the agent of EKS in a version that looks at the Host header".to_owned(),
            )
        })
    }

    /// An attack on the agent, beside the agent's answer to the same pod when it asks as it should.
    fn refused_by_agent(
        &self,
        from: Way,
        evidence: &mut Vec<String>,
        right: &[Refusal],
        what: impl Fn(&str) -> String,
        given: impl Fn() -> Ruling,
    ) -> Ruling {
        let account = &self.ask.account;
        let attack = self.fetch(&self.ask.probe, Phase::During, from, evidence);
        let chain = self.fetch(&self.ask.probe, Phase::During, Way::Chain, evidence);
        let (Some(attack), Some(chain)) = (attack, chain) else {
            return inconclusive("not-seen", format!("nothing was seen of what {account} tried"), "run again");
        };
        match &attack.outcome {
            SourceOutcome::Given => given(),
            SourceOutcome::NotConfigured => skipped(
                "no-agent",
                format!("pods of {account} are not told of an agent: they get credentials by another way, or none"),
                "nothing: this check is about EKS Pod Identity",
            ),
            SourceOutcome::Refused(refusal) if right.contains(refusal) => {
                if is_given_by(chain, Provider::Container) {
                    return holds(format!(
                        "{}, while it gave the same pod credentials for its own",
                        what(refused(*refusal))
                    ));
                }
                let reason =
                    format!("the agent refused, but gave {account} nothing either: {}", brought(&chain.outcome));
                inconclusive("control-missing", reason, CONTROL)
            }
            other => unclear(account, other),
        }
    }

    /// A service account without an association gets nothing, even where its pod asks the agent by itself.
    pub(super) fn no_association(&self, evidence: &mut Vec<String>) -> Ruling {
        let account = &self.ask.account;
        let probe = &self.ask.probe;
        let asked = self.fetch(probe, Phase::During, Way::OwnToken, evidence);
        let chain = self.fetch(probe, Phase::During, Way::Chain, evidence);
        let (Some(asked), Some(chain)) = (asked, chain) else {
            return inconclusive("not-seen", format!("nothing was seen of what {account} tried"), "run again");
        };
        for (fetch, from) in [(asked, Way::OwnToken), (chain, Way::Chain)] {
            if !is_given_by(fetch, Provider::Container) && !is_given_by(fetch, Provider::WebIdentity) {
                continue;
            }
            let whose = match self.session(probe, from, evidence) {
                Ok(session) => format!("of {session}"),
                Err(_) => "of a role that STS was not heard to name".to_owned(),
            };
            return broken(
                "unexpected-association",
                format!("{account}, which the tenancy gives nothing, got credentials {whose}"),
                format!("{account} is associated with a role: every pod that names no service account gets it"),
                "delete the association, or name the service account in the tenancy".to_owned(),
            );
        }
        match &asked.outcome {
            SourceOutcome::Refused(Refusal::NoAssociation) => {}
            other => return unclear(account, other),
        }
        let fallen_back = match chain.outcome {
            SourceOutcome::Given => format!("; by itself it gets {}: see identity.instance-metadata", by(chain)),
            _ => String::new(),
        };
        let is_answered = |evidence: &mut Vec<String>| {
            self.ask.others.iter().any(|other| {
                let fetch = self.fetch(other, Phase::During, Way::Chain, evidence);
                fetch.is_some_and(|fetch| is_given_by(fetch, Provider::Container))
            })
        };
        if !is_answered(evidence) {
            let reason = format!("the agent refused {account}, but gave nobody else credentials either");
            return inconclusive("control-missing", reason, CONTROL);
        }
        holds(format!(
            "the agent refused {account}, which asked with a token of its own, and gave others theirs{fallen_back}"
        ))
    }

    /// The instance does not tell a pod of the node's role.
    pub(super) fn instance_metadata(&self, evidence: &mut Vec<String>) -> Ruling {
        let account = &self.ask.account;
        let mut closed = Vec::new();
        let mut answered = false;
        let mut open = None;
        for (from, family) in [(Way::Instance, "IPv4"), (Way::InstanceV6, "IPv6")] {
            let Some(fetch) = self.fetch(&self.ask.probe, Phase::During, from, evidence) else {
                return inconclusive("not-seen", format!("nothing was seen of what {account} tried"), "run again");
            };
            let said = brought(&fetch.outcome);
            match &fetch.outcome {
                SourceOutcome::Named | SourceOutcome::Given => {
                    let role = fetch.role.as_deref().unwrap_or("not named");
                    return broken(
                        "node-role",
                        format!("a pod of {account} was told of the node's role {role} by {family}: its keys were there for the asking"),
                        format!("pods of {account} reach the metadata of their instance, and with it the role {role}"),
                        "set the hop limit of the instances' metadata to 1 and require its version 2, or refuse \
                         169.254.169.254 and fd00:ec2::254 to pods by a NetworkPolicy; give the node's role as little as may be"
                            .to_owned(),
                    );
                }
                SourceOutcome::NoRole => {
                    answered = true;
                    closed.push(format!("{family}: it answers, and has no role"));
                }
                SourceOutcome::Refused(Refusal::Busy) => open = Some(format!("{family}: {said}")),
                SourceOutcome::Refused(refusal) => {
                    // Other clouds answer at that address, too: these are the words of an instance's metadata alone.
                    answered |= *refusal == Refusal::TokenRequired;
                    closed.push(format!("{family}: {said}"));
                }
                SourceOutcome::Network(fault) if keeps_out(*fault, from) => closed.push(format!("{family}: {said}")),
                _ => open = Some(format!("{family}: {said}")),
            }
        }
        if let Some(said) = open {
            let reason = format!("whether a pod of {account} reaches the metadata is not known: {said}");
            return inconclusive("unclear", reason, "run again");
        }
        let there = match &self.ask.instance {
            _ if answered => "it answers".to_owned(),
            Some(instance) => format!("its node is the instance {instance}"),
            None => {
                return skipped(
                    "no-instance",
                    format!(
                        "a pod of {account} was told of no role ({}), and its node is no EC2 instance: there may be no metadata \
                         at all",
                        closed.join("; ")
                    ),
                    "nothing on such a node: this check is about instances of EC2",
                );
            }
        };
        let chain = self.fetch(&self.ask.probe, Phase::During, Way::Chain, evidence);
        let reached =
            chain.filter(|chain| is_given_by(chain, Provider::Container) || is_given_by(chain, Provider::WebIdentity));
        if reached.is_none() {
            let reason = format!("a pod of {account} reached no metadata, but no other provider of credentials either");
            return inconclusive("control-missing", reason, CONTROL);
        }
        holds(format!(
            "a pod of {account} was told of no role ({}; {there}), while it was given its own credentials",
            closed.join("; ")
        ))
    }
}

fn is_given_by(fetch: &SourceAnswer, provider: Provider) -> bool {
    fetch.outcome == SourceOutcome::Given && fetch.provider == Some(provider)
}

fn by(fetch: &SourceAnswer) -> String {
    match fetch.provider {
        Some(Provider::Instance) => "the role of the node".to_owned(),
        Some(Provider::Environment) => "keys of its environment".to_owned(),
        _ => "credentials".to_owned(),
    }
}

/// Whether a fault is what an address looks like that keeps a pod out. A pod without IPv6 has no socket for it at all.
const fn keeps_out(fault: NetworkFault, from: Way) -> bool {
    match fault {
        NetworkFault::Timeout | NetworkFault::Refused | NetworkFault::NoRoute | NetworkFault::Closed => true,
        NetworkFault::Local => matches!(from, Way::InstanceV6),
        _ => false,
    }
}

fn unclear(account: &str, outcome: &SourceOutcome) -> Ruling {
    let reason = format!("what {account} tried was neither granted nor refused as it should be: {}", brought(outcome));
    inconclusive("unclear", reason, "see what the agent on the node says in its log, and run again")
}
