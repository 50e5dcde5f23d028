//! What was seen: the observations of this family, whole. Judging them again gives the same verdicts.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::Connection;
use crate::families::Stance;
use crate::model::{Namespace, NodeName};
use crate::plan::ProbeName;
use crate::probe::wire::Attempt;

/// The observations of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The probes, by their names.
    pub probes: BTreeMap<ProbeName, ProbeSeen>,
    /// The tries, by their keys.
    pub tries: BTreeMap<String, TrySeen>,
    /// Namespaces whose NetworkPolicies changed while connections were tried.
    pub changed: BTreeSet<Namespace>,
    /// Namespaces whose NetworkPolicies could not be read again after the tries, and why: whether they
    /// changed is not known.
    pub unconfirmed: BTreeMap<Namespace, String>,
    /// Policies whose podSelector selects no pod: they fence nothing, and are often misspelt.
    pub idle: Vec<IdlePolicy>,
    /// What was seen while the fences of the new probes were still being attached; never judged.
    pub settling: Settling,
}

/// A NetworkPolicy that selects nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdlePolicy {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: String,
    /// Its podSelector, in kubectl's notation.
    pub selector: String,
    /// The nearest labels that pods there do carry, where there are any near.
    pub nearest: Option<String>,
    /// Whether it would fence what pods receive: one for egress alone explains no open ingress.
    pub isolates_ingress: bool,
}

/// How long the fences of the new probes took to attach, as far as it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settling {
    /// Rounds that were tried and not judged.
    pub rounds: u32,
    /// Milliseconds from the first of them to the end of the last.
    pub millis: u64,
    /// Whether the last of them agreed with what the policies say, or with the round before.
    pub settled: bool,
    /// Tries that got through at first and no longer did in the last of these rounds.
    pub open_at_first: Vec<String>,
}

/// A probe, as it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSeen {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its node.
    pub node: NodeName,
    /// The labels that it wore, besides tenantproof's own.
    pub labels: BTreeMap<String, String>,
    /// Its pod.
    pub pod: String,
    /// Its address.
    pub address: String,
    /// Why it could not be made or heard; `None` where all went well.
    pub fault: Option<String>,
}

/// One try: all attempts of one probe at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrySeen {
    /// What was tried; in JSON its fields are this one's.
    #[serde(flatten)]
    pub connection: Connection,
    /// What the policies say of it.
    pub computed: Computed,
    /// Each attempt, over all judged rounds.
    pub attempts: Vec<Attempt>,
    /// How often the target's own record has this try arriving; `None` where the target told nothing.
    pub arrivals: Option<u32>,
    /// Why nothing is known of it; `None` where all went well.
    pub fault: Option<String>,
}

/// What the policies say of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computed {
    /// Allowed, denied or unknown.
    pub stance: Stance,
    /// One sentence that names policies and rules.
    pub because: String,
    /// What holds for the source's egress.
    pub egress: SideSeen,
    /// What holds for the target's ingress.
    pub ingress: SideSeen,
}

/// What one direction's policies say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SideSeen {
    /// No policy selects the pod: everything passes.
    NoPolicy,
    /// A policy's rule allows it, or the specification does without a policy.
    Allowed,
    /// Policies select the pod and none allows it.
    Denied,
    /// It can't be told.
    Unknown,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::TrySeen;

    /// `run.json` is read by others: how the fields are grouped here must not show there.
    #[test]
    fn a_try_is_flat_in_json() {
        let side = "no-policy";
        let written = json!({
            "from": "a/any@one", "to": "b/any@two", "reach": "pod-ip", "protocol": "TCP", "port": 8080,
            "placement": "other-node",
            "computed": {"stance": "allowed", "because": "no policy", "egress": side, "ingress": side},
            "attempts": [{"outcome": "connected", "at_ms": 1, "micros": 1}], "arrivals": 1, "fault": null,
        });
        let seen: TrySeen = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(seen).unwrap(), written);
    }
}
