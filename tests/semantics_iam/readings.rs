//! What the oracles of `simulate.rs` take the documentation to mean where it says something else. The second evaluator can
//! read each of it so: a difference is explained if it then gives the oracle's answer, whatever the policies are.

/// One such reading, by the name that it has in `docs/semantics.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reading {
    /// Variables are replaced in documents of the older language, and in those without `Version`.
    VariablesInEveryVersion,
    /// Under `StringEquals` and its kin `${*}` stays as it is written.
    SignUnderEquals,
    /// A variable without value makes a negated operator fail.
    ValuelessUnderNegation,
    /// A variable without value makes a statement with `NotResource` fail, where the ARN's first five parts match.
    ValuelessUnderNotResource,
    /// A key with an empty list is there.
    EmptyListIsThere,
    /// `ForAnyValue:…IfExists` wants the key all the same.
    ForAnyValueIfExists,
    /// All bits of an IPv4 block of `/0` count.
    SlashZero,
    /// `NotIpAddress` of an address without a prefix fails for addresses of the other family.
    AddressOfOtherFamily,
    /// A `*` that ends a part of an ARN stays within it.
    StarWithinItsPart,
    /// What stands before the first `/` or `:` behind the fifth colon is a literal text, be it within a variable; S3 aside.
    VariableCutApart,
    /// A session policy limits what the resource's policy grants to the session itself or to everybody.
    SessionLimitsItself,
    /// A role without trust policy leaves it to the account.
    RoleWithoutTrust,
    /// Service control policies restrict services.
    OrganizationOverServices,
    /// No variable is replaced in any document.
    VariablesInNone,
    /// ARN operators compare the whole ARN as one text.
    ArnAsOneText,
    /// What a resource's policy grants to everybody, boundary and session policy limit.
    EverybodyIsLimited,
}

impl Reading {
    /// Those of `@cloud-copilot/iam-simulate`.
    pub(crate) const SIMULATOR: &'static [Self] = &[
        Self::VariablesInEveryVersion,
        Self::SignUnderEquals,
        Self::ValuelessUnderNegation,
        Self::ValuelessUnderNotResource,
        Self::EmptyListIsThere,
        Self::ForAnyValueIfExists,
        Self::SlashZero,
        Self::AddressOfOtherFamily,
        Self::StarWithinItsPart,
        Self::VariableCutApart,
        Self::SessionLimitsItself,
        Self::RoleWithoutTrust,
        Self::OrganizationOverServices,
    ];

    /// Those of ministack.
    pub(crate) const MINISTACK: &'static [Self] =
        &[Self::EmptyListIsThere, Self::VariablesInNone, Self::ArnAsOneText, Self::EverybodyIsLimited];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::VariablesInEveryVersion => "variables-in-every-version",
            Self::SignUnderEquals => "sign-under-equals",
            Self::ValuelessUnderNegation => "valueless-under-negation",
            Self::ValuelessUnderNotResource => "valueless-under-not-resource",
            Self::EmptyListIsThere => "empty-list-is-there",
            Self::ForAnyValueIfExists => "for-any-value-if-exists",
            Self::SlashZero => "slash-zero",
            Self::AddressOfOtherFamily => "address-of-other-family",
            Self::StarWithinItsPart => "star-within-its-part",
            Self::VariableCutApart => "variable-cut-apart",
            Self::SessionLimitsItself => "session-limits-itself",
            Self::RoleWithoutTrust => "role-without-trust",
            Self::OrganizationOverServices => "organization-over-services",
            Self::VariablesInNone => "variables-in-none",
            Self::ArnAsOneText => "arn-as-one-text",
            Self::EverybodyIsLimited => "everybody-is-limited",
        }
    }

    /// The share of all cases that may differ by it, in thousandths.
    pub(crate) const fn share(self) -> usize {
        match self {
            Self::OrganizationOverServices | Self::VariablesInNone => 50,
            _ => 15,
        }
    }
}

#[test]
fn every_reading_is_explained() {
    let docs = include_str!("../../docs/semantics.md");
    for reading in Reading::SIMULATOR.iter().chain(Reading::MINISTACK) {
        let row = format!("| `{}` |", reading.name());
        assert!(docs.contains(&row), "docs/semantics.md does not explain {}", reading.name());
    }
}
