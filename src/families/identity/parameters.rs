//! What a check of this family says in its suite: what is tried from inside a tenant's pod.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::outside::Outside;

/// What is tried from inside a tenant's pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IdentityParameters {
    /// What is tried: `credentials` and `rotation` look at what a pod gets; `own` and `others` make a call; the rest are
    /// attacks.
    pub r#try: Attempt,
    /// For `own` and `others`: which call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
}

/// What a check of this family says: what is tried from inside a tenant's pod, or what is judged from outside.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "IdentityParameters")]
struct Either {
    /// What is tried from inside a pod: `credentials` and `rotation` look at what a pod gets; `own` and `others` make a
    /// call; the rest are attacks.
    #[serde(default)]
    r#try: Option<Attempt>,
    /// For `own` and `others`: which call.
    #[serde(default)]
    operation: Option<Operation>,
    /// In place of `try`: what is judged by the text of AWS' own API.
    #[serde(default)]
    outside: Option<Outside>,
    /// With `outside: tags`: the key of the tag that has the tenant's id; `tenant` where it is left out.
    #[serde(default)]
    tag: Option<String>,
}

/// The same as it is read: one or the other.
pub(super) struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Either { r#try: tried, operation, outside, tag } = Either::deserialize(deserializer)?;
        match (tried, outside) {
            (None, None) => Err(D::Error::custom("`try` or `outside` is missing: what the check looks at")),
            (Some(_), Some(_)) => Err(D::Error::custom("`try` and `outside` are both here: a check is one of them")),
            (_, Some(_)) if operation.is_some() => Err(D::Error::custom("`operation` goes with `try` alone")),
            (_, outside) if tag.is_some() && outside != Some(Outside::Tags) => {
                Err(D::Error::custom("`tag` goes with `outside: tags` alone"))
            }
            _ => Ok(Self),
        }
    }
}

impl JsonSchema for Checked {
    fn schema_name() -> Cow<'static, str> {
        Either::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Either::json_schema(generator)
    }
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Attempt {
    /// Who gives a pod credentials, whose they are, and when they end.
    Credentials,
    /// Fetching them anew.
    Rotation,
    /// A call on what is the tenant's own.
    Own,
    /// The same call on what is another tenant's.
    Others,
    /// A token of another audience in place of the pod's.
    WrongAudience,
    /// Asking under a service account that has no association.
    NoAssociation,
    /// Asking the instance for the node's role.
    InstanceMetadata,
    /// Asking the agent by an address that is not its own.
    AgentAddress,
    /// A presigned request whose time is over.
    Expired,
}

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// S3 `ListObjectsV2`.
    List,
    /// S3 `GetObject`.
    Get,
    /// S3 `PutObject`.
    Put,
    /// S3 `DeleteObject`.
    Delete,
    /// S3 `CreateMultipartUpload`, `UploadPart` and `CompleteMultipartUpload`.
    Multipart,
    /// S3 `GetObject`, presigned.
    Presigned,
    /// `DynamoDB` `Query`.
    Query,
    /// KMS `GenerateDataKey`, as a dry run.
    DataKey,
}

impl Operation {
    /// On what it is made.
    #[must_use]
    pub const fn on(self) -> Thing {
        match self {
            Self::Query => Thing::Table,
            Self::DataKey => Thing::Key,
            Self::List | Self::Get | Self::Put | Self::Delete | Self::Multipart | Self::Presigned => Thing::Bucket,
        }
    }

    /// Its name in ids of cases and observations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get => "get",
            Self::Put => "put",
            Self::Delete => "delete",
            Self::Multipart => "multipart",
            Self::Presigned => "presigned",
            Self::Query => "query",
            Self::DataKey => "data-key",
        }
    }

    /// What the service calls it.
    #[must_use]
    pub const fn api(self) -> &'static str {
        match self {
            Self::List => "ListObjectsV2",
            Self::Get => "GetObject",
            Self::Put => "PutObject",
            Self::Delete => "DeleteObject",
            Self::Multipart => "an upload in parts",
            Self::Presigned => "presigned GetObject",
            Self::Query => "Query",
            Self::DataKey => "GenerateDataKey",
        }
    }

    /// The action of IAM that allows it.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::List => "s3:ListBucket",
            Self::Get | Self::Presigned => "s3:GetObject",
            Self::Put | Self::Multipart => "s3:PutObject",
            Self::Delete => "s3:DeleteObject",
            Self::Query => "dynamodb:Query",
            Self::DataKey => "kms:GenerateDataKey",
        }
    }

    /// Whether it reads an object that must be there for a denial to mean something.
    #[must_use]
    pub const fn reads_an_object(self) -> bool {
        matches!(self, Self::Get | Self::Presigned)
    }
}

/// What is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thing {
    /// A bucket.
    Bucket,
    /// A table.
    Table,
    /// A key.
    Key,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bucket => "bucket",
            Self::Table => "table",
            Self::Key => "key",
        })
    }
}
