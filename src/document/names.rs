//! Rules for names and labels.

/// A rule of Kubernetes for a name, a label key or a label value, or one of our own that follows
/// from them.
///
/// Source: "Object Names and IDs" and "Labels and Selectors" of the Kubernetes documentation;
/// `k8s.io/apimachinery/pkg/util/validation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameRule {
    /// A namespace's name: an RFC 1123 label.
    Namespace,
    /// The key of a label: an optional DNS subdomain and a slash, then a name.
    LabelKey,
    /// The value of a label; may be empty.
    LabelValue,
    /// An id of our own: what a label's value may be, and not empty, so that a tenant's id can
    /// be what its namespaces' label says.
    Id,
}

impl NameRule {
    /// Whether `text` follows the rule.
    #[must_use]
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::Namespace => text.len() <= 63 && is_dns_label(text),
            Self::LabelKey => match text.split_once('/') {
                Some((prefix, name)) => is_dns_subdomain(prefix) && is_qualified(name),
                None => is_qualified(text),
            },
            Self::LabelValue => text.is_empty() || is_qualified(text),
            Self::Id => is_qualified(text),
        }
    }

    /// What to do about a name that breaks the rule.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Namespace | Self::LabelKey | Self::LabelValue => {
                "Kubernetes itself refuses such a name, so no object can carry it: check for a typing error"
            }
            Self::Id => "choose a shorter or plainer one: reports and the ids of cases carry it",
        }
    }

    /// The rule in words: "expected …".
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Namespace => {
                "the name of a namespace (RFC 1123 label): 1 to 63 lower-case letters, digits or `-`, with a letter \
                 or digit at both ends"
            }
            Self::LabelKey => {
                "a label key: a name of 1 to 63 letters, digits, `-`, `_` or `.`, with a letter or digit at both \
                 ends, optionally after a DNS subdomain and `/`"
            }
            Self::LabelValue => {
                "a label value: empty, or up to 63 letters, digits, `-`, `_` or `.`, with a letter or digit at both \
                 ends"
            }
            Self::Id => {
                "an id: 1 to 63 letters, digits, `-`, `_` or `.`, with a letter or digit at both ends (what a label \
                 value may be)"
            }
        }
    }
}

fn is_dns_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    has_form(text, inner, edge)
}

fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

fn is_qualified(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.len() <= 63 && has_form(text, inner, |byte| byte.is_ascii_alphanumeric())
}

fn has_form(text: &str, inner: impl Fn(u8) -> bool, edge: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(&first), Some(&last)) => edge(first) && edge(last) && bytes.iter().all(|&byte| inner(byte)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::NameRule;

    #[rstest]
    #[case::plain("role", true)]
    #[case::prefixed("app.kubernetes.io/name", true)]
    #[case::one_word_prefix("example/name", true)]
    #[case::capital_in_name("example.com/Name_1.x", true)]
    #[case::capital_in_prefix("Example.com/name", false)]
    #[case::two_slashes("a/b/c", false)]
    #[case::empty_prefix("/name", false)]
    #[case::empty_name("example.com/", false)]
    #[case::empty("", false)]
    #[case::dash_first("-role", false)]
    fn label_keys(#[case] key: &str, #[case] accepted: bool) {
        assert_eq!(NameRule::LabelKey.accepts(key), accepted);
    }

    #[test]
    fn lengths_are_those_of_kubernetes() {
        let (fits, too_long) = ("a".repeat(63), "a".repeat(64));
        for rule in [NameRule::Namespace, NameRule::LabelKey, NameRule::LabelValue, NameRule::Id] {
            assert!(rule.accepts(&fits) && !rule.accepts(&too_long), "{rule:?}");
        }
        let prefix = format!("{}a", "a.".repeat(126));
        assert!(NameRule::LabelKey.accepts(&format!("{prefix}/name")));
        assert!(!NameRule::LabelKey.accepts(&format!("{prefix}a/name")));
        assert!(NameRule::LabelValue.accepts("") && !NameRule::Id.accepts(""));
    }
}
