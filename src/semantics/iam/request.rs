//! A request: who asks for what, of which resource, in which context.

use std::fmt;

use thiserror::Error;

use super::arn::{AccountId, Arn};
use super::context::Context;

/// Why something is no part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// No ARN.
    #[error("{0:?} is no ARN")]
    NoArn(String),
    /// An ARN of another kind.
    #[error("{0:?} is no ARN of {1}")]
    OtherArn(String, &'static str),
    /// A session that has another role than the one that is given.
    #[error("the session {session} is not of the role {role}")]
    OtherRole {
        /// The session's ARN.
        session: String,
        /// The role's ARN or name.
        role: String,
    },
    /// No action of a service.
    #[error("{0:?} is no action: it is a service, a colon and a name, such as s3:GetObject, without wildcards")]
    Action(String),
    /// No service.
    #[error("{0:?} is no service principal: it is a name such as pods.eks.amazonaws.com")]
    Service(String),
    /// No resource.
    #[error("{0:?} is no resource: it is an ARN, or \"*\" where an action has no resource in particular")]
    Resource(String),
    /// A resource in another account than the one that is given.
    #[error("the resource {arn} is not in the account {account}")]
    OtherAccount {
        /// The resource's ARN.
        arn: String,
        /// The account that is said to have it.
        account: AccountId,
    },
}

/// The role of a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    pub(super) arn: Arn,
    /// Whether the path in its ARN is known: a session's ARN has only its name.
    pub(super) path_known: bool,
}

impl Role {
    /// The role's ARN; its path is none where it is not known.
    #[must_use]
    pub const fn arn(&self) -> &Arn {
        &self.arn
    }

    /// The role's name, without its path.
    pub(super) fn name(&self) -> &str {
        name_of(self.arn.resource())
    }
}

/// What a principal is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    User {
        arn: Arn,
    },
    Root,
    Session {
        role: Role,
        /// The ARN of the session; not known where it was given by its role alone.
        session: Option<Arn>,
    },
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal(pub(super) Who);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// Someone of an account.
    Of { account: AccountId, kind: Kind },
    /// An AWS service, by its own name.
    Service(Box<str>),
}

impl Principal {
    /// An IAM user, or the root user of an account (`arn:aws:iam::111122223333:root`).
    ///
    /// # Errors
    /// An ARN that is of neither. Sessions of federated users are not modelled.
    pub fn user(arn: &str) -> Result<Self, RequestError> {
        let (parsed, account) = of_account(arn, "iam", "an IAM user")?;
        let kind = match parsed.resource() {
            "root" => Kind::Root,
            resource if resource.starts_with("user/") => Kind::User { arn: parsed },
            _ => return Err(RequestError::OtherArn(arn.to_owned(), "an IAM user")),
        };
        Ok(Self(Who::Of { account, kind }))
    }

    /// A session of a role: by the session's ARN, and, where it is known, the role's, whose path the session's has not.
    /// A role's own ARN in place of the session's stands for a session whose name is not known.
    ///
    /// # Errors
    /// ARNs that are of no session and no role, or of different ones.
    pub fn session(arn: &str, role: Option<&str>) -> Result<Self, RequestError> {
        let what = "a session of a role";
        if Arn::parse(arn).is_some_and(|arn| arn.service() == "iam") {
            let (parsed, account) = of_account(arn, "iam", what)?;
            let named = parsed.resource().strip_prefix("role/").map(name_of);
            let Some(name) = named else { return Err(RequestError::OtherArn(arn.to_owned(), what)) };
            if role.is_some_and(|role| role != arn && role != name) {
                return Err(RequestError::OtherRole {
                    session: arn.to_owned(),
                    role: role.unwrap_or_default().to_owned(),
                });
            }
            let role = Role { arn: parsed, path_known: true };
            return Ok(Self(Who::Of { account, kind: Kind::Session { role, session: None } }));
        }
        let (session, account) = of_account(arn, "sts", what)?;
        let name = session.resource().strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/'));
        let Some((name, session_name)) = name else { return Err(RequestError::OtherArn(arn.to_owned(), what)) };
        if name.is_empty() || session_name.is_empty() {
            return Err(RequestError::OtherArn(arn.to_owned(), what));
        }
        let other = |role: &str| RequestError::OtherRole { session: arn.to_owned(), role: role.to_owned() };
        let role = match role {
            Some(role) if role.starts_with("arn:") => {
                let (parsed, of) = of_account(role, "iam", "a role")?;
                let fits = parsed.resource().strip_prefix("role/").map(name_of) == Some(name) && of == account;
                if !fits {
                    return Err(other(role));
                }
                Role { arn: parsed, path_known: true }
            }
            Some(role) if role != name => return Err(other(role)),
            _ => {
                let arn = format!("arn:{}:iam::{account}:role/{name}", session.partition());
                Role { arn: Arn::parse(&arn).ok_or(RequestError::NoArn(arn))?, path_known: false }
            }
        };
        Ok(Self(Who::Of { account, kind: Kind::Session { role, session: Some(session) } }))
    }

    /// An AWS service, such as `pods.eks.amazonaws.com`.
    ///
    /// # Errors
    /// What is no name of a service.
    pub fn service(name: &str) -> Result<Self, RequestError> {
        let named = name.contains('.') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        if named { Ok(Self(Who::Service(name.into()))) } else { Err(RequestError::Service(name.to_owned())) }
    }

    /// The account that it is of; a service is of none.
    #[must_use]
    pub const fn account(&self) -> Option<AccountId> {
        match &self.0 {
            Who::Of { account, .. } => Some(*account),
            Who::Service(_) => None,
        }
    }

    /// Whether it is a session of a service-linked role, which no organization's policy restricts.
    pub(super) fn is_service_linked(&self) -> bool {
        matches!(&self.0, Who::Of { kind: Kind::Session { role, .. }, .. }
            if role.arn.resource().starts_with("role/aws-service-role/"))
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Who::Of { kind: Kind::User { arn }, .. } => write!(f, "{arn}"),
            Who::Of { account, kind: Kind::Root } => write!(f, "the root user of {account}"),
            Who::Of { kind: Kind::Session { session: Some(session), .. }, .. } => write!(f, "{session}"),
            Who::Of { kind: Kind::Session { role, session: None }, .. } => write!(f, "a session of {}", role.arn),
            Who::Service(name) => f.write_str(name),
        }
    }
}

fn of_account(text: &str, service: &str, what: &'static str) -> Result<(Arn, AccountId), RequestError> {
    let arn = Arn::parse(text).ok_or_else(|| RequestError::NoArn(text.to_owned()))?;
    let account = arn.account().filter(|_| arn.service() == service);
    account.map(|account| (arn, account)).ok_or_else(|| RequestError::OtherArn(text.to_owned(), what))
}

/// What comes after the path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// What is asked for, such as `s3:GetObject`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Action {
    text: Box<str>,
    pub(super) lower: Box<str>,
}

impl Action {
    /// Reads an action.
    ///
    /// # Errors
    /// What is no service, colon and name.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let named =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        match text.split_once(':') {
            Some((service, name)) if named(service) && named(name) => {
                Ok(Self { text: text.into(), lower: text.to_ascii_lowercase().into() })
            }
            _ => Err(RequestError::Action(text.to_owned())),
        }
    }

    /// The action as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its service, in small letters.
    pub(super) fn service(&self) -> &str {
        self.lower.split_once(':').map_or("", |(service, _)| service)
    }
}

/// What it is asked of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    pub(super) text: Box<str>,
    pub(super) arn: Option<Arn>,
    pub(super) account: Option<AccountId>,
}

impl Resource {
    /// Reads an ARN, or `*` for actions that have no resource in particular. The account is needed where the ARN has
    /// none in it, as with S3; where it is not known, answers that depend on it are unknown.
    ///
    /// # Errors
    /// What is neither, and an account that the ARN contradicts.
    pub fn parse(text: &str, account: Option<AccountId>) -> Result<Self, RequestError> {
        let arn = Arn::parse(text);
        if arn.is_none() && text != "*" {
            return Err(RequestError::Resource(text.to_owned()));
        }
        let own = arn.as_ref().and_then(Arn::account);
        match (own, account) {
            (Some(own), Some(account)) if own != account => {
                Err(RequestError::OtherAccount { arn: text.to_owned(), account })
            }
            _ => Ok(Self { text: text.into(), arn, account: account.or(own) }),
        }
    }

    /// The resource as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is an IAM role, whose resource-based policy is its trust policy.
    #[must_use]
    pub fn is_role(&self) -> bool {
        self.is("iam", "role/")
    }

    /// Whether it is a KMS key.
    pub(super) fn is_key(&self) -> bool {
        self.is("kms", "key/")
    }

    fn is(&self, service: &str, kind: &str) -> bool {
        self.arn.as_ref().is_some_and(|arn| arn.service() == service && arn.resource().starts_with(kind))
    }
}

/// A request, as policies see it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// Who asks.
    pub principal: &'r Principal,
    /// For what.
    pub action: &'r Action,
    /// Of what.
    pub resource: &'r Resource,
    /// In which context.
    pub context: &'r Context,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/s1";

    #[rstest]
    #[case(SESSION, None, "arn:aws:iam::111122223333:role/app", false)]
    #[case(SESSION, Some("app"), "arn:aws:iam::111122223333:role/app", false)]
    #[case(SESSION, Some("arn:aws:iam::111122223333:role/x/app"), "arn:aws:iam::111122223333:role/x/app", true)]
    #[case("arn:aws:iam::111122223333:role/x/app", None, "arn:aws:iam::111122223333:role/x/app", true)]
    #[case("arn:aws:iam::111122223333:role/x/app", Some("app"), "arn:aws:iam::111122223333:role/x/app", true)]
    fn sessions(#[case] arn: &str, #[case] role: Option<&str>, #[case] wanted: &str, #[case] path_known: bool) {
        let principal = Principal::session(arn, role).unwrap();
        let Who::Of { kind: Kind::Session { role, .. }, .. } = &principal.0 else { panic!("{principal}") };
        assert_eq!((role.arn.as_str(), role.path_known, role.name()), (wanted, path_known, "app"));
        assert_eq!(principal.account().unwrap().to_string(), "111122223333");
    }

    #[rstest]
    #[case(Principal::session(SESSION, Some("other")))]
    #[case(Principal::session(SESSION, Some("arn:aws:iam::111122223333:role/other")))]
    #[case(Principal::session(SESSION, Some("arn:aws:iam::999999999999:role/app")))]
    #[case(Principal::session("arn:aws:sts::111122223333:assumed-role/app", None))]
    #[case(Principal::session("arn:aws:iam::111122223333:user/ann", None))]
    #[case(Principal::session("app", None))]
    #[case(Principal::user(SESSION))]
    #[case(Principal::user("arn:aws:sts::111122223333:federated-user/ann"))]
    #[case(Principal::user("arn:aws:iam::1:user/ann"))]
    #[case(Principal::service("*"))]
    #[case(Principal::service(""))]
    fn no_principal(#[case] principal: Result<Principal, RequestError>) {
        assert!(principal.is_err(), "{principal:?}");
    }

    #[rstest]
    fn no_action(#[values("", "*", "s3", "s3:", ":Get", "s3:Get*", "s3:Get:x", "s3:Get Object")] text: &str) {
        assert!(Action::parse(text).is_err());
    }

    #[test]
    fn resources() {
        let account = AccountId::parse("111122223333");
        let bucket = Resource::parse("arn:aws:s3:::b", account).unwrap();
        assert_eq!(bucket.account, account);
        let key = Resource::parse("arn:aws:kms:r:111122223333:key/1", None).unwrap();
        assert!(key.is_key() && !key.is_role() && key.account == account);
        assert!(Resource::parse("arn:aws:kms:r:111122223333:key/1", AccountId::parse("999999999999")).is_err());
        assert!(Resource::parse("bucket", account).is_err());
        assert_eq!(Resource::parse("*", None).unwrap().account, None);
    }
}
