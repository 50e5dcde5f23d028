//! Who acts for a tenant, and what the authorizers say that they may do.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::ServiceAccount;
use serde::{Deserialize, Serialize};

use super::ruling::{Ruling, inconclusive};
use crate::model::Namespace;
use crate::semantics::kinds::SERVICE_ACCOUNTS;
use crate::semantics::{Snapshot, rbac};
use crate::tenancy::Subjects;

/// Service accounts of a namespace that are asked for one by one; the others only together.
const MOST_ACCOUNTS: usize = 20;

/// Somebody who acts for a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum Subject {
    /// A group of the tenancy.
    Group(String),
    /// A user of the tenancy.
    User(String),
    /// All service accounts of the namespace.
    ServiceAccounts,
    /// One of them.
    ServiceAccount(String),
}

impl Subject {
    /// The subject as the API server's authorizers know it.
    pub(super) fn known_in(&self, namespace: &Namespace) -> rbac::Subject {
        match self {
            Self::Group(group) => rbac::Subject::group(group, []),
            Self::User(user) => rbac::Subject::user(user, []),
            Self::ServiceAccounts => rbac::Subject::any_service_account(namespace.as_str()),
            Self::ServiceAccount(name) => rbac::Subject::service_account(namespace.as_str(), name),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group {name}"),
            Self::User(name) => write!(f, "user {name}"),
            Self::ServiceAccounts => f.write_str("its service accounts"),
            Self::ServiceAccount(name) => write!(f, "service account {name}"),
        }
    }
}

/// The subjects of a tenant, each with its name in reports: those that the tenancy names, and all service accounts of
/// each of its namespaces as one.
pub(super) fn of_tenant(declared: &Subjects, namespaces: &[Namespace]) -> Vec<(String, rbac::Subject)> {
    let groups = declared.groups.iter().map(|group| (format!("group {group}"), rbac::Subject::group(group, [])));
    let users = declared.users.iter().map(|user| (format!("user {user}"), rbac::Subject::user(user, [])));
    let accounts = namespaces.iter().map(|namespace| {
        (format!("any service account of {namespace}"), rbac::Subject::any_service_account(namespace.as_str()))
    });
    groups.chain(users).chain(accounts).collect()
}

/// Who acts for a tenant in one of its namespaces: those that the tenancy names, its service accounts together, and
/// each of the first by itself. Why others are not asked for goes to `not_tried`, once.
pub(super) fn in_namespace(
    declared: &Subjects,
    namespace: &Namespace,
    snapshot: &Snapshot,
    not_tried: &mut Vec<String>,
) -> Vec<Subject> {
    let groups = declared.groups.iter().cloned().map(Subject::Group);
    let users = declared.users.iter().cloned().map(Subject::User);
    let mut all: Vec<Subject> = groups.chain(users).chain([Subject::ServiceAccounts]).collect();
    let accounts: Vec<ServiceAccount> = snapshot.typed(&SERVICE_ACCOUNTS);
    let here = accounts.into_iter().filter(|one| one.metadata.namespace.as_deref() == Some(namespace.as_str()));
    let mut names: Vec<String> = here.filter_map(|one| one.metadata.name).collect();
    names.sort_unstable();
    let mut say = |why: String| {
        if !not_tried.contains(&why) {
            not_tried.push(why);
        }
    };
    if let Some(why) = snapshot.why_unread(&SERVICE_ACCOUNTS, Some(namespace.as_str())) {
        say(format!("each service account of {namespace} by itself: they can't be read: {why}"));
    }
    if names.len() > MOST_ACCOUNTS {
        let left = names.split_off(MOST_ACCOUNTS).len();
        say(format!("{left} service accounts of {namespace} by themselves, beyond the first {MOST_ACCOUNTS}"));
    }
    all.extend(names.into_iter().map(Subject::ServiceAccount));
    all
}

/// What a subject may do, by the authorizers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewSeen {
    /// The user that was asked for.
    pub user: String,
    /// Its groups.
    pub groups: Vec<String>,
    /// Each way: whether it is allowed, or why that was not told.
    pub ways: BTreeMap<String, Result<bool, String>>,
    /// Whether the same subject may do what everybody may: the control case.
    pub control: Option<Result<bool, String>>,
}

impl ReviewSeen {
    /// Of what was told about a subject.
    pub(super) fn of(
        who: &rbac::Subject,
        ways: BTreeMap<String, Result<bool, String>>,
        control: Result<bool, String>,
    ) -> Self {
        let user = who.user_name().unwrap_or_default().to_owned();
        Self { user, groups: who.groups().to_vec(), ways, control: Some(control) }
    }

    /// The ways that are allowed.
    pub(super) fn allowed(&self) -> Vec<&str> {
        self.ways.iter().filter(|(_, allowed)| **allowed == Ok(true)).map(|(way, _)| way.as_str()).collect()
    }

    /// Why something was not told; `None` where all was.
    pub(super) fn silent(&self) -> Option<&str> {
        self.ways.values().chain(&self.control).find_map(|allowed| allowed.as_ref().err()).map(String::as_str)
    }

    /// Why denials of this subject prove nothing; `None` where they do.
    pub(super) fn unproved(&self, subject: &Subject, namespace: &Namespace) -> Option<Ruling> {
        if let Some(why) = self.silent() {
            let reason = format!("what {subject} may do in {namespace} was not told: {why}");
            return Some(inconclusive(
                "no-answer",
                reason,
                "let the runner create subjectaccessreviews, and run again",
            ));
        }
        if self.control == Some(Ok(true)) {
            return None;
        }
        let reason =
            format!("{subject} of {namespace} may not even ask for its own rights, so its other denials prove nothing");
        let remedy = "bind system:basic-user to system:authenticated, as Kubernetes does, or read the roles";
        Some(inconclusive("control-missing", reason, remedy))
    }
}
