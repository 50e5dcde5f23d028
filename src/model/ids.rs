//! Identifiers. Each is a type of its own, so that a tenant is never passed for a namespace.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is; whoever reads it from outside has validated it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text of the identifier.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

id! {
    /// A tenant, as the tenancy file names it. Shared parts of the cluster have one too.
    TenantId
}
id! {
    /// A Kubernetes namespace.
    Namespace
}
id! {
    /// A workload role inside a tenant, such as `analytics`.
    RoleName
}
id! {
    /// A rule of the tenancy about what admission refuses, such as `phi-non-root`.
    RuleId
}
id! {
    /// A Kubernetes service account, in a namespace that is told beside it.
    ServiceAccountName
}
id! {
    /// A bucket of S3. Its names are those of a whole partition of AWS.
    BucketName
}
id! {
    /// A Kubernetes node.
    NodeName
}
id! {
    /// A check of a suite, such as `network.cross-tenant.pod`. Never changes once published.
    CheckId
}
id! {
    /// A check made concrete. The same tenancy, suites and snapshot give the same ids.
    CaseId
}
id! {
    /// One run of the suite.
    RunId
}
id! {
    /// A family of checks, such as `network`.
    Family
}
