//! What cannot be told, each by the name of a rule in `docs/semantics.md`.

use super::truth::Truth;

/// Why something is not known. Each has a paragraph in `docs/semantics.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// IAM would not take the document.
    RefusedDocument,
    /// A condition operator that is not in the documentation.
    UnknownOperator,
    /// A value that the operator cannot compare.
    ValueNotUnderstood,
    /// A condition key without values in the policy.
    EmptyValues,
    /// Several values in the request, and an operator without `ForAllValues` or `ForAnyValue`.
    SeveralValues,
    /// An empty text where the documentation speaks of a null dataset.
    EmptyString,
    /// A key that the request has twice, in capitals and small letters.
    KeyTwice,
    /// A key of which it is not known whether the request has it, and with which value.
    KeyUntold,
    /// A policy variable that is not of the documented form.
    VariableNotUnderstood,
    /// A policy variable whose key has several values in the request.
    SeveralValuesInVariable,
    /// A policy variable before the fifth colon of an ARN.
    VariableBeforeResource,
    /// An IPv6 address without a prefix's length.
    BareIpv6,
    /// A wildcard that would have to match a colon between parts of an ARN.
    WildcardAcrossParts,
    /// An ARN of fewer than six parts where completing it is not documented.
    IncompleteArn,
    /// A request about no resource in particular, and a pattern for any resource of the service.
    ResourceStar,
    /// A canonical user of S3.
    CanonicalUser,
    /// A principal by its unique id.
    PrincipalId,
    /// `{"AWS": "*"}` and a service.
    AwsWildcardAndServices,
    /// A role's ARN with a path, and a session of which the role's path is not known.
    RolePath,
    /// A session's ARN in a policy, and a request of which the session's name is not known.
    SessionName,
    /// `NotPrincipal` that lists the principal and not its account, or not its role.
    PartialNotPrincipal,
    /// `NotPrincipal` with `Allow`.
    NotPrincipalWithAllow,
    /// A resource control policy and a service that is not on the list of those that support them.
    ServiceWithoutRcps,
    /// A session policy and a principal that has no session.
    SessionPolicyOfUser,
    /// A resource whose account is not known.
    ResourceAccount,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 25] = [
        Self::RefusedDocument,
        Self::UnknownOperator,
        Self::ValueNotUnderstood,
        Self::EmptyValues,
        Self::SeveralValues,
        Self::EmptyString,
        Self::KeyTwice,
        Self::KeyUntold,
        Self::VariableNotUnderstood,
        Self::SeveralValuesInVariable,
        Self::VariableBeforeResource,
        Self::BareIpv6,
        Self::WildcardAcrossParts,
        Self::IncompleteArn,
        Self::ResourceStar,
        Self::CanonicalUser,
        Self::PrincipalId,
        Self::AwsWildcardAndServices,
        Self::RolePath,
        Self::SessionName,
        Self::PartialNotPrincipal,
        Self::NotPrincipalWithAllow,
        Self::ServiceWithoutRcps,
        Self::SessionPolicyOfUser,
        Self::ResourceAccount,
    ];

    /// Its name, as machines and `docs/semantics.md` have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RefusedDocument => "refused-document",
            Self::UnknownOperator => "unknown-operator",
            Self::ValueNotUnderstood => "value-not-understood",
            Self::EmptyValues => "empty-values",
            Self::SeveralValues => "several-values",
            Self::EmptyString => "empty-string",
            Self::KeyTwice => "key-twice",
            Self::KeyUntold => "key-untold",
            Self::VariableNotUnderstood => "variable-not-understood",
            Self::SeveralValuesInVariable => "several-values-in-variable",
            Self::VariableBeforeResource => "variable-before-resource",
            Self::BareIpv6 => "bare-ipv6",
            Self::WildcardAcrossParts => "wildcard-across-parts",
            Self::IncompleteArn => "incomplete-arn",
            Self::ResourceStar => "resource-star",
            Self::CanonicalUser => "canonical-user",
            Self::PrincipalId => "principal-id",
            Self::AwsWildcardAndServices => "aws-wildcard-and-services",
            Self::RolePath => "role-path",
            Self::SessionName => "session-name",
            Self::PartialNotPrincipal => "partial-not-principal",
            Self::NotPrincipalWithAllow => "not-principal-with-allow",
            Self::ServiceWithoutRcps => "service-without-rcps",
            Self::SessionPolicyOfUser => "session-policy-of-user",
            Self::ResourceAccount => "resource-account",
        }
    }

    /// What it says of something in a policy, as the end of a sentence about a statement.
    pub(super) fn says(self, about: &str) -> String {
        match self {
            Self::RefusedDocument => format!("is in a document that IAM would refuse: {about}"),
            Self::UnknownOperator => format!("has a condition with an operator that is not known, {about}"),
            Self::ValueNotUnderstood => format!("compares values that the operator cannot read, {about}"),
            Self::EmptyValues => {
                format!("has an empty list where the documentation does not tell what that means, {about}")
            }
            Self::SeveralValues => {
                format!("compares a key with several values without ForAllValues or ForAnyValue, {about}")
            }
            Self::EmptyString => {
                format!("compares a key whose only value is empty, which may count as no value, {about}")
            }
            Self::KeyTwice => format!("reads a key that the request has twice, in capitals and small letters, {about}"),
            Self::KeyUntold => format!("reads a key of which it is not known what the request has, {about}"),
            Self::VariableNotUnderstood => format!("has a policy variable that is not understood, {about}"),
            Self::SeveralValuesInVariable => {
                format!("has a policy variable whose key has several values, which is not supported, {about}")
            }
            Self::VariableBeforeResource => {
                format!("has a policy variable before the fifth colon of an ARN, which is not supported, {about}")
            }
            Self::BareIpv6 => format!("has an IPv6 address without a prefix, which may mean /32 or /128, {about}"),
            Self::WildcardAcrossParts => {
                format!("matches only if a wildcard reaches over a colon within an ARN, {about}")
            }
            Self::IncompleteArn => {
                format!(
                    "has an ARN of fewer than six parts, which is completed in identity-based policies alone, {about}"
                )
            }
            Self::ResourceStar => {
                format!("names any resource of the service, and the request is about none in particular, {about}")
            }
            Self::CanonicalUser => format!("names a canonical user, whose account is not known, {about}"),
            Self::PrincipalId => format!("names a principal by its unique id, {about}"),
            Self::AwsWildcardAndServices => {
                "names {\"AWS\": \"*\"}, and services differ in whether that is a service principal, too".to_owned()
            }
            Self::RolePath => {
                format!("names a role with a path, and the session's role is known by its name alone, {about}")
            }
            Self::SessionName => format!("names a session, and the name of the asking session is not known, {about}"),
            Self::PartialNotPrincipal => format!(
                "excepts the principal without its account, or without its role, so that it may deny it all the same, {about}"
            ),
            Self::NotPrincipalWithAllow => "has NotPrincipal with Allow, which is not supported".to_owned(),
            Self::ServiceWithoutRcps => format!(
                "is about {about}, which is not on the list of services that resource control policies apply to"
            ),
            Self::SessionPolicyOfUser => "is of a session policy, and an IAM user has no session".to_owned(),
            Self::ResourceAccount => "depends on the account that the resource is in, which is not known".to_owned(),
        }
    }
}

/// Why something cannot be told, and about what in the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubt<'p> {
    pub(super) rule: Rule,
    pub(super) about: &'p str,
}

/// Whether something of a policy holds for a request.
pub(super) type Held<'p> = Truth<(), Doubt<'p>>;

impl<'p> Held<'p> {
    pub(super) const fn doubtful(rule: Rule, about: &'p str) -> Self {
        Self::Unknown(Doubt { rule, about })
    }

    /// At most unknown.
    pub(super) fn in_doubt(self, rule: Rule, about: &'p str) -> Self {
        self.and(|| Self::doubtful(rule, about))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        let docs = include_str!("../../../docs/semantics.md");
        for name in names {
            assert!(docs.contains(&format!("#### `{name}`")), "docs/semantics.md has no paragraph for {name}");
        }
    }
}
