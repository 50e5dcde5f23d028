//! What tenants' workloads reach in AWS.

mod check;
pub(super) mod file;
mod render;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{BucketName, Namespace, ServiceAccountName};

pub(super) use render::{render_promise, render_tenant};

/// What holds of AWS for all tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudPromise {
    /// The longest that credentials of a tenant's pod may live.
    pub longest: Duration,
}

impl CloudPromise {
    /// What EKS Pod Identity gives: six hours.
    pub const LONGEST: Duration = Duration::from_hours(6);
}

impl Default for CloudPromise {
    fn default() -> Self {
        Self { longest: Self::LONGEST }
    }
}

/// What a tenant's workloads reach in AWS, and nobody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantCloud {
    /// The service accounts under which its workloads reach it; empty where nothing is promised of AWS.
    pub accounts: Vec<CloudAccount>,
    /// Its buckets.
    pub buckets: Vec<CloudBucket>,
    /// Its tables of `DynamoDB`.
    pub tables: Vec<CloudTable>,
    /// Its keys of KMS.
    pub keys: Vec<CloudKey>,
}

/// A service account that gets credentials of AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CloudAccount {
    /// Its namespace, one of the tenant's.
    pub namespace: Namespace,
    /// Its name.
    pub name: ServiceAccountName,
}

/// A bucket, or what lies in it under a prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CloudBucket {
    /// Its name.
    pub name: BucketName,
    /// What the tenant's keys begin with; ends with a slash. Empty where the whole bucket is the tenant's.
    pub prefix: String,
    /// The account that it lies in, in twelve digits, where that is promised.
    pub account: Option<String>,
}

/// A table of `DynamoDB`, or its items under one value of the partition key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CloudTable {
    /// Its name or ARN.
    pub name: String,
    /// The name of its partition key, whose values are texts.
    pub partition_key: String,
    /// The value of the partition key under which the tenant's items lie; `None` where the whole table is the tenant's.
    pub leading: Option<String>,
}

/// A key of KMS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CloudKey {
    arn: String,
}

impl CloudKey {
    /// The key with this ARN, where it is one.
    #[must_use]
    pub fn parse(arn: &str) -> Option<Self> {
        check::is_key_arn(arn).then(|| Self { arn: arn.to_owned() })
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The region that it lies in.
    #[must_use]
    pub fn region(&self) -> &str {
        self.arn.split(':').nth(3).unwrap_or_default()
    }
}

impl std::fmt::Display for CloudBucket {
    /// As the AWS CLI writes it: `s3://NAME/PREFIX`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}", self.name)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

impl std::fmt::Display for CloudAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
