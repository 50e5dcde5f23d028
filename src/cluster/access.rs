//! Asking the API server whether somebody may do something. Nothing is created by it.

use std::collections::BTreeMap;

use futures::future::join_all;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
    SubjectAccessReview, SubjectAccessReviewSpec, SubjectAccessReviewStatus,
};
use kube::api::PostParams;
use kube::{Api, Client};

use super::error::in_words;
use super::retry::patiently;
use crate::semantics::rbac::Subject;

/// What somebody may do or not.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "each is made to be asked, and none is kept")]
pub enum What {
    /// A verb on a resource.
    Resource(ResourceAttributes),
    /// A verb on a path.
    Path(NonResourceAttributes),
}

impl What {
    /// A verb on the objects of a kind; what is empty is left out: no group is the core group, no namespace the whole
    /// cluster.
    #[must_use]
    pub fn on(verb: &str, group: &str, resource: &str, subresource: &str, namespace: &str) -> Self {
        Self::Resource(on(verb, group, resource, subresource, namespace))
    }

    /// What every authenticated subject may: ask what it may do itself. A subject that is refused even this is known
    /// to nobody, and its other refusals show nothing.
    #[must_use]
    pub fn everybody() -> Self {
        Self::on("create", "authorization.k8s.io", "selfsubjectaccessreviews", "", "")
    }
}

/// The attributes of [`What::on`].
#[must_use]
pub fn on(verb: &str, group: &str, resource: &str, subresource: &str, namespace: &str) -> ResourceAttributes {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    ResourceAttributes {
        verb: text(verb),
        group: text(group),
        resource: text(resource),
        subresource: text(subresource),
        namespace: text(namespace),
        ..ResourceAttributes::default()
    }
}

/// What the API server's authorizers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Their reason; often empty.
    pub reason: String,
}

/// Asks the authorizers whether a subject may do something.
///
/// # Errors
/// Why it was not told, in the API server's words. An authorizer that failed has told nothing, whatever the review's
/// answer is: only what is allowed all the same counts.
pub async fn may(client: &Client, who: &Subject, what: What) -> Result<Ruling, String> {
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let (resource_attributes, non_resource_attributes) = match what {
        What::Resource(resource) => (Some(resource), None),
        What::Path(path) => (None, Some(path)),
    };
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: who.user_name().map(ToOwned::to_owned),
            groups: Some(who.groups().to_vec()),
            resource_attributes,
            non_resource_attributes,
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let plainly = PostParams::default();
    let reviewed = patiently(|| reviews.create(&plainly, &review)).await.map_err(|error| in_words(&error))?;
    read(reviewed.status)
}

/// What the authorizers said of a subject: each way that was asked for, and the control case, which every authenticated
/// subject may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// Each way: whether it is allowed, or why that was not told.
    pub ways: BTreeMap<String, Result<bool, String>>,
    /// Whether it may do what everybody may.
    pub control: Result<bool, String>,
}

/// Asks the authorizers for several ways of a subject at once, beside the control case.
pub async fn review(client: &Client, who: &Subject, ways: Vec<(String, What)>) -> Reviewed {
    let allowed = async |what| may(client, who, what).await.map(|ruling| ruling.allowed);
    let allowed = &allowed;
    let asked = ways.into_iter().map(|(way, what)| async move { (way, allowed(what).await) });
    Reviewed { ways: join_all(asked).await.into_iter().collect(), control: allowed(What::everybody()).await }
}

/// Asks the authorizers whether the runner itself may do something.
///
/// # Errors
/// As [`may`].
pub async fn may_i(client: &Client, what: ResourceAttributes) -> Result<Ruling, String> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let spec =
        SelfSubjectAccessReviewSpec { resource_attributes: Some(what), ..SelfSubjectAccessReviewSpec::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let plainly = PostParams::default();
    let reviewed = patiently(|| reviews.create(&plainly, &review)).await.map_err(|error| in_words(&error))?;
    read(reviewed.status)
}

/// Who the runner is to the API server: its user's name and groups.
///
/// # Errors
/// Why it was not told, in the API server's words.
pub async fn who_am_i(client: &Client) -> Result<(String, Vec<String>), String> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let (plainly, review) = (PostParams::default(), SelfSubjectReview::default());
    let review = patiently(|| reviews.create(&plainly, &review)).await.map_err(|error| in_words(&error))?;
    let user = review.status.and_then(|status| status.user_info).unwrap_or_default();
    Ok((user.username.unwrap_or_default(), user.groups.unwrap_or_default()))
}

pub(super) fn read(status: Option<SubjectAccessReviewStatus>) -> Result<Ruling, String> {
    let Some(status) = status else { return Err("the review came back without an answer".to_owned()) };
    match status.evaluation_error {
        Some(error) if !status.allowed && !error.is_empty() => Err(error),
        _ => Ok(Ruling { allowed: status.allowed, reason: status.reason.unwrap_or_default() }),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::authorization::v1::SubjectAccessReviewStatus;
    use rstest::rstest;

    use super::{Ruling, read};

    #[rstest]
    #[case::allowed(true, "", Ok(true))]
    #[case::refused(false, "", Ok(false))]
    #[case::allowed_though_another_failed(true, "webhook: timeout", Ok(true))]
    #[case::an_authorizer_that_failed_refuses_nothing(false, "webhook: timeout", Err("webhook: timeout"))]
    fn a_failed_authorizer_is_no_refusal(
        #[case] allowed: bool,
        #[case] evaluation_error: &str,
        #[case] told: Result<bool, &str>,
    ) {
        let status = SubjectAccessReviewStatus {
            allowed,
            evaluation_error: Some(evaluation_error.to_owned()),
            reason: Some("its words".to_owned()),
            ..SubjectAccessReviewStatus::default()
        };
        let ruling = |allowed| Ruling { allowed, reason: "its words".to_owned() };
        assert_eq!(read(Some(status)), told.map(ruling).map_err(str::to_owned));
    }

    #[test]
    fn a_review_without_an_answer_says_nothing() {
        assert!(read(None).is_err());
    }
}
