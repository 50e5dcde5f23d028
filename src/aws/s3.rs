//! S3: buckets, and what they say of who may reach them. No object is ever asked for.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, Region};
use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::config::Aws;
use super::error::{AwsError, Trouble, part};
use super::permissions::{
    Action, GET_BUCKET_LOCATION, GET_BUCKET_POLICY, GET_BUCKET_POLICY_STATUS, GET_BUCKET_TAGGING,
    GET_PUBLIC_ACCESS_BLOCK,
};
use crate::semantics::iam::estate::{BucketInfo, Owner, Part, PublicAccessBlock};

/// S3, with the credentials of the run.
#[derive(Clone, Debug)]
pub struct S3<'a> {
    aws: &'a Aws,
    account: &'a str,
    by_path: bool,
}

/// A bucket's place, and whose it is.
struct Located {
    owner: Owner,
    region: Part<String>,
}

/// What became of a call: what came back, or the error and the region that S3 named beside it.
type Asked<T> = Result<T, (AwsError, Option<String>)>;

impl<'a> S3<'a> {
    /// S3 as an account asks it.
    #[must_use]
    pub fn new(aws: &'a Aws, account: &'a str) -> Self {
        // A name of its own for each bucket is S3's; another endpoint may have none.
        let elsewhere = std::env::var_os("AWS_ENDPOINT_URL_S3").is_some_and(|url| !url.is_empty());
        Self { aws, account, by_path: elsewhere || aws.config().endpoint_url().is_some() }
    }

    fn client(&self, region: &str) -> Client {
        let config = Builder::from(self.aws.config()).region(Region::new(region.to_owned()));
        Client::from_conf(config.force_path_style(self.by_path).build())
    }

    /// Reads what a bucket says of itself. `promised` is the account that it is said to lie in.
    ///
    /// # Errors
    /// [`AwsError`] where the credentials are not accepted.
    pub async fn bucket(&self, name: &str, promised: Option<&str>) -> Result<Part<BucketInfo>, AwsError> {
        let Located { owner, region } = match self.located(name, promised).await? {
            Part::Read(located) => located,
            Part::Absent => return Ok(Part::Absent),
            Part::Unread(why) => return Ok(Part::Unread(why)),
        };
        let client = self.client(region.read().map_or(self.aws.region(), String::as_str));
        let (policy, block, tags, is_public) = futures::join!(
            self.policy(&client, name),
            self.block(&client, name),
            self.tags(&client, name),
            self.is_public(&client, name)
        );
        let (policy, public_access_block, tags, is_public) = (policy?, block?, tags?, is_public?);
        Ok(Part::Read(BucketInfo { owner, region, policy, public_access_block, tags, is_public }))
    }

    /// Where a bucket lies and whose it is: S3 refuses a call with another owner than was expected.
    async fn located(&self, name: &str, promised: Option<&str>) -> Result<Part<Located>, AwsError> {
        let mut first = None;
        for expected in [Some(self.account), promised.filter(|promised| *promised != self.account), None] {
            if expected.is_none() && first.is_none() {
                continue;
            }
            match self.location(name, expected).await {
                Ok(region) => {
                    let owner = expected.map_or(Owner::Other, |account| Owner::Account(account.to_owned()));
                    return Ok(Part::Read(Located { owner, region: Part::Read(region) }));
                }
                Err((error, _)) if error.trouble() == Trouble::NotFound => return Ok(Part::Absent),
                Err((error, _)) if error.trouble().is_of_the_run() => return Err(error),
                // Whose it is, and whether this may be asked at all, is one refusal.
                Err((error, region)) if error.trouble() == Trouble::NotAllowed => {
                    first.get_or_insert((error.to_string(), region));
                }
                Err((error, _)) => return Ok(Part::Unread(error.to_string())),
            }
        }
        let (why, region) = first.unwrap_or_default();
        let region = region.map_or_else(|| Part::Unread(why.clone()), Part::Read);
        Ok(Part::Read(Located { owner: Owner::Unknown(why), region }))
    }

    /// The region of a bucket, asked where S3 says that it lies.
    async fn location(&self, name: &str, expected: Option<&str>) -> Asked<String> {
        let first = self.location_in(self.aws.region(), name, expected).await;
        match &first {
            Err((error, Some(region))) if error.trouble() != Trouble::NotAllowed && region != self.aws.region() => {
                self.location_in(region, name, expected).await
            }
            _ => first,
        }
    }

    async fn location_in(&self, region: &str, name: &str, expected: Option<&str>) -> Asked<String> {
        let call = self.client(region).get_bucket_location().bucket(name);
        let asked = call.set_expected_bucket_owner(expected.map(ToOwned::to_owned)).send().await;
        let answer = asked.map_err(|error| {
            let header = error.raw_response().and_then(|raw| raw.headers().get("x-amz-bucket-region"));
            let region = header.map(ToOwned::to_owned);
            (self.explain(&GET_BUCKET_LOCATION, name, &error), region)
        })?;
        // The oldest region has no constraint, and the second one an old name.
        Ok(match answer.location_constraint.as_ref().map(aws_sdk_s3::types::BucketLocationConstraint::as_str) {
            None | Some("") => "us-east-1".to_owned(),
            Some("EU") => "eu-west-1".to_owned(),
            Some(region) => region.to_owned(),
        })
    }

    async fn policy(&self, client: &Client, name: &str) -> Result<Part<String>, AwsError> {
        let asked = client.get_bucket_policy().bucket(name).send().await;
        Ok(match part(asked.map_err(|error| self.explain(&GET_BUCKET_POLICY, name, &error)))? {
            Part::Read(answer) => {
                answer.policy.map_or_else(|| Part::Unread("an answer without a policy".to_owned()), Part::Read)
            }
            Part::Absent => Part::Absent,
            Part::Unread(why) => Part::Unread(why),
        })
    }

    async fn block(&self, client: &Client, name: &str) -> Result<Part<PublicAccessBlock>, AwsError> {
        let asked = client.get_public_access_block().bucket(name).send().await;
        Ok(match part(asked.map_err(|error| self.explain(&GET_PUBLIC_ACCESS_BLOCK, name, &error)))? {
            Part::Read(answer) => {
                answer.public_access_block_configuration.map_or(Part::Absent, |of| Part::Read(block(&of)))
            }
            Part::Absent => Part::Absent,
            Part::Unread(why) => Part::Unread(why),
        })
    }

    async fn tags(&self, client: &Client, name: &str) -> Result<Part<BTreeMap<String, String>>, AwsError> {
        let asked = client.get_bucket_tagging().bucket(name).send().await;
        Ok(match part(asked.map_err(|error| self.explain(&GET_BUCKET_TAGGING, name, &error)))? {
            Part::Read(answer) => Part::Read(answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()),
            Part::Absent => Part::Absent,
            Part::Unread(why) => Part::Unread(why),
        })
    }

    async fn is_public(&self, client: &Client, name: &str) -> Result<Part<bool>, AwsError> {
        let asked = client.get_bucket_policy_status().bucket(name).send().await;
        Ok(match part(asked.map_err(|error| self.explain(&GET_BUCKET_POLICY_STATUS, name, &error)))? {
            Part::Read(answer) => answer
                .policy_status
                .and_then(|status| status.is_public)
                .map_or_else(|| Part::Unread("an answer without a status".to_owned()), Part::Read),
            Part::Absent => Part::Absent,
            Part::Unread(why) => Part::Unread(why),
        })
    }

    fn explain<E>(&self, action: &'static Action, bucket: &str, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        AwsError::explain(self.aws.call(action, &format!("bucket {bucket}")), error)
    }
}

fn block(of: &PublicAccessBlockConfiguration) -> PublicAccessBlock {
    PublicAccessBlock {
        block_public_acls: of.block_public_acls.unwrap_or_default(),
        ignore_public_acls: of.ignore_public_acls.unwrap_or_default(),
        block_public_policy: of.block_public_policy.unwrap_or_default(),
        restrict_public_buckets: of.restrict_public_buckets.unwrap_or_default(),
    }
}
