//! Where an access policy holds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an access policy holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "namespaces", rename_all = "kebab-case")]
pub enum AccessScope {
    /// Everywhere, and for what belongs to no namespace.
    Cluster,
    /// In namespaces that one of these names.
    Namespace(Vec<NamespacePattern>),
    /// Of a type that is not known here, by its name.
    Unknown(String),
}

/// Whether a scope takes something in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Covers {
    /// It does not.
    No,
    /// What was read does not tell.
    Unknown,
    /// It does.
    Yes,
}

impl AccessScope {
    /// Whether it takes a namespace in; `None` is the whole cluster.
    #[must_use]
    pub fn covers(&self, namespace: Option<&str>) -> Covers {
        match (self, namespace) {
            (Self::Cluster, _) => Covers::Yes,
            (Self::Unknown(_), _) => Covers::Unknown,
            (Self::Namespace(patterns), Some(name)) => {
                patterns.iter().map(|pattern| pattern.covers(name)).max().unwrap_or(Covers::No)
            }
            // Whether what every namespace's name matches takes in a request about all of them at once is said nowhere.
            (Self::Namespace(patterns), None) => {
                if patterns.iter().any(NamespacePattern::is_everything) {
                    Covers::Unknown
                } else {
                    Covers::No
                }
            }
        }
    }

    /// The pattern that takes a namespace in, the plainest first; `None` where none surely does.
    #[must_use]
    pub fn pattern_for(&self, namespace: &str) -> Option<&NamespacePattern> {
        let Self::Namespace(patterns) = self else { return None };
        let of = |wildcard: bool| {
            let fits = move |pattern: &&NamespacePattern| {
                pattern.has_wildcard() == wildcard && pattern.covers(namespace) == Covers::Yes
            };
            patterns.iter().find(fits)
        };
        of(false).or_else(|| of(true))
    }
}

impl fmt::Display for AccessScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("the whole cluster"),
            Self::Namespace(patterns) => {
                let names: Vec<&str> = patterns.iter().map(NamespacePattern::as_str).collect();
                write!(f, "namespaces {}", names.join(", "))
            }
            Self::Unknown(kind) => write!(f, "a scope of type {kind}"),
        }
    }
}

/// A namespace's name, in which `*` stands for any run of letters, an empty one too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NamespacePattern(String);

impl NamespacePattern {
    /// A pattern as the EKS API has it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names more than one namespace.
    #[must_use]
    pub fn has_wildcard(&self) -> bool {
        self.0.contains('*') || self.is_odd()
    }

    /// Whether a name takes it in. EKS' documentation shows `*` and speaks of wildcard characters: any other letter that
    /// no namespace's name has may be one, and is taken for one that may match anything.
    #[must_use]
    pub fn covers(&self, name: &str) -> Covers {
        let wild = |letter: char| letter == '*';
        if matches(&self.0, name, wild) {
            return Covers::Yes;
        }
        if self.is_odd() && self.0.contains(['|', '(']) {
            // Choices concern what stands beside them, too.
            return Covers::Unknown;
        }
        let odd = |letter: char| letter != '*' && !is_of_a_name(letter);
        let (Some(first), Some((last, length))) =
            (self.0.find(odd), self.0.rmatch_indices(odd).next().map(|(at, text)| (at, text.len())))
        else {
            return Covers::No;
        };
        // A class has letters of names between its brackets: all from the first odd letter to the last may mean anything.
        let (before, after) = (self.0.get(..first), self.0.get(last + length..));
        let loose = format!("{}*{}", before.unwrap_or_default(), after.unwrap_or_default());
        if matches(&loose, name, wild) { Covers::Unknown } else { Covers::No }
    }

    fn is_everything(&self) -> bool {
        !self.0.is_empty() && self.0.chars().all(|letter| !is_of_a_name(letter))
    }

    fn is_odd(&self) -> bool {
        self.0.chars().any(|letter| letter != '*' && !is_of_a_name(letter))
    }
}

impl fmt::Display for NamespacePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whether a namespace's name may have this letter.
const fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-'
}

/// Whether a pattern matches a whole name; `wild` letters stand for any run of letters. In time that grows with the
/// product of both lengths, whatever is in them.
fn matches(pattern: &str, name: &str, wild: impl Fn(char) -> bool) -> bool {
    let name: Vec<char> = name.chars().collect();
    // Whether what was read of the pattern matches the first so many letters of the name.
    let mut reached = vec![false; name.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for letter in pattern.chars() {
        let mut next = vec![false; reached.len()];
        let mut before = false;
        for (at, place) in next.iter_mut().enumerate() {
            let here = reached.get(at).copied().unwrap_or_default();
            let one_less = at.checked_sub(1);
            let step = one_less.and_then(|less| Some(*reached.get(less)? && name.get(less) == Some(&letter)));
            *place = if wild(letter) { here || before } else { step.unwrap_or_default() };
            before = *place;
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop, proptest};
    use rstest::rstest;

    use super::{AccessScope, Covers, NamespacePattern};

    fn scope(patterns: &[&str]) -> AccessScope {
        AccessScope::Namespace(patterns.iter().map(|text| NamespacePattern::new(*text)).collect())
    }

    #[rstest]
    #[case::exact("tenant-a", "tenant-a", Covers::Yes)]
    #[case::longer("tenant-a", "tenant-ab", Covers::No)]
    #[case::shorter("tenant-a", "tenant", Covers::No)]
    #[case::prefix("dev-*", "dev-a", Covers::Yes)]
    #[case::an_empty_run("dev-*", "dev-", Covers::Yes)]
    #[case::not_without_its_dash("dev-*", "dev", Covers::No)]
    #[case::suffix("*-prod", "a-prod", Covers::Yes)]
    #[case::within("team-*-prod", "team-a-b-prod", Covers::Yes)]
    #[case::within_no_end("team-*-prod", "team-a-prod-b", Covers::No)]
    #[case::all("*", "kube-system", Covers::Yes)]
    #[case::two("*a*", "banal", Covers::Yes)]
    #[case::a_point_is_no_wildcard_that_is_known("dev.a", "dev-a", Covers::Unknown)]
    #[case::one_letter("dev-?", "dev-a", Covers::Unknown)]
    #[case::one_letter_and_another_name("dev-?", "prod-a", Covers::No)]
    #[case::a_class("dev-[ab]", "dev-a", Covers::Unknown)]
    #[case::a_class_within("dev-[ab]-x", "dev-a-x", Covers::Unknown)]
    #[case::a_class_and_another_name("dev-[ab]-x", "dev-a-y", Covers::No)]
    #[case::a_choice("dev|prod", "prod", Covers::Unknown)]
    #[case::of_another_case("Dev-*", "dev-a", Covers::Unknown)]
    #[case::empty("", "a", Covers::No)]
    fn a_pattern_takes_a_name_in_or_not(#[case] pattern: &str, #[case] name: &str, #[case] covers: Covers) {
        assert_eq!(NamespacePattern::new(pattern).covers(name), covers);
    }

    #[test]
    fn the_surest_of_several_patterns_counts_and_the_plainest_is_named() {
        let scope = scope(&["dev-?", "dev-*", "dev-a"]);
        assert_eq!(scope.covers(Some("dev-a")), Covers::Yes);
        assert_eq!(scope.pattern_for("dev-a").unwrap().as_str(), "dev-a");
        assert_eq!(scope.pattern_for("dev-b").unwrap().as_str(), "dev-*");
        assert_eq!(scope.pattern_for("prod"), None);
    }

    #[rstest]
    #[case::of_names(scope(&["a", "b-*"]), Covers::No)]
    #[case::of_every_name(scope(&["a", "*"]), Covers::Unknown)]
    #[case::of_none(scope(&[]), Covers::No)]
    #[case::cluster(AccessScope::Cluster, Covers::Yes)]
    #[case::another(AccessScope::Unknown("world".to_owned()), Covers::Unknown)]
    fn the_whole_cluster_is_more_than_all_namespaces(#[case] scope: AccessScope, #[case] covers: Covers) {
        assert_eq!(scope.covers(None), covers);
    }

    /// The same by trying every way to split the name.
    fn plainly(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|at| plainly(rest, &name[at..])),
            Some((letter, rest)) => name.first() == Some(letter) && plainly(rest, &name[1..]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn it_is_what_trying_every_way_finds(pattern in "[ab*-]{0,7}", name in "[ab-]{0,7}") {
            let covers = NamespacePattern::new(pattern.as_str()).covers(&name);
            let expected = if plainly(pattern.as_bytes(), name.as_bytes()) { Covers::Yes } else { Covers::No };
            assert_eq!(covers, expected);
        }

        #[test]
        fn one_pattern_more_never_takes_less_in(
            patterns in prop::collection::vec("[ab*?-]{0,5}", 0..4), more in "[ab*?-]{0,5}", name in "[ab-]{1,5}"
        ) {
            let texts: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let wider: Vec<&str> = texts.iter().copied().chain([more.as_str()]).collect();
            for namespace in [None, Some(name.as_str())] {
                assert!(scope(&texts).covers(namespace) <= scope(&wider).covers(namespace));
                assert!(scope(&wider).covers(namespace) <= AccessScope::Cluster.covers(namespace));
            }
        }

        #[test]
        fn a_name_takes_itself_in_and_nothing_else_without_a_wildcard(a in "[a-z0-9-]{1,9}", b in "[a-z0-9-]{1,9}") {
            let pattern = NamespacePattern::new(a.as_str());
            assert_eq!(pattern.covers(&a), Covers::Yes);
            assert_eq!(pattern.covers(&b) == Covers::Yes, a == b);
            assert!(!pattern.has_wildcard());
        }

        #[test]
        fn what_is_kept_is_read_back(patterns in prop::collection::vec("[ab*?-]{0,5}", 0..4), kind in "[a-z]{1,8}") {
            let texts: Vec<&str> = patterns.iter().map(String::as_str).collect();
            for scope in [scope(&texts), AccessScope::Cluster, AccessScope::Unknown(kind)] {
                let kept = serde_json::to_string(&scope).unwrap();
                assert_eq!(serde_json::from_str::<AccessScope>(&kept).unwrap(), scope);
            }
        }
    }
}
