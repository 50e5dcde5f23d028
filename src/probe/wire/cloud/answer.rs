//! What came back from the cloud. No field of these ever holds a key, a token or a part of one.

use serde::{Deserialize, Serialize};

use super::class::{Class, NetworkFault};

/// What a probe tells of a round of cloud calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudReport {
    /// The version of the vocabulary.
    pub version: u8,
    /// One for each source, in the order's order.
    pub sources: Vec<SourceAnswer>,
    /// One for each call, in the order's order: series after series.
    pub calls: Vec<CallAnswer>,
    /// What the probe wrote and could not delete.
    #[serde(default)]
    pub remains: Vec<Remains>,
}

/// What became of a fetch of credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceAnswer {
    /// The source's id.
    pub id: u32,
    /// Whom the probe asked; `None` where a chain found nothing configured.
    pub provider: Option<Provider>,
    /// What it brought.
    pub outcome: SourceOutcome,
    /// The key's mark, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyMark>,
    /// The account, where the provider says it: twelve digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When they expire, in RFC 3339; `None` for keys that never do, or where the provider does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The role: its name as instance metadata has it, or the ARN of the session that web identity gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whether a token was withheld, because the address is none to which SDKs send one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub token_withheld: bool,
    /// What was asked, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
}

/// Whom a probe asked for credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// The environment's keys.
    Environment,
    /// Web identity.
    WebIdentity,
    /// Container credentials.
    Container,
    /// Instance metadata.
    Instance,
}

/// What a fetch of credentials brought.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SourceOutcome {
    /// Credentials.
    Given,
    /// The role's name, which alone was asked for. Its keys were there for the asking.
    Named,
    /// The provider refused.
    Refused(Refusal),
    /// Nothing says where to ask.
    NotConfigured,
    /// The address is none that SDKs accept, so it was not asked.
    NotAccepted,
    /// The token's file can't be read, or holds none; with the reason.
    NoToken(String),
    /// The provider answered something that is no credentials.
    Malformed,
    /// No answer came.
    Network(NetworkFault),
    /// The instance has no role.
    NoRole,
}

/// Why a provider refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// It was asked by another address than its own: the agent of EKS Pod Identity looks at the `Host` header.
    Address,
    /// No token came.
    NoToken,
    /// What came is no token.
    UnreadableToken,
    /// The token is expired or not valid yet.
    StaleToken,
    /// The token is another's: of a wrong audience, issuer or cluster.
    ForeignToken,
    /// No role is associated with the service account.
    NoAssociation,
    /// The role does not let itself be assumed.
    AccessDenied,
    /// It asks for a token of its own first: instance metadata of version 2.
    TokenRequired,
    /// It is overloaded or fails.
    Busy,
    /// Anything else; status and code are with the exchange.
    Other,
}

/// One request to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What was asked.
    pub step: Step,
    /// The HTTP status; `None` where none came.
    pub status: Option<u16>,
    /// The error's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The provider's words of a refusal, cut short and without whatever looks secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// Why no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<NetworkFault>,
    /// When it began: milliseconds since 1970 in UTC, by the clock of the probe's node.
    pub at_ms: u64,
    /// Microseconds until the answer was there.
    pub micros: u64,
}

/// What a provider is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The container agent, for credentials.
    Agent,
    /// STS, `AssumeRoleWithWebIdentity`.
    Sts,
    /// Instance metadata, for its session token.
    MetadataToken,
    /// Instance metadata, without a token: what version 1 answers.
    MetadataVersion1,
    /// Instance metadata, for the role's name.
    MetadataRole,
    /// Instance metadata, for the role's keys.
    MetadataKeys,
}

/// What can be told of an access key id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
pub struct KeyMark {
    /// Its first four letters: `ASIA` for keys that expire, `AKIA` for those of a user, which don't. Empty where it
    /// does not begin with four capitals.
    pub kind: String,
    /// A digest under the run's nonce, in 16 hexadecimal digits: the same exactly for the same key in the same run.
    pub mark: String,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAnswer {
    /// The call's id.
    pub id: u32,
    /// What it means.
    pub class: Class,
    /// The last HTTP status; `None` where none came.
    pub status: Option<u16>,
    /// The error's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The error's own words, cut short and without whatever looks secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// The service's id of the last request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The region for which it was signed at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Requests that were made for it.
    pub requests: u8,
    /// Seconds by which the service's clock is ahead of the node's, by the `Date` of its last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew_s: Option<i64>,
    /// Of a multipart upload: at which request it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Who the credentials are, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// When it began: milliseconds since 1970 in UTC, by the clock of the probe's node.
    pub at_ms: u64,
    /// Microseconds until its last answer was there.
    pub micros: u64,
}

/// A request of a multipart upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// `CreateMultipartUpload`.
    Create,
    /// `UploadPart`.
    Upload,
    /// `CompleteMultipartUpload`.
    Complete,
    /// `AbortMultipartUpload`.
    Abort,
}

/// Who credentials are, as STS says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
pub struct Actor {
    /// The account.
    pub account: String,
    /// The ARN of the session or user.
    pub arn: String,
}

/// Something that the probe wrote and that is still there, or may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remains {
    /// The source whose credentials wrote it.
    pub source: Option<u32>,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The upload that was begun and neither completed nor aborted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// The version that could not be deleted, where the bucket keeps them. Where `class` is [`Class::Allowed`], the object is
    /// hidden by this version, a marker of its deletion, and is still there behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What came back from the last attempt to delete it.
    pub class: Class,
}
