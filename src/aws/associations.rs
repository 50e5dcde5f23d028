//! The EKS API, about associations of EKS Pod Identity.

use aws_sdk_eks::types::{PodIdentityAssociation, PodIdentityAssociationSummary};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::eks::{AT_ONCE, Eks, PAGE};
use super::error::{AwsError, part};
use super::permissions::{DESCRIBE_POD_IDENTITY_ASSOCIATION, LIST_POD_IDENTITY_ASSOCIATIONS};
use crate::semantics::iam::estate::{AssociationDetail, AssociationInfo, Part};

/// The associations of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Associations {
    /// Those of the namespaces that were asked for.
    pub of_interest: Part<Vec<AssociationInfo>>,
    /// How many others there are; they were not read.
    pub others: usize,
}

impl Eks<'_> {
    /// Lists the associations of the cluster, and reads those of some namespaces. One that is deleted meanwhile is left
    /// out.
    ///
    /// # Errors
    /// [`AwsError`] where the credentials are not accepted.
    pub async fn associations(&self, of_interest: impl Fn(&str) -> bool) -> Result<Associations, AwsError> {
        let mut pages = self
            .client
            .list_pod_identity_associations()
            .cluster_name(self.name)
            .into_paginator()
            .page_size(PAGE)
            .items()
            .send();
        let (mut all, mut others) = (Vec::new(), 0);
        while let Some(one) = pages.next().await {
            match part(one.map_err(|error| self.explain(&LIST_POD_IDENTITY_ASSOCIATIONS, "", &error)))? {
                Part::Read(one) if of_interest(one.namespace.as_deref().unwrap_or_default()) => all.push(one),
                Part::Read(_) => others += 1,
                Part::Absent => {
                    return Ok(Associations { of_interest: Part::Unread("the cluster is gone".to_owned()), others: 0 });
                }
                Part::Unread(why) => return Ok(Associations { of_interest: Part::Unread(why), others: 0 }),
            }
        }
        let read = stream::iter(all).map(|one| self.association(one)).buffered(AT_ONCE);
        let mut read: Vec<AssociationInfo> = read.try_collect().await?;
        read.retain(|one| one.detail != Part::Absent);
        // The order of pages is the API's own.
        read.sort_by(|a, b| (a.service_account(), &a.id).cmp(&(b.service_account(), &b.id)));
        Ok(Associations { of_interest: Part::Read(read), others })
    }

    async fn association(&self, summary: PodIdentityAssociationSummary) -> Result<AssociationInfo, AwsError> {
        let id = summary.association_id.unwrap_or_default();
        let asked =
            self.client.describe_pod_identity_association().cluster_name(self.name).association_id(&id).send().await;
        let detail = part(asked.map_err(|error| self.explain(&DESCRIBE_POD_IDENTITY_ASSOCIATION, &id, &error)))?;
        let detail = match detail {
            Part::Read(answer) => answer.association.map_or_else(nothing, detailed),
            Part::Absent => Part::Absent,
            Part::Unread(why) => Part::Unread(why),
        };
        Ok(AssociationInfo {
            id,
            namespace: summary.namespace.unwrap_or_default(),
            service_account: summary.service_account.unwrap_or_default(),
            detail,
        })
    }
}

fn nothing() -> Part<AssociationDetail> {
    Part::Unread("an answer that can't be understood".to_owned())
}

fn detailed(described: PodIdentityAssociation) -> Part<AssociationDetail> {
    let Some(role) = described.role_arn else { return nothing() };
    Part::Read(AssociationDetail {
        role,
        target_role: described.target_role_arn.filter(|arn| !arn.is_empty()),
        external_id: described.external_id,
        tags_off: described.disable_session_tags.unwrap_or_default(),
        policy: described.policy.filter(|policy| !policy.is_empty()),
    })
}
