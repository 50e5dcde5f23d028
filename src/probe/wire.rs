//! Orders to a probe, and its answers. Orders come in an annotation that a downward API volume
//! shows to the probe; answers go out by its log.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::model::{Port, Protocol};

/// What a probe shall do. Written as JSON into the annotation [`ORDERS_ANNOTATION`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// Counts up; a probe carries out each round once, and acknowledges it first.
    pub round: u32,
    /// What to do in this round.
    pub step: Step,
}

/// The annotation that holds a probe's [`Orders`].
pub const ORDERS_ANNOTATION: &str = "tenantproof.dev/orders";

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Try all targets, concurrently, and answer once with [`Answer`]s.
    Try(Tries),
    /// Tell who arrived so far: answer with [`Arrival`]s. Asked once every client has answered, so
    /// that an arrival that was never recorded did not happen.
    Tally,
}

/// Targets, and how to try them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// Attempts for each target, each a new connection (or a new UDP socket).
    pub attempts: u8,
    /// Milliseconds between the starts of two attempts at one target.
    pub gap_ms: u32,
    /// Milliseconds after which an attempt is a timeout.
    pub timeout_ms: u32,
    /// The targets.
    pub targets: Vec<Target>,
}

/// A target: an address, a port, and who should answer there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Unique among the targets of one probe in a run; comes back in the answer.
    #[serde(rename = "i")]
    pub id: u32,
    /// The protocol.
    #[serde(rename = "p")]
    pub protocol: Protocol,
    /// An IP address, or a DNS name.
    #[serde(rename = "a")]
    pub address: String,
    /// The port.
    #[serde(rename = "n")]
    pub port: Port,
    /// The name of the probe that listens there; anybody else who answers is the wrong peer.
    #[serde(rename = "w")]
    pub who: String,
}

/// What a probe answers to one round, framed in its log by [`super::frame`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The round that it answers.
    pub round: u32,
    /// The probe's name.
    pub probe: String,
    /// One for each target of a `Try` round.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// Who arrived, for a `Tally` round.
    #[serde(default)]
    pub arrivals: Vec<Arrival>,
    /// The state of the probe's own listeners.
    #[serde(default)]
    pub listeners: Vec<Listener>,
}

/// What became of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The target's id.
    pub id: u32,
    /// Each attempt in its order.
    pub attempts: Vec<Attempt>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What came back.
    pub outcome: Outcome,
    /// Microseconds until it came.
    pub micros: u64,
}

/// What came back from an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The expected peer answered with the nonce that it was sent.
    Connected,
    /// Something answered that is not the expected peer.
    WrongPeer,
    /// Nothing came in time.
    Timeout,
    /// Connection refused (for UDP: an ICMP port unreachable came back).
    Refused,
    /// The connection was reset.
    Reset,
    /// No route to the host or network, or administratively prohibited.
    NoRoute,
    /// The name could not be resolved.
    Dns,
    /// The kernel has no such protocol.
    Unsupported,
    /// The probe itself failed, with its reason: nothing is known of the target.
    ProbeError(String),
}

/// Who arrived at a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The listener's protocol.
    pub protocol: Protocol,
    /// The listener's port.
    pub port: Port,
    /// The probe that came, as its nonce says; `None` for anybody else, or where the connection
    /// opened and no nonce followed.
    pub probe: Option<String>,
    /// The id of the target that it was trying.
    pub target: Option<u32>,
    /// The address from which it came, as seen here.
    pub from: IpAddr,
    /// How often.
    pub count: u32,
}

/// The state of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Its protocol.
    pub protocol: Protocol,
    /// Its port.
    pub port: Port,
    /// `None` while it listens; otherwise why it does not. `Unsupported` kernels say so here.
    pub error: Option<String>,
    /// Whether the kernel lacks the protocol.
    #[serde(default)]
    pub unsupported: bool,
}
