//! What AWS tells of the tenants' roles and buckets: only what the tenancy names is asked for.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::error::RunError;
use crate::aws::{Aws, AwsError, Caller, Eks, Iam, S3};
use crate::model::{Namespace, TenantId};
use crate::semantics::iam::AccountId;
use crate::semantics::iam::estate::{BucketInfo, Estate, OrganizationPolicies, Part, RoleInfo};
use crate::semantics::rbac::eks::Access;
use crate::tenancy::Tenancy;

/// Roles and buckets that are read at the same time.
const AT_ONCE: usize = 8;

/// Asks in whose name AWS is asked, and refuses any account but the expected one.
pub(super) async fn expect(account: &str) -> Result<Caller, RunError> {
    let aws = Aws::load().await?;
    let caller = Caller::ask(&aws).await?;
    if caller.account == account {
        return Ok(caller);
    }
    Err(RunError::OtherAccount { expected: account.to_owned(), found: caller.account, arn: caller.arn })
}

/// Whether the tenancy promises anything of AWS.
pub(super) fn is_promised(tenancy: &Tenancy) -> bool {
    tenancy.parties.iter().any(|party| !party.cloud.accounts.is_empty())
}

/// Reads the associations of the tenancy's namespaces, their roles, and the tenants' buckets.
pub(super) async fn read(
    name: &str,
    access: &Access,
    tenancy: &Tenancy,
    namespaces: &BTreeMap<TenantId, Vec<Namespace>>,
    organization: Option<OrganizationPolicies>,
) -> Result<Estate, RunError> {
    let aws = Aws::load().await?;
    let account = Caller::ask(&aws).await?.account;
    let of_tenancy: BTreeSet<&str> = namespaces.values().flatten().map(Namespace::as_str).collect();
    let associations = Eks::new(&aws, name).associations(|namespace| of_tenancy.contains(namespace)).await?;
    let details = associations.of_interest.read().into_iter().flatten().filter_map(|one| one.detail.read());
    let arns: BTreeSet<String> =
        details.flat_map(|detail| [Some(detail.role.clone()), detail.target_role.clone()]).flatten().collect();
    let roles = roles(&aws, &account, arns).await?;
    let buckets = buckets(&aws, &account, tenancy).await?;
    Ok(Estate {
        account,
        region: aws.region().to_owned(),
        cluster: access.cluster.arn.clone(),
        associations: associations.of_interest,
        other_associations: associations.others,
        roles,
        buckets,
        organization,
    })
}

async fn roles(aws: &Aws, account: &str, arns: BTreeSet<String>) -> Result<BTreeMap<String, Part<RoleInfo>>, AwsError> {
    let iam = &Iam::new(aws);
    let own = AccountId::parse(account);
    let read = stream::iter(arns).map(|arn| async move {
        let part = match AccountId::of_arn(&arn) {
            // IAM knows roles by their name within the account that asks.
            Some(of) if Some(of) != own => Part::Unread(format!("it is in account {of}, and {account} was asked")),
            _ => iam.role(&arn).await?,
        };
        Ok::<_, AwsError>((arn, part))
    });
    read.buffered(AT_ONCE).try_collect().await
}

async fn buckets(aws: &Aws, account: &str, tenancy: &Tenancy) -> Result<BTreeMap<String, Part<BucketInfo>>, AwsError> {
    let named = tenancy.parties.iter().flat_map(|party| &party.cloud.buckets);
    let named: BTreeMap<String, Option<String>> =
        named.map(|bucket| (bucket.name.to_string(), bucket.account.clone())).collect();
    let s3 = &S3::new(aws, account);
    let read = stream::iter(named).map(|(name, promised)| async move {
        let part = Box::pin(s3.bucket(&name, promised.as_deref())).await?;
        Ok::<_, AwsError>((name, part))
    });
    read.buffered(AT_ONCE).try_collect().await
}
