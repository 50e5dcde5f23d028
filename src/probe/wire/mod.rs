//! Orders to a probe, and its answers. Orders come in an annotation that a downward API volume
//! shows to the probe; answers go out by its log.

pub mod cloud;

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::model::{Port, Protocol};
use cloud::{Cloud, CloudReport};

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
    /// Make calls to the cloud with the pod's own credentials, and answer with a [`CloudReport`].
    Cloud(Cloud),
}

/// Targets, and how to try them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// Attempts for each target, each a new connection (or a new UDP socket).
    pub attempts: u8,
    /// Milliseconds between the starts of two attempts at one target.
    pub gap_ms: u32,
    /// Milliseconds after which an attempt is a timeout. Once a connection is open, its reply has as
    /// long again; a name's look-up has four times as long.
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
    /// Arrivals that came beyond what a probe keeps apart, and so are in no [`Arrival`]. Where this
    /// is not 0, an arrival that is missing from the record proves nothing.
    #[serde(default)]
    pub arrivals_not_kept: u32,
    /// The state of the probe's own listeners.
    #[serde(default)]
    pub listeners: Vec<Listener>,
    /// What came of the calls of a `Cloud` round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<CloudReport>,
}

/// What a probe says once, when its listeners are up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The probe's name.
    pub probe: String,
    /// The version of the probe's program.
    pub version: String,
    /// The state of its listeners.
    pub listeners: Vec<Listener>,
}

/// What a probe says as soon as it has read the orders of a new round, before it carries them out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The probe's name.
    pub probe: String,
    /// The round that it read.
    pub round: u32,
}

/// What a probe says of orders that it could not read or would not carry out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// The probe's name.
    pub probe: String,
    /// What is wrong with the orders, in a sentence.
    pub message: String,
}

/// What became of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The target's id.
    pub id: u32,
    /// Each attempt in its order. As many as the orders asked for: fewer are a probe error.
    pub attempts: Vec<Attempt>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What came back.
    pub outcome: Outcome,
    /// When it began: milliseconds since 1970 in UTC, by the clock of the probe's node.
    pub at_ms: u64,
    /// Microseconds from the start of the attempt until it came. The look-up of a name is in it
    /// only where it failed.
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
    /// The connection opened, and then no reply followed. Something accepted it, so this is never
    /// a denial; nor is it a connection to the expected peer, who did not say its name.
    Opened(Ending),
    /// Nothing came in time.
    Timeout,
    /// Connection refused (for UDP: an ICMP port unreachable came back).
    Refused,
    /// The connection was reset before it opened. Linux calls that [`Outcome::Refused`]: what it
    /// calls a reset comes after the opening, and is [`Outcome::Opened`] with [`Ending::Reset`].
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

impl Outcome {
    /// Whether the expected peer answered.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self, Self::Connected)
    }

    /// Whether this is what a denied connection looks like. A dead host or port looks the same, so
    /// it needs its control cases and the target's own record before it proves anything.
    ///
    /// Whatever is neither this nor [connected](Self::is_connected) proves nothing.
    #[must_use]
    pub const fn is_denial(&self) -> bool {
        matches!(self, Self::Timeout | Self::Refused | Self::Reset | Self::NoRoute)
    }

    /// Whether anybody at all took the packets: the expected peer, another, or one that said nothing.
    #[must_use]
    pub const fn was_taken(&self) -> bool {
        matches!(self, Self::Connected | Self::WrongPeer | Self::Opened(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Connected => "connected",
            Self::WrongPeer => "wrong peer",
            Self::Opened(Ending::Silence) => "opened, no reply",
            Self::Opened(Ending::Closed) => "opened, closed",
            Self::Opened(Ending::Reset) => "opened, reset",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::NoRoute => "no route",
            Self::Dns => "name not resolved",
            Self::Unsupported => "protocol not supported",
            Self::ProbeError(reason) => return write!(f, "probe error: {reason}"),
        };
        f.pad(text)
    }
}

/// How a connection ended that opened and brought no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Nothing came in time.
    Silence,
    /// The other side closed it.
    Closed,
    /// The other side, or something between, reset it.
    Reset,
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
    /// How often: connections for TCP and SCTP, datagrams for UDP (up to three for each attempt).
    pub count: u32,
}

/// The state of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Its protocol.
    pub protocol: Protocol,
    /// Its port.
    pub port: Port,
    /// `None` while it listens; otherwise why it does not, or what it could not take. Where this is
    /// not `None`, an arrival that is missing from the record proves nothing.
    pub error: Option<String>,
    /// Whether the kernel lacks the protocol; then `error` says so too.
    #[serde(default)]
    pub unsupported: bool,
}
