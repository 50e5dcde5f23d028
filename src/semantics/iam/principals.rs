//! `Principal` and `NotPrincipal` ([Principal], [NotPrincipal]).
//!
//! [Principal]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
//! [NotPrincipal]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html

use super::arn::{AccountId, Arn};
use super::doubt::{Held, Rule};
use super::request::{Kind, Principal, Who, name_of};

/// Someone whom a policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// `"*"`.
    Everyone,
    /// `{"AWS": "*"}`.
    EveryAws,
    Account(AccountId),
    Role(Arn),
    User(Arn),
    Session(Arn),
    /// An ARN that none of the modelled principals has, such as a federated user's.
    OtherArn,
    Id(Box<str>),
    Service(Box<str>),
    /// An identity provider: it asks for a role, with no principal of its own.
    Federated,
    CanonicalUser(Box<str>),
}

impl Named {
    /// Reads what stands under `AWS`.
    pub(super) fn aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::EveryAws);
        }
        if let Some(account) = AccountId::parse(text) {
            return Some(Self::Account(account));
        }
        if is_unique_id(text) {
            return Some(Self::Id(text.into()));
        }
        let arn = Arn::parse(text).filter(|_| !text.contains(['*', '?']))?;
        let kind = arn.resource().split_once('/').map_or(arn.resource(), |(kind, _)| kind);
        match (arn.service(), kind, arn.account()) {
            ("iam", "root", Some(account)) if arn.resource() == "root" => Some(Self::Account(account)),
            ("iam", "role", Some(_)) => Some(Self::Role(arn)),
            ("iam", "user", Some(_)) => Some(Self::User(arn)),
            ("sts", "assumed-role", Some(_)) if arn.resource().split('/').count() > 2 => Some(Self::Session(arn)),
            ("sts", "federated-user", Some(_)) | ("iam", "user", None) => Some(Self::OtherArn),
            _ => None,
        }
    }
}

/// Ids of principals: `AROA` of roles, `AIDA` of users, `AGPA` and others, and at least sixteen letters and digits.
fn is_unique_id(text: &str) -> bool {
    let known = ["AROA", "AIDA", "AGPA", "AIPA", "ANPA"].iter().any(|prefix| text.starts_with(prefix));
    known && text.len() >= 16 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// How a policy that names a principal means it: what it grants depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grades<'p> {
    /// The principal itself, whoever else limits it: a user's or a session's ARN, a service, everybody.
    pub(super) itself: Held<'p>,
    /// The role of the session that asks.
    pub(super) role: Held<'p>,
    /// The account that it is of.
    pub(super) account: Held<'p>,
}

impl<'p> Grades<'p> {
    pub(super) const NONE: Self = Self { itself: Held::No, role: Held::No, account: Held::No };

    /// Whether it is named in any way.
    pub(super) fn any(self) -> Held<'p> {
        self.itself.or(|| self.role).or(|| self.account)
    }
}

/// Whom a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Principals {
    These(Vec<Named>),
    /// Everybody else.
    AllBut(Vec<Named>),
}

impl Principals {
    /// How the principal is named. `NotPrincipal` names whoever it does not except.
    pub(super) fn grades(&self, principal: &Principal, denies: bool, bounded: bool) -> Grades<'_> {
        match self {
            Self::These(named) => grades(named, principal),
            Self::AllBut(named) => Grades { itself: left(named, principal, denies, bounded), ..Grades::NONE },
        }
    }
}

fn grades<'p>(named: &'p [Named], principal: &Principal) -> Grades<'p> {
    named.iter().fold(Grades::NONE, |all, one| {
        let more = one.grade(principal);
        Grades {
            itself: all.itself.or(|| more.itself),
            role: all.role.or(|| more.role),
            account: all.account.or(|| more.account),
        }
    })
}

impl Named {
    fn grade(&self, principal: &Principal) -> Grades<'_> {
        let itself = |held| Grades { itself: held, ..Grades::NONE };
        let (own_account, kind) = match &principal.0 {
            Who::Service(name) => {
                return itself(match self {
                    Self::Everyone => Held::Yes(()),
                    Self::EveryAws => Held::doubtful(Rule::AwsWildcardAndServices, ""),
                    Self::Service(own) => Held::of(own == name),
                    _ => Held::No,
                });
            }
            Who::Of { account, kind } => (*account, kind),
        };
        #[allow(clippy::match_same_arms, reason = "a row for each kind of name")]
        match (self, kind) {
            (Self::Everyone | Self::EveryAws, _) => itself(Held::Yes(())),
            // The account's ARN is that of its root user, too.
            (Self::Account(account), Kind::Root) => itself(Held::of(*account == own_account)),
            (Self::Account(account), _) => Grades { account: Held::of(*account == own_account), ..Grades::NONE },
            (Self::User(arn), Kind::User { arn: own }) => itself(Held::of(arn == own)),
            (Self::Role(arn), Kind::Session { role, .. }) => Grades {
                role: if *arn == role.arn {
                    Held::Yes(())
                } else if !role.path_known
                    && arn.account() == Some(own_account)
                    && name_of(arn.resource()) == role.name()
                {
                    Held::doubtful(Rule::RolePath, arn.as_str())
                } else {
                    Held::No
                },
                ..Grades::NONE
            },
            (Self::Session(arn), Kind::Session { session: Some(own), .. }) => itself(Held::of(arn == own)),
            (Self::Session(arn), Kind::Session { role, session: None }) => {
                let of_role = format!("assumed-role/{}/", role.name());
                let may = arn.account() == Some(own_account) && arn.resource().starts_with(&of_role);
                itself(if may { Held::doubtful(Rule::SessionName, arn.as_str()) } else { Held::No })
            }
            (Self::Id(id), _) => itself(Held::doubtful(Rule::PrincipalId, id)),
            (Self::CanonicalUser(id), _) => itself(Held::doubtful(Rule::CanonicalUser, id)),
            _ => Grades::NONE,
        }
    }
}

/// Whether `NotPrincipal` leaves the principal among those whom the statement is about.
///
/// "When you use `NotPrincipal`, you must also specify the account ARN of the not-denied principal. Otherwise, the policy
/// might deny access to the entire account": so the account is needed, and of a session its role.
fn left<'p>(named: &'p [Named], principal: &Principal, denies: bool, bounded: bool) -> Held<'p> {
    if named.is_empty() {
        return Held::doubtful(Rule::EmptyValues, "NotPrincipal");
    }
    let found = grades(named, principal);
    if denies && bounded && matches!(principal.0, Who::Of { kind: Kind::User { .. } | Kind::Session { .. }, .. }) {
        // "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions
        // boundary policy attached, regardless of the values specified in the NotPrincipal element."
        return Held::Yes(());
    }
    let everybody = named.iter().any(|one| matches!(one, Named::Everyone | Named::EveryAws));
    let excepted = match &principal.0 {
        Who::Service(_) | Who::Of { kind: Kind::Root, .. } => found.itself,
        Who::Of { .. } if everybody => found.itself,
        Who::Of { kind: Kind::User { .. }, .. } => found.itself.and(|| found.account),
        Who::Of { kind: Kind::Session { .. }, .. } => found.role.and(|| found.account),
    };
    let left = if excepted.is_no() && !found.any().is_no() {
        Held::doubtful(Rule::PartialNotPrincipal, "NotPrincipal")
    } else {
        excepted.negated()
    };
    if denies { left } else { left.in_doubt(Rule::NotPrincipalWithAllow, "") }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("*", Some(Named::EveryAws))]
    #[case("111122223333", Some(Named::Account(AccountId::parse("111122223333").unwrap())))]
    #[case("arn:aws:iam::111122223333:root", Some(Named::Account(AccountId::parse("111122223333").unwrap())))]
    #[case("arn:aws:sts::111122223333:federated-user/ann", Some(Named::OtherArn))]
    #[case("AROAEXAMPLEEXAMPLE12", Some(Named::Id("AROAEXAMPLEEXAMPLE12".into())))]
    #[case("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1", Some(Named::OtherArn))]
    #[case("arn:aws:iam::111122223333:role/app-*", None)]
    #[case("arn:aws:sts::111122223333:assumed-role/app/*", None)]
    #[case("arn:aws:sts::111122223333:assumed-role/app", None)]
    #[case("arn:aws:iam::111122223333:group/admins", None)]
    #[case("arn:aws:iam::*:root", None)]
    #[case("ann", None)]
    #[case("", None)]
    fn reads(#[case] text: &str, #[case] wanted: Option<Named>) {
        assert_eq!(Named::aws(text), wanted);
    }
}
