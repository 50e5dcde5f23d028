//! IAM roles and users, by their ARNs: who can be let into an EKS cluster.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::nearest::Nearest;

/// An IAM role or user.
///
/// Source: "IAM identifiers" and "IAM and AWS STS quotas" of the IAM User Guide. Names of roles, and those of users, are
/// unique in an account whatever their case and path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub struct Principal {
    partition: String,
    account: String,
    kind: PrincipalKind,
    /// Empty, or with a slash at its end.
    path: String,
    name: String,
}

/// Role or user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// A role, which is assumed in sessions.
    Role,
    /// A user.
    User,
}

impl PrincipalKind {
    /// Its name in an ARN.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
        }
    }
}

impl Principal {
    /// Role or user.
    #[must_use]
    pub const fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// The account, in twelve digits.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The name, without its path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether both are one, though one may be written without the path: EKS leaves it out of the names that it makes, and
    /// `aws-auth` can't have it.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        (&self.partition, &self.account, self.kind) == (&other.partition, &other.account, other.kind)
            && self.name.eq_ignore_ascii_case(&other.name)
    }

    /// The ARN as the authenticator knows it: of a role without its path, which a session's ARN does not have.
    #[must_use]
    pub fn canonical(&self) -> String {
        let Self { partition, account, kind, path, name } = self;
        let path = if *kind == PrincipalKind::Role { "" } else { path.as_str() };
        format!("arn:{partition}:iam::{account}:{}/{path}{name}", kind.as_str())
    }

    /// Whether it is a role of an AWS service's own, for which nobody but AWS makes an access entry.
    #[must_use]
    pub fn is_service_linked(&self) -> bool {
        self.kind == PrincipalKind::Role && self.path.starts_with(SERVICE_LINKED)
    }
}

const SERVICE_LINKED: &str = "aws-service-role/";

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, account, kind, path, name } = self;
        write!(f, "arn:{partition}:iam::{account}:{}/{path}{name}", kind.as_str())
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.to_string()
    }
}

impl TryFrom<String> for Principal {
    type Error = NotAPrincipal;

    fn try_from(arn: String) -> Result<Self, NotAPrincipal> {
        arn.parse()
    }
}

/// Why a text is not the ARN of an IAM role or user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPrincipal {
    /// It has not the form of one.
    #[error("expected one such as `arn:aws:iam::111122223333:role/NAME`, or `…:user/NAME`")]
    Form,
    /// A session of a role.
    #[error("it is a session of a role; did you mean `{0}`?")]
    Session(Box<Principal>),
    /// Something of another service.
    #[error("it is something of `{0}`, not of `iam`")]
    Service(String),
    /// Something else of IAM.
    #[error("it is a `{0}`, neither a `role` nor a `user`{1}")]
    Resource(String, Nearest),
    /// An account that is none.
    #[error("`{0}` is not an account; one has twelve digits")]
    Account(String),
    /// A name or path that IAM does not take.
    #[error("`{0}` is not a name that IAM takes: up to 64 letters, digits and `+=,.@_-`, after a path or none")]
    Name(String),
}

impl FromStr for Principal {
    type Err = NotAPrincipal;

    fn from_str(arn: &str) -> Result<Self, NotAPrincipal> {
        let mut parts = arn.splitn(6, ':');
        let mut next = || parts.next().ok_or(NotAPrincipal::Form);
        let (scheme, partition, service, region, account, resource) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        if scheme != "arn" || !is_partition(partition) {
            return Err(NotAPrincipal::Form);
        }
        if !matches!(service, "iam" | "sts") {
            return Err(NotAPrincipal::Service(service.to_owned()));
        }
        if !region.is_empty() {
            return Err(NotAPrincipal::Form);
        }
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAPrincipal::Account(account.to_owned()));
        }
        let (of, rest) = resource.split_once('/').ok_or(NotAPrincipal::Form)?;
        let principal = |kind, rest: &str| {
            let (path, name) = rest.rsplit_once('/').map_or(("", rest), |(path, name)| (path, name));
            if !is_name(name) || !is_path(path) {
                return Err(NotAPrincipal::Name(rest.to_owned()));
            }
            let path = if path.is_empty() { String::new() } else { format!("{path}/") };
            let (partition, account, name) = (partition.to_owned(), account.to_owned(), name.to_owned());
            Ok(Self { partition, account, kind, path, name })
        };
        match (service, of) {
            ("iam", "role") => principal(PrincipalKind::Role, rest),
            ("iam", "user") => principal(PrincipalKind::User, rest),
            ("sts", "assumed-role") => {
                let role = rest.split('/').next().unwrap_or_default();
                Err(NotAPrincipal::Session(Box::new(principal(PrincipalKind::Role, role)?)))
            }
            ("sts", _) => Err(NotAPrincipal::Service(service.to_owned())),
            _ => Err(NotAPrincipal::Resource(of.to_owned(), Nearest::of(of, ["role", "user"]))),
        }
    }
}

/// `aws`, or one such as `aws-cn`.
fn is_partition(text: &str) -> bool {
    let more = text.strip_prefix("aws");
    more.is_some_and(|more| {
        more.is_empty()
            || (more.len() > 1
                && more.starts_with('-')
                && more.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase()))
    })
}

fn is_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(known)
}

/// A path without the slashes at its ends.
fn is_path(text: &str) -> bool {
    text.len() <= 510 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, proptest};
    use rstest::rstest;

    use super::{NotAPrincipal, Principal, PrincipalKind};

    fn principal(arn: &str) -> Principal {
        arn.parse().unwrap_or_else(|error| panic!("{arn}: {error}"))
    }

    #[rstest]
    #[case("arn:aws:iam::111122223333:role/dev", PrincipalKind::Role, "dev")]
    #[case("arn:aws-cn:iam::111122223333:user/team/Ann.B@c", PrincipalKind::User, "Ann.B@c")]
    #[case("arn:aws-us-gov:iam::111122223333:role/a/b/dev", PrincipalKind::Role, "dev")]
    fn roles_and_users_are_read(#[case] arn: &str, #[case] kind: PrincipalKind, #[case] name: &str) {
        let read = principal(arn);
        assert_eq!((read.kind(), read.name(), read.account()), (kind, name, "111122223333"));
        assert_eq!(read.to_string(), arn);
    }

    #[rstest]
    #[case("", "expected one such as")]
    #[case("role/dev", "expected one such as")]
    #[case("arn:aws:iam::111122223333:root", "expected one such as")]
    #[case("arn:azure:iam::111122223333:role/dev", "expected one such as")]
    #[case("arn:aws:iam:eu-west-1:111122223333:role/dev", "expected one such as")]
    #[case("arn:aws:s3:::bucket", "something of `s3`")]
    #[case("arn:aws:sts::111122223333:federated-user/Ann", "something of `sts`")]
    #[case("arn:aws:iam::1111:role/dev", "`1111` is not an account")]
    #[case("arn:aws:iam::111122223333:rol/dev", "did you mean `role`?")]
    #[case("arn:aws:iam::111122223333:group/dev", "it is a `group`, neither")]
    #[case("arn:aws:iam::111122223333:role/*", "`*` is not a name")]
    #[case("arn:aws:iam::111122223333:role/", "`` is not a name")]
    #[case("arn:aws:sts::111122223333:assumed-role/dev/ann", "did you mean `arn:aws:iam::111122223333:role/dev`?")]
    fn anything_else_is_said_to_be_what_it_is(#[case] arn: &str, #[case] said: &str) {
        let error: NotAPrincipal = arn.parse::<Principal>().unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }

    #[test]
    fn a_path_makes_no_other_principal_and_an_account_or_a_kind_does() {
        let role = principal("arn:aws:iam::111122223333:role/eng/Dev");
        assert!(role.is(&principal("arn:aws:iam::111122223333:role/dev")));
        assert!(!role.is(&principal("arn:aws:iam::444455556666:role/eng/Dev")));
        assert!(!role.is(&principal("arn:aws:iam::111122223333:user/eng/Dev")));
        assert!(!role.is(&principal("arn:aws-cn:iam::111122223333:role/eng/Dev")));
        assert_eq!(role.canonical(), "arn:aws:iam::111122223333:role/Dev");
        let user = principal("arn:aws:iam::111122223333:user/eng/Ann");
        assert_eq!(user.canonical(), user.to_string(), "a user's own ARN has the path");
    }

    #[test]
    fn roles_of_aws_services_are_told_apart() {
        let own = "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS";
        assert!(principal(own).is_service_linked());
        assert!(!principal("arn:aws:iam::111122223333:role/aws-service-role").is_service_linked());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn what_is_read_is_written_as_it_was(
            arn in "arn:aws(-cn)?:iam::[0-9]{12}:(role|user)/([a-z]{1,5}/){0,2}[A-Za-z0-9+=,.@_-]{1,64}"
        ) {
            let read = principal(&arn);
            assert_eq!(read.to_string(), arn);
            assert!(read.is(&principal(&read.canonical())));
        }

        #[test]
        fn no_text_is_a_trouble(text in ".{0,60}") {
            let _ = text.parse::<Principal>();
        }
    }
}
