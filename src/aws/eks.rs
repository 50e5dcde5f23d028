//! The EKS API: a cluster, and who is let into it.

use aws_sdk_eks::Client;
use aws_sdk_eks::error::SdkError;
use aws_sdk_eks::operation::describe_cluster::DescribeClusterOutput;
use aws_sdk_eks::types::{AccessEntry, AccessScope as Scope, AccessScopeType, AssociatedAccessPolicy};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::base64;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::config::Aws;
use super::error::{AwsError, Trouble};
use super::permissions::{
    Action, DESCRIBE_ACCESS_ENTRY, DESCRIBE_CLUSTER, LIST_ACCESS_ENTRIES, LIST_ASSOCIATED_ACCESS_POLICIES,
};
use crate::semantics::rbac::eks::{
    AccessScope, Association, AuthenticationMode, Cluster, Entry, EntryType, NamespacePattern, Template,
};

/// Entries that are read at the same time.
pub(super) const AT_ONCE: usize = 8;
/// Items of one page: the most that the API gives.
pub(super) const PAGE: i32 = 100;

/// A cluster as the EKS API describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Which it is.
    pub cluster: Cluster,
    /// The address of its API server.
    pub endpoint: String,
    /// The certificates by which its API server is known, each in DER.
    pub authorities: Vec<Vec<u8>>,
    /// Where it looks for who a principal is.
    pub mode: AuthenticationMode,
}

/// The EKS API, about one cluster.
#[derive(Clone, Debug)]
pub struct Eks<'a> {
    aws: &'a Aws,
    pub(super) client: Client,
    pub(super) name: &'a str,
}

impl<'a> Eks<'a> {
    /// The API, about the cluster of this name.
    #[must_use]
    pub fn new(aws: &'a Aws, name: &'a str) -> Self {
        Self { aws, client: Client::new(aws.config()), name }
    }

    /// Asks for the cluster itself.
    ///
    /// # Errors
    /// [`AwsError`] where there is none of that name in the region, or the API does not tell.
    pub async fn describe(&self) -> Result<Described, AwsError> {
        let asked = self.client.describe_cluster().name(self.name).send().await;
        let answer = asked.map_err(|error| self.explain(&DESCRIBE_CLUSTER, "", &error))?;
        described(&answer).ok_or_else(|| AwsError::incomplete(self.aws.call(&DESCRIBE_CLUSTER, &self.about(""))))
    }

    /// Reads every access entry with its policies. One that is deleted meanwhile is left out.
    ///
    /// # Errors
    /// [`AwsError`] where any of it can't be read: what is not known of one entry may be anything.
    pub async fn entries(&self) -> Result<Vec<Entry>, AwsError> {
        let mut pages =
            self.client.list_access_entries().cluster_name(self.name).into_paginator().page_size(PAGE).items().send();
        let mut principals = Vec::new();
        while let Some(principal) = pages.next().await {
            principals.push(principal.map_err(|error| self.explain(&LIST_ACCESS_ENTRIES, "", &error))?);
        }
        // The order of pages is the API's own; a plan is the same whatever it is.
        principals.sort_unstable();
        principals.dedup();
        let entries = stream::iter(principals).map(|principal| async move { self.entry(principal).await });
        let entries: Vec<Option<Entry>> = entries.buffered(AT_ONCE).try_collect().await?;
        Ok(entries.into_iter().flatten().collect())
    }

    async fn entry(&self, principal: String) -> Result<Option<Entry>, AwsError> {
        let asked = self.client.describe_access_entry().cluster_name(self.name).principal_arn(&principal).send().await;
        let described = asked.map_err(|error| self.explain(&DESCRIBE_ACCESS_ENTRY, &principal, &error));
        let Some(described) = unless_gone(described)?.and_then(|answer| answer.access_entry) else { return Ok(None) };
        let mut pages = self
            .client
            .list_associated_access_policies()
            .cluster_name(self.name)
            .principal_arn(&principal)
            .into_paginator()
            .page_size(PAGE)
            .send();
        let mut policies = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.explain(&LIST_ASSOCIATED_ACCESS_POLICIES, &principal, &error));
            let Some(page) = unless_gone(page)? else { return Ok(None) };
            policies.extend(page.associated_access_policies.unwrap_or_default().into_iter().map(association));
        }
        Ok(Some(entry(principal, described, policies)))
    }

    pub(super) fn explain<E>(
        &self,
        action: &'static Action,
        principal: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> AwsError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        AwsError::explain(self.aws.call(action, &self.about(principal)), error)
    }

    fn about(&self, principal: &str) -> String {
        let name = self.name;
        if principal.is_empty() { format!("cluster {name}") } else { format!("cluster {name}, {principal}") }
    }
}

/// Nothing, where what was asked for is not there any more.
fn unless_gone<T>(asked: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match asked {
        Err(error) if error.trouble() == Trouble::NotFound => Ok(None),
        asked => asked.map(Some),
    }
}

fn described(answer: &DescribeClusterOutput) -> Option<Described> {
    let cluster = answer.cluster()?;
    let authorities = cluster.certificate_authority().and_then(|authority| authority.data());
    // Clusters that are older than access entries have no such setting.
    let mode = cluster.access_config().and_then(|config| config.authentication_mode());
    Some(Described {
        cluster: Cluster::of(cluster.arn()?)?,
        endpoint: cluster.endpoint().unwrap_or_default().to_owned(),
        authorities: authorities.map(certificates).unwrap_or_default(),
        mode: mode.map_or(AuthenticationMode::ConfigMap, |mode| AuthenticationMode::of(mode.as_str())),
    })
}

fn entry(principal: String, described: AccessEntry, policies: Vec<Association>) -> Entry {
    Entry {
        principal,
        kind: EntryType::of(described.r#type.as_deref().unwrap_or("STANDARD")),
        username: Template::new(described.username.unwrap_or_default()),
        groups: described.kubernetes_groups.unwrap_or_default().into_iter().map(Template::new).collect(),
        policies,
    }
}

fn association(associated: AssociatedAccessPolicy) -> Association {
    let scope = associated.access_scope.map_or_else(|| AccessScope::Unknown(String::new()), scope);
    Association { policy: associated.policy_arn.unwrap_or_default(), scope }
}

fn scope(scope: Scope) -> AccessScope {
    match scope.r#type {
        Some(AccessScopeType::Cluster) => AccessScope::Cluster,
        Some(AccessScopeType::Namespace) => AccessScope::Namespace(
            scope.namespaces.unwrap_or_default().into_iter().map(NamespacePattern::new).collect(),
        ),
        other => AccessScope::Unknown(other.map(|kind| kind.as_str().to_owned()).unwrap_or_default()),
    }
}

/// The certificates of a text of PEM in Base64, each in DER.
fn certificates(data: &str) -> Vec<Vec<u8>> {
    let pem = base64::decode(data.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let bodies = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    let body = |text: &str| {
        let text: String = text.split("-----END").next()?.split_whitespace().collect();
        base64::decode(text).ok()
    };
    bodies.filter_map(body).collect()
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::base64;
    use rstest::rstest;

    use super::certificates;

    fn pem(certificates: &[Vec<u8>]) -> String {
        let one = |bytes: &Vec<u8>| {
            let (head, tail) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
            let text = base64::encode(bytes);
            let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("{head}\n{}\n{tail}\n", lines.join("\n"))
        };
        base64::encode(certificates.iter().map(one).collect::<String>())
    }

    #[rstest]
    #[case::one(vec![vec![1; 100]])]
    #[case::two_while_one_takes_the_others_place(vec![vec![1; 3], vec![2; 200]])]
    #[case::none(Vec::new())]
    fn every_certificate_of_the_bundle_is_read(#[case] given: Vec<Vec<u8>>) {
        assert_eq!(certificates(&pem(&given)), given);
    }

    #[rstest]
    #[case("")]
    #[case("?")]
    #[case("bm8gUEVN")]
    fn what_is_no_certificate_is_none(#[case] data: &str) {
        assert!(certificates(data).is_empty());
    }
}
