//! IAM: roles with all their policies.

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::Role;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::config::Aws;
use super::error::{AwsError, part};
use super::permissions::{
    Action, GET_POLICY, GET_POLICY_VERSION, GET_ROLE, GET_ROLE_POLICY, LIST_ATTACHED_ROLE_POLICIES, LIST_ROLE_POLICIES,
};
use crate::semantics::iam::estate::{NamedPolicy, Part, RoleInfo};

/// Policies that are read at the same time.
const AT_ONCE: usize = 4;

/// IAM, of the account whose credentials are used.
#[derive(Clone, Debug)]
pub struct Iam<'a> {
    aws: &'a Aws,
    client: Client,
}

impl<'a> Iam<'a> {
    /// IAM.
    #[must_use]
    pub fn new(aws: &'a Aws) -> Self {
        Self { aws, client: Client::new(aws.config()) }
    }

    /// Reads a role by its ARN, with its trust policy, boundary, tags, and attached and inline policies. What of it can't
    /// be read says so.
    ///
    /// # Errors
    /// [`AwsError`] where the credentials are not accepted.
    pub async fn role(&self, arn: &str) -> Result<Part<RoleInfo>, AwsError> {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let asked = self.client.get_role().role_name(name).send().await;
        let role = match part(asked.map_err(|error| self.explain(&GET_ROLE, arn, &error)))? {
            Part::Read(answer) => answer.role,
            Part::Absent => return Ok(Part::Absent),
            Part::Unread(why) => return Ok(Part::Unread(why)),
        };
        let Some(role) = role else { return Ok(Part::Unread("an answer without a role".to_owned())) };
        if role.arn != arn {
            return Ok(Part::Unread(format!("IAM has a role {} of that name, which is another", role.arn)));
        }
        let (boundary, policies) = (self.boundary(&role).await?, self.policies(name, arn).await?);
        Ok(Part::Read(info(role, boundary, policies)))
    }

    async fn boundary(&self, role: &Role) -> Result<Part<NamedPolicy>, AwsError> {
        let arn = role.permissions_boundary.as_ref().map(|boundary| boundary.permissions_boundary_arn.as_deref());
        match arn {
            None => Ok(Part::Absent),
            Some(None) => Ok(Part::Unread("IAM tells of a boundary and not which".to_owned())),
            Some(Some(arn)) => Ok(Part::Read(self.managed(arn.to_owned()).await?)),
        }
    }

    async fn policies(&self, name: &str, arn: &str) -> Result<Part<Vec<NamedPolicy>>, AwsError> {
        let mut attached = Vec::new();
        let mut pages = self.client.list_attached_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = pages.next().await {
            match part(policy.map_err(|error| self.explain(&LIST_ATTACHED_ROLE_POLICIES, arn, &error)))? {
                Part::Read(policy) => attached.extend(policy.policy_arn),
                Part::Absent => return Ok(Part::Unread("the role was deleted meanwhile".to_owned())),
                Part::Unread(why) => return Ok(Part::Unread(why)),
            }
        }
        let mut inline = Vec::new();
        let mut pages = self.client.list_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = pages.next().await {
            match part(policy.map_err(|error| self.explain(&LIST_ROLE_POLICIES, arn, &error)))? {
                Part::Read(policy) => inline.push(policy),
                Part::Absent => return Ok(Part::Unread("the role was deleted meanwhile".to_owned())),
                Part::Unread(why) => return Ok(Part::Unread(why)),
            }
        }
        // The order of pages is IAM's own.
        attached.sort_unstable();
        inline.sort_unstable();
        let attached = stream::iter(attached).map(|policy| self.managed(policy)).buffered(AT_ONCE);
        let mut policies: Vec<NamedPolicy> = attached.try_collect().await?;
        let inline = stream::iter(inline).map(|policy| self.inline(name, arn, policy)).buffered(AT_ONCE);
        policies.extend(inline.try_collect::<Vec<NamedPolicy>>().await?);
        Ok(Part::Read(policies))
    }

    /// A managed policy's version that is in force.
    async fn managed(&self, arn: String) -> Result<NamedPolicy, AwsError> {
        let asked = self.client.get_policy().policy_arn(&arn).send().await;
        let version = match part(asked.map_err(|error| self.explain(&GET_POLICY, &arn, &error)))? {
            Part::Read(answer) => answer.policy.and_then(|policy| policy.default_version_id),
            other => return Ok(NamedPolicy { name: arn, text: unread(&other) }),
        };
        let Some(version) = version else {
            return Ok(NamedPolicy { name: arn, text: Part::Unread("IAM tells of no version in force".to_owned()) });
        };
        let asked = self.client.get_policy_version().policy_arn(&arn).version_id(version).send().await;
        let text = match part(asked.map_err(|error| self.explain(&GET_POLICY_VERSION, &arn, &error)))? {
            Part::Read(answer) => document(answer.policy_version.and_then(|version| version.document)),
            other => unread(&other),
        };
        Ok(NamedPolicy { name: arn, text })
    }

    async fn inline(&self, name: &str, arn: &str, policy: String) -> Result<NamedPolicy, AwsError> {
        let asked = self.client.get_role_policy().role_name(name).policy_name(&policy).send().await;
        let text = match part(asked.map_err(|error| self.explain(&GET_ROLE_POLICY, arn, &error)))? {
            Part::Read(answer) => document(Some(answer.policy_document)),
            other => unread(&other),
        };
        Ok(NamedPolicy { name: policy, text })
    }

    fn explain<E>(&self, action: &'static Action, about: &str, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        AwsError::explain(self.aws.call(action, about), error)
    }
}

fn info(role: Role, boundary: Part<NamedPolicy>, policies: Part<Vec<NamedPolicy>>) -> RoleInfo {
    let tags: BTreeMap<String, String> =
        role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
    RoleInfo {
        trust: document(role.assume_role_policy_document),
        boundary,
        policies,
        tags,
        longest_session: role.max_session_duration,
    }
}

/// What was listed and is not there: it was deleted meanwhile, and what else changed is not known.
fn unread<T>(part: &Part<T>) -> Part<String> {
    Part::Unread(part.why_unread().unwrap_or("it was deleted while it was read").to_owned())
}

/// A policy's text, which IAM encodes as URLs are (RFC 3986).
fn document(encoded: Option<String>) -> Part<String> {
    let Some(encoded) = encoded else { return Part::Unread("an answer without the policy's text".to_owned()) };
    match decoded(&encoded) {
        Some(text) => Part::Read(text),
        None => Part::Unread("the policy's text can't be decoded".to_owned()),
    }
}

fn decoded(encoded: &str) -> Option<String> {
    // Some servers that speak this API do not encode: JSON begins with a brace, which is encoded otherwise.
    if encoded.trim_start().starts_with('{') {
        return Some(encoded.to_owned());
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::decoded;

    #[rstest]
    #[case("%7B%22a%22%3A%20%22%C3%A4%22%7D", Some("{\"a\": \"ä\"}"))]
    #[case("{\"a\": \"50%\"}", Some("{\"a\": \"50%\"}"))]
    #[case("%7", None)]
    #[case("%zz", None)]
    #[case("%ff", None)]
    fn texts_are_decoded(#[case] encoded: &str, #[case] wanted: Option<&str>) {
        assert_eq!(decoded(encoded).as_deref(), wanted);
    }
}
