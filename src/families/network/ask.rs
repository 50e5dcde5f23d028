//! What a case of this family asks.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parameters::Reach;
use crate::model::{ControlStrength, Namespace, Port, Protocol, RoleName};
use crate::plan::ProbeName;

/// A connection between two classes of pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ask {
    /// Who connects.
    pub from: PodEnd,
    /// To whom.
    pub to: PodEnd,
    /// By which way.
    pub reach: Reach,
    /// With which protocol.
    pub protocol: Protocol,
    /// To which port.
    pub port: Port,
    /// From where, seen from the target.
    pub placement: Placement,
    /// The declared flow that allows it, or why it is forbidden.
    pub declared: String,
    /// The tries whose observations decide it.
    pub tries: Vec<String>,
}

/// One end: a class of pods that no policy and no flow can tell apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PodEnd {
    /// Their namespace.
    pub namespace: Namespace,
    /// Their roles; empty for pods without a declared one.
    pub roles: Vec<RoleName>,
    /// What tells this class from others with the same roles; empty where there are none.
    pub variant: String,
}

impl fmt::Display for PodEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.namespace)?;
        if self.roles.is_empty() {
            f.write_str("any")?;
        }
        for (index, role) in self.roles.iter().enumerate() {
            write!(f, "{}{role}", if index == 0 { "" } else { "+" })?;
        }
        if self.variant.is_empty() { Ok(()) } else { write!(f, "~{}", self.variant) }
    }
}

/// One connection between two probes, as it is planned and as it is seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The probe that tries.
    pub from: ProbeName,
    /// The probe to be reached.
    pub to: ProbeName,
    /// By which way.
    pub reach: Reach,
    /// With which protocol.
    pub protocol: Protocol,
    /// To which port.
    pub port: Port,
    /// Where the source runs, seen from the target.
    pub placement: Placement,
}

/// Where the source runs, seen from the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// It is the target: its own address.
    Itself,
    /// On the same node.
    SameNode,
    /// On another node.
    OtherNode,
}

impl Placement {
    /// As it stands in case ids and titles.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Itself => "itself",
            Self::SameNode => "same-node",
            Self::OtherNode => "other-node",
        }
    }

    /// How strong a control case from there is.
    pub(super) const fn strength(self) -> ControlStrength {
        match self {
            Self::Itself => ControlStrength::OwnAddress,
            Self::SameNode => ControlStrength::SameNode,
            Self::OtherNode => ControlStrength::AcrossNodes,
        }
    }
}
