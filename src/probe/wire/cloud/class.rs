//! What the answer to a call means.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the answer to a call means.
///
/// [`Class::Allowed`] and [`Class::Denied`] alone say something of policies, and each needs the form in which the service
/// itself answers: a page of something between is [`Class::Foreign`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The service did it, or says that it would have (KMS' dry run, `DynamoDB`'s condition that was not met).
    Allowed,
    /// The service refused for want of permission.
    Denied(Denial),
    /// S3 refused because the key behind the object refused: of S3's own policies nothing is known.
    KeyDenied(Denial),
    /// There is no such bucket, object, table or key. What would have been allowed is not known.
    NotFound,
    /// It lies in another region, and asking there did not settle it.
    OtherRegion,
    /// Throttled, or the service failed, as often as it was asked.
    Busy,
    /// The credentials, or the presigned request, are past their time.
    Expired,
    /// The signature does not match, or is not in the form that the service wants.
    BadSignature,
    /// The service's clock and the time of the signature are too far apart.
    ClockSkew,
    /// The service does not know the credentials, or there were none.
    UnknownCredentials,
    /// Another error of the service's; its code is told.
    Rejected,
    /// Something answered that is not the service.
    Foreign,
    /// No whole answer came.
    Network(NetworkFault),
    /// The call's source gave no credentials, so it was not made.
    NoCredentials,
    /// It could not be made; with the reason.
    NotMade(String),
}

impl Class {
    /// Whether the service refused for want of permission. Nothing else is a denial: no 404, no refusal of a key behind
    /// S3, nothing that went wrong on the way.
    #[must_use]
    pub const fn is_denial(&self) -> bool {
        matches!(self, Self::Denied(_))
    }

    /// Whether the service did it, or would have.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed)
    }
}

/// A refusal for want of permission, as far as the service's own words tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
pub struct Denial {
    /// The kind of policy that refused.
    pub layer: Layer,
    /// Whether a statement says `Deny`; otherwise none says `Allow`, or the words don't tell.
    pub explicit: bool,
    /// The action that was refused, such as `s3:GetObject`. It may be another than was asked: the one that was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

/// The kind of policy that refused. S3 names it to callers of the bucket's own account and organization alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// A policy of the role or user.
    Identity,
    /// A policy of the bucket, key or table.
    Resource,
    /// A service control policy.
    ServiceControl,
    /// A resource control policy.
    ResourceControl,
    /// A permissions boundary.
    Boundary,
    /// A session policy.
    Session,
    /// A policy of a VPC endpoint.
    VpcEndpoint,
    /// The trust policy of a role.
    RoleTrust,
    /// S3 Block Public Access.
    BlockPublicAccess,
    /// The words don't tell, or name several.
    Untold,
}

/// Why no whole answer came. None of these is a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NetworkFault {
    /// The name could not be resolved.
    Dns,
    /// Nothing came in time.
    Timeout,
    /// The connection was refused.
    Refused,
    /// The connection was reset or closed before an answer.
    Closed,
    /// No route, or administratively prohibited.
    NoRoute,
    /// TLS failed: mostly a certificate that nobody vouches for.
    Tls,
    /// The answer broke off.
    Cut,
    /// What came is not HTTP.
    NotHttp,
    /// The probe's own host failed: no sockets, say.
    Local,
}

impl fmt::Display for NetworkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Dns => "name not resolved",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Closed => "closed before an answer",
            Self::NoRoute => "no route",
            Self::Tls => "TLS failed",
            Self::Cut => "the answer broke off",
            Self::NotHttp => "no HTTP came back",
            Self::Local => "the probe's own host failed",
        })
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::VpcEndpoint => "VPC endpoint policy",
            Self::RoleTrust => "role trust policy",
            Self::BlockPublicAccess => "S3 Block Public Access",
            Self::Untold => "layer not told",
        })
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Allowed => "allowed",
            Self::Denied(denial) => return write!(f, "denied ({})", denial.layer),
            Self::KeyDenied(denial) => return write!(f, "denied by the key behind it ({})", denial.layer),
            Self::NotFound => "not found",
            Self::OtherRegion => "in another region",
            Self::Busy => "throttled or failing",
            Self::Expired => "expired",
            Self::BadSignature => "signature not accepted",
            Self::ClockSkew => "clocks too far apart",
            Self::UnknownCredentials => "credentials not known",
            Self::Rejected => "rejected",
            Self::Foreign => "not the service's answer",
            Self::Network(fault) => return fault.fmt(f),
            Self::NoCredentials => "no credentials",
            Self::NotMade(reason) => return write!(f, "not made: {reason}"),
        };
        f.pad(text)
    }
}
