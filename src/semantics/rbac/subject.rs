//! Who asks, with the groups that the API server adds; and whom a binding names.

use std::fmt;

use k8s_openapi::api::rbac::v1 as api;

const SERVICE_ACCOUNT: &str = "system:serviceaccount:";
const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";
const ANONYMOUS: &str = "system:anonymous";
const MASTERS: &str = "system:masters";

/// Who asks: a user's name, and all its groups.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    user: Option<String>,
    groups: Vec<String>,
}

impl Subject {
    /// A service account: its user's name and groups are those of its tokens (`ServiceAccountInfo.UserInfo`).
    #[must_use]
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self::of(Some(user_name(namespace, name)), account_groups(namespace).to_vec())
    }

    /// A user with the groups that its authentication tells. One that is named as a service account is that service
    /// account; `system:anonymous` is nobody in particular.
    #[must_use]
    pub fn user(name: &str, groups: impl IntoIterator<Item = String>) -> Self {
        let mut all: Vec<String> = match (name, split_user_name(name)) {
            (ANONYMOUS, _) => vec![UNAUTHENTICATED.to_owned()],
            (_, Some((namespace, _))) => account_groups(namespace).to_vec(),
            _ => Vec::new(),
        };
        all.extend(groups);
        Self::of(Some(name.to_owned()), all)
    }

    /// Whichever service account of a namespace: what all of them may do.
    #[must_use]
    pub fn any_service_account(namespace: &str) -> Self {
        Self::of(None, account_groups(namespace).to_vec())
    }

    /// Who is known as a member of a group alone: what every member may do. Membership of a namespace's service accounts
    /// implies no other, for a certificate can tell of it without that of all service accounts.
    #[must_use]
    pub fn group(name: &str, groups: impl IntoIterator<Item = String>) -> Self {
        let mut all = vec![name.to_owned()];
        all.extend(groups);
        Self::of(None, all)
    }

    /// Who has not said who they are.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::user(ANONYMOUS, [])
    }

    /// Adds `system:authenticated`, as `AuthenticatedGroupAdder` does.
    fn of(user: Option<String>, mut groups: Vec<String>) -> Self {
        let told = |group: &String| group == AUTHENTICATED || group == UNAUTHENTICATED;
        if !groups.iter().any(told) {
            groups.push(AUTHENTICATED.to_owned());
        }
        groups.sort_unstable();
        groups.dedup();
        Self { user, groups }
    }

    /// The user's name; none of a group's member in general.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// All groups, sorted.
    #[must_use]
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Whether no authorizer is asked: the API server allows members of this group everything.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }
}

/// The name of a service account's user (`MakeUsername`).
pub(super) fn user_name(namespace: &str, name: &str) -> String {
    format!("{SERVICE_ACCOUNT}{namespace}:{name}")
}

fn account_groups(namespace: &str) -> [String; 2] {
    [SERVICE_ACCOUNTS.to_owned(), format!("{SERVICE_ACCOUNTS}:{namespace}")]
}

/// Namespace and name of a service account, from its user's name (`SplitUsername`).
fn split_user_name(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT)?.split_once(':')?;
    let plain = |text: &str, dots: bool| {
        let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        text.starts_with(ends)
            && text.ends_with(ends)
            && text.chars().all(|c| ends(c) || c == '-' || (dots && c == '.'))
    };
    (plain(namespace, false) && plain(name, true)).then_some((namespace, name))
}

/// A subject as a binding names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BoundSubject {
    /// A user.
    User(String),
    /// A group.
    Group(String),
    /// A service account; without a namespace in a RoleBinding it is of that binding's.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl BoundSubject {
    /// Reads a subject of a binding in this namespace, or of a ClusterRoleBinding (`appliesToUser`). `None` where it
    /// can be nobody: of another kind, or a service account of no namespace.
    pub(super) fn read(subject: &api::Subject, namespace: Option<&str>) -> Option<Self> {
        let name = subject.name.clone();
        match subject.kind.as_str() {
            "User" => Some(Self::User(name)),
            "Group" => Some(Self::Group(name)),
            "ServiceAccount" => {
                let own = subject.namespace.as_deref().filter(|namespace| !namespace.is_empty());
                let namespace = own.or(namespace)?.to_owned();
                Some(Self::ServiceAccount { namespace, name })
            }
            _ => None,
        }
    }

    /// Whether it is this subject.
    pub(super) fn is(&self, subject: &Subject) -> bool {
        match self {
            Self::User(name) => subject.user_name() == Some(name),
            Self::Group(name) => subject.groups.contains(name),
            Self::ServiceAccount { namespace, name } => {
                let rest = subject.user_name().and_then(|user| user.strip_prefix(SERVICE_ACCOUNT));
                rest.and_then(|rest| rest.strip_prefix(namespace.as_str())?.strip_prefix(':')) == Some(name)
            }
        }
    }
}

impl fmt::Display for BoundSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "User {name}"),
            Self::Group(name) => write!(f, "Group {name}"),
            Self::ServiceAccount { namespace, name } => write!(f, "ServiceAccount {namespace}/{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::account(
        Subject::service_account("a", "app"),
        "system:authenticated system:serviceaccounts system:serviceaccounts:a"
    )]
    #[case::user(Subject::user("ann", ["dev".to_owned()]), "dev system:authenticated")]
    #[case::authenticated_once(Subject::user("ann", ["system:authenticated".to_owned()]), "system:authenticated")]
    #[case::not_authenticated(Subject::user("ann", ["system:unauthenticated".to_owned()]), "system:unauthenticated")]
    #[case::anonymous(Subject::anonymous(), "system:unauthenticated")]
    #[case::member(Subject::group("dev", []), "dev system:authenticated")]
    #[case::everybody(Subject::group("system:authenticated", []), "system:authenticated")]
    #[case::accounts(Subject::group("system:serviceaccounts:a", []), "system:authenticated system:serviceaccounts:a")]
    #[case::no_account(Subject::user("system:serviceaccount:a:b:c", []), "system:authenticated")]
    #[case::no_account_either(Subject::user("system:serviceaccount:A:b", []), "system:authenticated")]
    fn are_those_that_the_api_server_adds(#[case] subject: Subject, #[case] groups: &str) {
        assert_eq!(subject.groups().join(" "), groups);
    }

    #[test]
    fn a_user_with_the_name_of_a_service_account_is_that_service_account() {
        assert_eq!(Subject::user("system:serviceaccount:a:app", []), Subject::service_account("a", "app"));
        let bound = BoundSubject::ServiceAccount { namespace: "a".to_owned(), name: "app".to_owned() };
        assert!(bound.is(&Subject::user("system:serviceaccount:a:app", [])));
        assert!(!bound.is(&Subject::service_account("a", "app2")));
        assert!(!bound.is(&Subject::group("system:serviceaccounts:a", [])));
    }
}
