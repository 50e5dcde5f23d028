//! What trust policies and associations of EKS Pod Identity leave open between tenants.
//!
//! A trust policy is not read for the conditions that it should have: it is asked whether it lets in a stranger, who is
//! as the workload that it is meant for but for one thing. So a condition that does the same by another key counts, and
//! one that looks right and is not met by the workload itself is found.

use std::collections::BTreeMap;

use super::arn::{AccountId, Arn};
use super::context::Context;
use super::decision::{Decision, Verdict};
use super::document::Document;
use super::evaluate::Policies;
use super::request::{Action, Principal, Request, RequestError, Resource};

/// The service that assumes roles for pods.
const SERVICE: &str = "pods.eks.amazonaws.com";

/// What a session of EKS Pod Identity is tagged with, unless its association turns tags off.
pub const SESSION_TAGS: [&str; 6] = [
    "eks-cluster-arn",
    "eks-cluster-name",
    "kubernetes-namespace",
    "kubernetes-service-account",
    "kubernetes-pod-name",
    "kubernetes-pod-uid",
];

/// Whether sessions carry tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionTags {
    /// As they do by default.
    On,
    /// `disableSessionTags`.
    Off,
}

/// Who gets a role's credentials: pods of a service account on a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Workload {
    /// The cluster's ARN, `arn:aws:eks:REGION:ACCOUNT:cluster/NAME`.
    pub cluster: Arn,
    /// Its namespace.
    pub namespace: String,
    /// Its service account.
    pub service_account: String,
}

/// An association of EKS Pod Identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// Who gets the role.
    pub workload: Workload,
    /// The role's ARN.
    pub role: Arn,
    /// A role that is assumed from the first, in whichever account.
    pub target_role: Option<Arn>,
    /// Whether sessions carry tags.
    pub session_tags: SessionTags,
}

/// Somebody whom a trust policy is not meant for: as the workload, but for one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stranger {
    /// On a cluster of another account.
    OtherAccount,
    /// On another cluster of the account, in a namespace of the same name.
    OtherCluster,
    /// In another namespace of the cluster.
    OtherNamespace,
    /// Under another service account of the namespace.
    OtherServiceAccount,
}

impl Stranger {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::OtherAccount, Self::OtherCluster, Self::OtherNamespace, Self::OtherServiceAccount];

    fn of(self, workload: &Workload) -> Option<Workload> {
        let mut other = workload.clone();
        match self {
            Self::OtherAccount => other.cluster = cluster(&workload.cluster, true)?,
            Self::OtherCluster => other.cluster = cluster(&workload.cluster, false)?,
            Self::OtherNamespace => other.namespace = another(&workload.namespace),
            Self::OtherServiceAccount => other.service_account = another(&workload.service_account),
        }
        Some(other)
    }
}

/// A name that is as long and like no other that a policy would name.
fn another(name: &str) -> String {
    let first = if name.starts_with('z') { "y" } else { "z" };
    format!("{first}{}", "q".repeat(name.chars().count().saturating_sub(1).max(2)))
}

/// Another cluster: of the same account by another name, or of another account by the same.
fn cluster(own: &Arn, other_account: bool) -> Option<Arn> {
    let [arn, partition, service, region, account, resource] = super::arn::parts(own.as_str())?;
    let (kind, name) = resource.split_once('/')?;
    let text = if other_account {
        let other = if account == "999999999999" { "888888888888" } else { "999999999999" };
        [arn, partition, service, region, other, resource].join(":")
    } else {
        [arn, partition, service, region, account, &format!("{kind}/{}", another(name))].join(":")
    };
    Arn::parse(&text)
}

/// What a trust policy says of a workload or a stranger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Who was asked about; nobody but the workload itself where it is `None`.
    pub stranger: Option<Stranger>,
    /// What was decided, never [`Verdict::Allowed`] for the workload itself, never a denial for a stranger.
    pub decision: Decision,
}

/// Asks a role's trust policy about the workload that it is meant for, and about strangers. What is told is what should
/// not be: that the workload is not let in, and each stranger who is, or may be.
///
/// Of the request it is assumed that it has the session's tags as `aws:RequestTag/…`, if they are on, and
/// `aws:SourceAccount` and `aws:SourceArn` of the cluster.
///
/// # Errors
/// An ARN that is of no role.
pub fn openings(
    trust: &Document,
    role: &Arn,
    workload: &Workload,
    tags: SessionTags,
) -> Result<Vec<Opening>, RequestError> {
    let resource = Resource::parse(role.as_str(), role.account())?;
    if !resource.is_role() {
        return Err(RequestError::OtherArn(role.to_string(), "a role"));
    }
    let service = Principal::service(SERVICE)?;
    let assume = Action::parse("sts:AssumeRole")?;
    let decide = |workload: &Workload| {
        let context = context(workload, tags);
        let policies = Policies { resource: Some(trust), ..Policies::default() };
        policies.decide(&Request { principal: &service, action: &assume, resource: &resource, context: &context })
    };
    let mut openings = Vec::new();
    let own = decide(workload);
    if own.verdict != Verdict::Allowed {
        openings.push(Opening { stranger: None, decision: own });
    }
    for stranger in Stranger::ALL {
        let Some(other) = stranger.of(workload) else { continue };
        let decision = decide(&other);
        if matches!(decision.verdict, Verdict::Allowed | Verdict::Unknown) {
            openings.push(Opening { stranger: Some(stranger), decision });
        }
    }
    Ok(openings)
}

fn context(workload: &Workload, tags: SessionTags) -> Context {
    let mut context = Context::new();
    if let Some(account) = workload.cluster.account() {
        context.set("aws:SourceAccount", [account.to_string()]);
    }
    context.set("aws:SourceArn", [workload.cluster.as_str()]);
    if tags == SessionTags::On {
        let name = workload.cluster.resource().split_once('/').map_or("", |(_, name)| name);
        let values = [workload.cluster.as_str(), name, &workload.namespace, &workload.service_account, "pod", "uid"];
        for (tag, value) in SESSION_TAGS.iter().zip(values) {
            context.set(&format!("aws:RequestTag/{tag}"), [value]);
        }
        context.set("aws:TagKeys", SESSION_TAGS);
    }
    context
}

/// A role that several workloads get: only the session's tags tell them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedRole<'a> {
    /// The role.
    pub role: &'a Arn,
    /// Those who get it, by association or as the target of one.
    pub associations: Vec<&'a Association>,
}

/// The roles that more than one workload gets, as `of` tells workloads apart (by tenant, say): those of one tenant may
/// share a role. Workloads that are of nobody count each for itself.
pub fn shared_roles<T: Ord>(associations: &[Association], of: impl Fn(&Workload) -> Option<T>) -> Vec<SharedRole<'_>> {
    let mut roles: BTreeMap<&Arn, Vec<&Association>> = BTreeMap::new();
    for association in associations {
        for role in std::iter::once(&association.role).chain(&association.target_role) {
            roles.entry(role).or_default().push(association);
        }
    }
    let shared = |sharers: &[&Association]| {
        let mut owners = sharers.iter().map(|association| (of(&association.workload), &association.workload));
        let Some((first, workload)) = owners.next() else { return false };
        owners.any(|(other, its)| other != first || other.is_none() && its != workload)
    };
    roles
        .into_iter()
        .filter(|(_, associations)| shared(associations))
        .map(|(role, associations)| SharedRole { role, associations })
        .collect()
}

/// A statement that reads a tag which the session has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagNeeded {
    /// The policy's name.
    pub document: String,
    /// The statement's number and `Sid`.
    pub statement: String,
    /// The key, in small letters, such as `aws:principaltag/kubernetes-namespace`.
    pub key: String,
}

/// The statements that read tags of EKS Pod Identity: where an association turns them off, an `Allow` that needs them
/// stops allowing, and a `Deny` with a negated or `…IfExists` operator may begin or stop to deny, without a word.
#[must_use]
pub fn tags_needed(documents: &[Document]) -> Vec<TagNeeded> {
    let is_tag = |key: &str| key.strip_prefix("aws:principaltag/").is_some_and(|tag| SESSION_TAGS.contains(&tag));
    let mut needed = Vec::new();
    for document in documents {
        for statement in &document.statements {
            let mut keys: Vec<&str> = statement.keys().filter(|key| is_tag(key)).collect();
            keys.sort_unstable();
            keys.dedup();
            needed.extend(keys.into_iter().map(|key| TagNeeded {
                document: document.name().to_owned(),
                statement: statement.label.to_string(),
                key: key.to_owned(),
            }));
        }
    }
    needed
}

/// The account of a cluster's ARN and of a role's, where they differ: a role of an association must be of the cluster's.
#[must_use]
pub fn foreign_role(association: &Association) -> Option<(AccountId, AccountId)> {
    let (own, other) = (association.workload.cluster.account()?, association.role.account()?);
    (own != other).then_some((own, other))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::document::PolicyKind;
    use super::*;

    fn workload(namespace: &str) -> Workload {
        Workload {
            cluster: Arn::parse("arn:aws:eks:eu-west-1:111122223333:cluster/one").unwrap(),
            namespace: namespace.to_owned(),
            service_account: "app".to_owned(),
        }
    }

    fn role(name: &str) -> Arn {
        Arn::parse(&format!("arn:aws:iam::111122223333:role/{name}")).unwrap()
    }

    fn trust(condition: &Value) -> Document {
        let text = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": condition,
        }});
        Document::parse("trust", &text.to_string(), PolicyKind::Trust)
    }

    fn found(condition: &Value, tags: SessionTags) -> Vec<(Option<Stranger>, Verdict)> {
        let openings = openings(&trust(condition), &role("shop"), &workload("shop"), tags).unwrap();
        openings.into_iter().map(|opening| (opening.stranger, opening.decision.verdict)).collect()
    }

    fn open_to(strangers: &[Stranger]) -> Vec<(Option<Stranger>, Verdict)> {
        strangers.iter().map(|stranger| (Some(*stranger), Verdict::Allowed)).collect()
    }

    #[rstest]
    #[case(json!({}), &Stranger::ALL)]
    #[case(
        json!({"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        &[Stranger::OtherCluster, Stranger::OtherNamespace, Stranger::OtherServiceAccount]
    )]
    #[case(
        json!({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "shop", "aws:RequestTag/kubernetes-service-account": "app"}}),
        &[Stranger::OtherAccount, Stranger::OtherCluster]
    )]
    #[case(
        json!({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "shop"},
            "ArnEquals": {"aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:111122223333:cluster/one"}}),
        &[Stranger::OtherServiceAccount]
    )]
    #[case(
        json!({"StringLike": {"aws:RequestTag/kubernetes-namespace": "sh*", "aws:RequestTag/kubernetes-service-account": "app"},
            "ArnLike": {"aws:SourceArn": "arn:aws:eks:*:111122223333:cluster/one"}}),
        &[]
    )]
    fn strangers_are_found(#[case] condition: Value, #[case] strangers: &[Stranger]) {
        assert_eq!(found(&condition, SessionTags::On), open_to(strangers));
    }

    #[test]
    fn a_trust_that_does_not_fit_its_workload_is_found() {
        let condition = json!({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "pay"}});
        assert_eq!(found(&condition, SessionTags::On), [(None, Verdict::ImplicitDeny)]);
        // Without tags a condition on them shuts everybody out.
        let condition = json!({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "shop"}});
        assert_eq!(found(&condition, SessionTags::Off), [(None, Verdict::ImplicitDeny)]);
        let condition = json!({"StringEqualsIfExists": {"aws:RequestTag/kubernetes-namespace": "shop"}});
        assert_eq!(found(&condition, SessionTags::Off), open_to(&Stranger::ALL), "nothing tells them apart");
    }

    #[test]
    fn what_is_not_understood_may_be_open() {
        let condition = json!({"StringSounds": {"aws:RequestTag/kubernetes-namespace": "shop"}});
        let found = found(&condition, SessionTags::On);
        assert_eq!(found.len(), 5);
        assert!(found.iter().all(|(_, verdict)| *verdict == Verdict::Unknown));
        assert!(
            openings(&trust(&json!({})), &Arn::parse("arn:aws:s3:::b").unwrap(), &workload("a"), SessionTags::On)
                .is_err()
        );
    }

    #[test]
    fn shared_roles_are_found() {
        let of = |namespace: &str, name: &str, target: Option<&str>| Association {
            workload: workload(namespace),
            role: role(name),
            target_role: target.map(role),
            session_tags: SessionTags::On,
        };
        let associations = [
            of("shop", "shop", None),
            of("shop-jobs", "shop", None),
            of("pay", "pay", Some("data")),
            of("news", "news", Some("data")),
            of("x", "loose", None),
            of("y", "loose", None),
        ];
        let tenant = |workload: &Workload| match &*workload.namespace {
            "x" | "y" => None,
            other => Some(other.split('-').next().unwrap_or_default().to_owned()),
        };
        let shared: Vec<(&str, usize)> = shared_roles(&associations, tenant)
            .iter()
            .map(|shared| (shared.role.resource(), shared.associations.len()))
            .collect();
        assert_eq!(shared, [("role/data", 2), ("role/loose", 2)]);
        assert_eq!(foreign_role(&associations[0]), None);
        let foreign =
            Association { role: Arn::parse("arn:aws:iam::444455556666:role/x").unwrap(), ..associations[0].clone() };
        assert_eq!(foreign_role(&foreign).map(|(_, other)| other.to_string()).as_deref(), Some("444455556666"));
    }

    #[test]
    fn statements_that_need_tags_are_found() {
        let text = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Own", "Effect": "Allow", "Action": "s3:*",
                "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/kubernetes-namespace}/*"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "*",
                "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalTag/eks-cluster-arn": "${aws:PrincipalTag/team}"}}},
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "a"}}},
        ]});
        let document = Document::parse("p", &text.to_string(), PolicyKind::Identity);
        let needed: Vec<(String, String)> =
            tags_needed(&[document]).into_iter().map(|needed| (needed.statement, needed.key)).collect();
        assert_eq!(
            needed,
            [
                ("statement 1 (\"Own\")".to_owned(), "aws:principaltag/kubernetes-namespace".to_owned()),
                ("statement 2".to_owned(), "aws:principaltag/eks-cluster-arn".to_owned()),
            ]
        );
    }
}
