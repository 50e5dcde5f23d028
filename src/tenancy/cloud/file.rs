//! What a tenancy file says of AWS, as it is written. The doc comments are shown by editors and quoted by errors.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CloudAccount, CloudBucket, CloudKey, CloudPromise, CloudTable};
use crate::model::{BucketName, Namespace, ServiceAccountName};
use crate::tenancy::file::NAMESPACE;
use crate::tenancy::types::NamespaceSelector;

/// What holds of AWS for all tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cloud {
    /// The credentials that tenants' pods get.
    pub credentials: CloudCredentials,
}

/// The credentials that tenants' pods get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudCredentials {
    /// The longest that they may live, such as `1h`: one minute to twelve hours. Where it is left out, six hours, which
    /// is what EKS Pod Identity gives.
    pub longest: String,
}

/// What a tenant's workloads reach in AWS, and no other tenant's may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantCloud {
    /// The service accounts under which the tenant's workloads get credentials, by EKS Pod Identity or IRSA.
    #[schemars(length(min = 1))]
    pub service_accounts: Vec<CloudServiceAccount>,
    /// The tenant's buckets of S3. Each of its service accounts must reach them, and no other tenant's may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub buckets: Option<Vec<CloudBucketFile>>,
    /// The tenant's tables of DynamoDB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub tables: Option<Vec<CloudTableFile>>,
    /// ARNs of the tenant's keys of KMS, such as
    /// `arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub keys: Option<Vec<String>>,
}

/// A service account that gets credentials of AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudServiceAccount {
    /// Its namespace, one of the tenant's; may be left out where the tenant has one by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = NAMESPACE))]
    pub namespace: Option<String>,
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
}

/// A bucket, or what lies in it under a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CloudBucket")]
pub struct CloudBucketFile {
    /// Its name.
    #[schemars(length(min = 3, max = 63))]
    pub name: String,
    /// What the tenant's keys begin with, such as `tenant-1/`, where several tenants share the bucket. It ends with a
    /// slash. Leave it out where the whole bucket is the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2))]
    pub prefix: Option<String>,
    /// The account that the bucket lies in, in twelve digits, where that is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9]{12}$"))]
    pub account: Option<String>,
}

/// A table of DynamoDB, or its items under one value of the partition key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CloudTable")]
pub struct CloudTableFile {
    /// Its name, or its ARN where it lies in another account.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The name of its partition key, whose values are texts.
    #[schemars(length(min = 1))]
    pub partition_key: String,
    /// The value of the partition key under which the tenant's items lie, where several tenants share the table. Leave
    /// it out where the whole table is the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub leading: Option<String>,
}

impl From<Cloud> for CloudPromise {
    /// Validated: it is a time.
    fn from(cloud: Cloud) -> Self {
        Self { longest: lifetime(&cloud.credentials.longest).unwrap_or(Self::LONGEST) }
    }
}

impl TenantCloud {
    /// What it says of a tenant with these namespaces. Validated: who names no namespace has one.
    pub(in crate::tenancy) fn read(self, namespaces: &NamespaceSelector) -> super::TenantCloud {
        let Self { service_accounts, buckets, tables, keys } = self;
        let account = |CloudServiceAccount { namespace, name }| {
            let namespace = namespace.map(Namespace::new).or_else(|| namespaces.names.first().cloned())?;
            Some(CloudAccount { namespace, name: ServiceAccountName::new(name) })
        };
        let bucket = |CloudBucketFile { name, prefix, account }| CloudBucket {
            name: BucketName::new(name),
            prefix: prefix.unwrap_or_default(),
            account,
        };
        let table = |CloudTableFile { name, partition_key, leading }| CloudTable { name, partition_key, leading };
        super::TenantCloud {
            accounts: service_accounts.into_iter().filter_map(account).collect(),
            buckets: buckets.into_iter().flatten().map(bucket).collect(),
            tables: tables.into_iter().flatten().map(table).collect(),
            keys: keys.into_iter().flatten().filter_map(|arn| CloudKey::parse(&arn)).collect(),
        }
    }
}

/// A time such as `15m` or `6h`, from one minute to twelve hours.
pub(super) fn lifetime(text: &str) -> Option<Duration> {
    let unit = [("s", 1), ("m", 60), ("h", 3600)].into_iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(unit)?;
        let digits = (1..=5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        Some(Duration::from_secs(number.parse::<u64>().ok().filter(|_| digits)? * seconds))
    });
    unit.filter(|time| (60..=12 * 3600).contains(&time.as_secs()))
}
