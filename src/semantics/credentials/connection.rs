//! Passwords in URLs, and the keys of Azure's connection strings.

use super::base64;
use super::literal::is_placeholder;

/// The longest URL or key that is looked at.
const LONGEST: usize = 2048;
/// Bytes of the shortest key of an Azure connection string.
const AZURE_KEY: usize = 32;
/// The account of Azure's storage emulator, whose key is the same for everybody and opens nothing.
const AZURE_EMULATOR: &str = "devstoreaccount1";

/// The passwords of URLs such as `postgres://app:password@db/app`.
pub(super) fn url_passwords(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("://").filter_map(move |(at, separator)| {
        let scheme = text.get(..at)?.chars().next_back()?;
        if !scheme.is_ascii_alphanumeric() {
            return None;
        }
        let rest = text.get(at + separator.len()..)?;
        let ends =
            |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '\\' | ',' | '`');
        let end = rest.find(ends).unwrap_or(rest.len());
        let (user_info, _host) = rest.get(..end.min(LONGEST)).or_else(|| rest.get(..end))?.rsplit_once('@')?;
        let (_user, password) = user_info.split_once(':')?;
        (password.len() >= 4 && password != "pass" && !is_placeholder(password)).then_some(password)
    })
}

/// The keys of Azure connection strings: of a storage account, a service bus, an event hub.
pub(super) fn azure_keys(text: &str) -> impl Iterator<Item = &str> {
    let emulated = text.contains(AZURE_EMULATOR);
    ["AccountKey=", "SharedAccessKey="].into_iter().flat_map(move |name| {
        text.match_indices(name).filter_map(move |(at, _)| {
            let rest = text.get(at + name.len()..)?;
            let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
            let end = rest.find(|c: char| !inside(c)).unwrap_or(rest.len());
            let key = rest.get(..end)?;
            let real = key.len() <= LONGEST && base64::decode(key).is_some_and(|bytes| bytes.len() >= AZURE_KEY);
            (real && !emulated && !is_placeholder(key)).then_some(key)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("postgres://app:hunter22@db/app", &["hunter22"])]
    #[case("see redis://:s3cr3t@cache:6379, or amqp://a:b@c and amqps://u:longer@h", &["s3cr3t", "longer"])]
    #[case("https://example.com:8080/a@b", &[])]
    #[case("https://user@example.com", &[])]
    #[case("postgres://app:${PASSWORD}@db", &[])]
    #[case("postgres://app:changeme@db", &[])]
    #[case("postgres://app:<password>@db", &[])]
    #[case("://:@", &[])]
    fn passwords_of_urls(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(url_passwords(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn keys_of_azure() {
        let key = base64::encode(&[7; 64]);
        let text =
            format!("DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={key};EndpointSuffix=core.windows.net");
        assert_eq!(azure_keys(&text).collect::<Vec<_>>(), [key.as_str()]);
        assert_eq!(azure_keys(&text.replace("shop", AZURE_EMULATOR)).count(), 0);
        assert_eq!(azure_keys("AccountKey=short;SharedAccessKey=").count(), 0);
    }
}
