//! What to try in the cloud.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Cloud calls to make from inside the pod.
///
/// Every credential is fetched anew for every such step. The series are carried out at the same time, the calls within
/// one in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cloud {
    /// [`VERSION`](super::VERSION).
    pub version: u8,
    /// Milliseconds that one exchange may take, from the look-up of the name to the last byte.
    pub timeout_ms: u32,
    /// How often a call is made at most that is throttled or meets a failing server, from 1 to 8.
    pub attempts: u8,
    /// Series that are under way at a time, from 1 to 64.
    pub at_once: u8,
    /// The region where neither the call nor the pod's environment names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What the key of every object that is written or deleted begins with; ends with a slash. Whatever the probe
    /// writes there it deletes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// Whether what it writes stays until a later step of the same probe that does not say so, or until the probe ends:
    /// what others shall try to reach must be there while they do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// Where credentials come from.
    pub sources: Vec<Source>,
    /// The calls.
    pub series: Vec<Vec<Call>>,
}

/// A fetch of credentials. The same origin twice is fetched twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Unique among the sources of a step; calls name it.
    #[serde(rename = "i")]
    pub id: u32,
    /// Where they come from.
    #[serde(rename = "o")]
    pub origin: Origin,
}

/// Where credentials come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// As an AWS SDK takes them: the first that is configured of environment, web identity, container and instance.
    /// One that is configured and fails is not followed by the next.
    Chain,
    /// The keys in the environment.
    Environment,
    /// IAM roles for service accounts: a token is exchanged at STS.
    WebIdentity(WebIdentitySource),
    /// Container credentials: what EKS Pod Identity's agent and ECS give.
    Container(ContainerSource),
    /// The metadata of the instance, version 2: the role of the node.
    Instance(InstanceSource),
}

/// Web identity: what differs from the pod's own environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebIdentitySource {
    /// The token.
    #[serde(default, skip_serializing_if = "TokenFrom::is_configured")]
    pub token: TokenFrom,
    /// Another role than the one in the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// Container credentials: what differs from the pod's own environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerSource {
    /// Another address of the agent. A token goes only to the loopback and link-local addresses that SDKs accept;
    /// anywhere else the probe asks without one, and says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Another `Host` header than the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The token.
    #[serde(default, skip_serializing_if = "TokenFrom::is_configured")]
    pub token: TokenFrom,
}

/// Instance metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceSource {
    /// Another address than `http://169.254.169.254`, such as `http://[fd00:ec2::254]`: loopback or link-local.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether the role's keys are fetched. Otherwise its name alone is.
    #[serde(default)]
    pub keys: bool,
}

/// Which token is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenFrom {
    /// The one that the pod's environment names.
    #[default]
    Configured,
    /// The one in this file of the pod: say, one of another audience.
    File(String),
    /// None at all.
    Nothing,
}

impl TokenFrom {
    /// Whether it is the pod's own.
    #[must_use]
    pub const fn is_configured(&self) -> bool {
        matches!(self, Self::Configured)
    }
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Unique among the calls of a step; comes back in the answer.
    #[serde(rename = "i")]
    pub id: u32,
    /// Whose credentials sign it; `None` for nobody's.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub source: Option<u32>,
    /// The region of what it asks, where that is not the pod's.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// How it is signed.
    #[serde(rename = "m", default, skip_serializing_if = "Manner::is_plain")]
    pub manner: Manner,
    /// What it asks.
    #[serde(rename = "d")]
    pub deed: Deed,
}

/// How a call is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manner {
    /// In its headers, now.
    #[default]
    Plain,
    /// In its headers, as if it were so many seconds ago: what a request that is replayed later looks like.
    Dated {
        /// Seconds before now.
        back_s: u32,
    },
    /// In its query: what whoever has the link can make of it.
    Presigned {
        /// Seconds for which it is valid.
        expires_s: u32,
        /// Signed so many seconds before now.
        back_s: u32,
    },
}

impl Manner {
    /// Whether nothing about it is unusual.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }
}

/// What a call asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Deed {
    /// STS `GetCallerIdentity`: who the credentials are.
    CallerIdentity,
    /// S3 `ListObjectsV2`.
    List {
        /// The bucket.
        bucket: String,
        /// What the keys begin with.
        prefix: String,
    },
    /// S3 `GetObject`. What it holds is thrown away.
    Get {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// S3 `PutObject` of a small marker. Its key begins with the order's marker.
    Put {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// How it shall be encrypted, where that is not left to the bucket.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encryption: Option<Encryption>,
    },
    /// S3 `DeleteObject`. Its key begins with the order's marker.
    Delete {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// S3 `CreateMultipartUpload`, `UploadPart`, and then one of `CompleteMultipartUpload` and `AbortMultipartUpload`. Its key
    /// begins with the order's marker.
    Multipart {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// How it ends.
        end: Upload,
    },
    /// A call of a service that speaks JSON. Only what leaves nothing behind is made: see [`Cloud::fault`].
    Json {
        /// The service.
        service: Service,
        /// The operation, such as `Decrypt` or `GetItem`.
        operation: String,
        /// The request.
        body: Value,
    },
}

/// How an object is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// By S3's own keys.
    S3,
    /// By a key of KMS: its id or ARN.
    Kms(String),
}

/// How a multipart upload ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Upload {
    /// It is completed, and the object deleted later.
    Complete,
    /// It is aborted.
    Abort,
}

/// A service that speaks JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// Key Management Service.
    Kms,
    /// `DynamoDB`.
    Dynamodb,
}
