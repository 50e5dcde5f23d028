//! Accounts and Amazon Resource Names.

use std::fmt;

/// The twelve digits of an AWS account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

impl AccountId {
    /// Reads twelve digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok().map(Self))?
    }

    /// The account in an ARN; none where it has none, or is no ARN.
    #[must_use]
    pub fn of_arn(text: &str) -> Option<Self> {
        Arn::parse(text).and_then(|arn| arn.account())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

/// An Amazon Resource Name: `arn:partition:service:region:account:resource`. Nothing in it is a wildcard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn(Box<str>);

impl Arn {
    /// Reads an ARN of six parts, of which region and account may be empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts = parts(text)?;
        let [arn, partition, service, _, _, resource] = parts;
        let named = arn == "arn" && !partition.is_empty() && !service.is_empty() && !resource.is_empty();
        named.then(|| Self(text.into()))
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn part(&self, index: usize) -> &str {
        self.0.splitn(6, ':').nth(index).unwrap_or_default()
    }

    /// The service, such as `s3`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// The account, if there is one in it.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        AccountId::parse(self.part(4))
    }

    /// Everything after the fifth colon.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.part(5)
    }

    /// The partition, such as `aws`.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.part(1)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The six parts of what looks like an ARN.
pub(super) fn parts(text: &str) -> Option<[&str; 6]> {
    let mut parts = [""; 6];
    let mut found = text.splitn(6, ':');
    for part in &mut parts {
        *part = found.next()?;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("arn:aws:s3:::bucket/key:with:colons", "s3", None, "bucket/key:with:colons")]
    #[case("arn:aws-cn:iam::012345678901:role/a", "iam", Some("012345678901"), "role/a")]
    fn reads(#[case] text: &str, #[case] service: &str, #[case] account: Option<&str>, #[case] resource: &str) {
        let arn = Arn::parse(text).unwrap();
        assert_eq!((arn.service(), arn.resource(), arn.to_string().as_str()), (service, resource, text));
        assert_eq!(arn.account().map(|account| account.to_string()).as_deref(), account);
    }

    #[rstest]
    #[case("")]
    #[case("*")]
    #[case("arn:aws:s3")]
    #[case("arn:aws:s3:::")]
    #[case("arn::s3:::b")]
    #[case("urn:aws:s3:::b")]
    fn refuses(#[case] text: &str) {
        assert_eq!(Arn::parse(text), None);
    }

    #[rstest]
    #[case("12345678901")]
    #[case("1234567890123")]
    #[case("+12345678901")]
    #[case("12345678901x")]
    fn no_account(#[case] text: &str) {
        assert_eq!(AccountId::parse(text), None);
    }
}
