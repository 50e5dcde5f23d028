//! Whether a value is meant: neither a placeholder nor a reference; and whether it looks drawn by lot.

/// The shortest value that can look drawn by lot.
const SHORTEST: usize = 16;
/// Nothing longer is one secret.
const LONGEST: usize = 1024;
/// Bits of each character, at least: what repeats itself has fewer. How many random texts come through all
/// of this is measured in `the_threshold_tells_random_from_words`.
const FEWEST_BITS: f64 = 2.6;
/// Of all neighbours, those that turn from a small letter to a capital, or between letter and digit. Words
/// rarely do, also where each begins with a capital; signs between words don't count.
const CHANGES: f64 = 0.25;

/// Words that stand in the place of a value. Compared without case, and without `-`, `_` and spaces.
const PLACEHOLDERS: &[&str] = &[
    "changeme",
    "changeit",
    "change",
    "replaceme",
    "replace",
    "todo",
    "tbd",
    "fixme",
    "example",
    "placeholder",
    "redacted",
    "removed",
    "hidden",
    "masked",
    "dummy",
    "fake",
    "sample",
    "none",
    "null",
    "nil",
    "undefined",
    "unset",
    "empty",
    "true",
    "false",
    "enabled",
    "disabled",
    "required",
    "optional",
    "default",
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "yourpassword",
    "yoursecret",
    "yourtoken",
    "yourapikey",
    "mysecret",
    "notset",
    "insertyours",
];
/// Words that mark a longer value as a placeholder, wherever they stand.
const MARKS: &[&str] =
    &["changeme", "change-me", "change_me", "replaceme", "replace-me", "replace_me", "redacted", "placeholder"];

/// Whether a text stands in the place of a value, or points to one elsewhere.
pub(super) fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let bare: String = lower.chars().filter(|c| !matches!(c, '-' | '_' | ' ' | '.')).collect();
    let first = bare.chars().next();
    let one_sign = bare.chars().all(|c| Some(c) == first);
    // AWS writes its documented keys so that they end like this.
    let documented = text.ends_with("EXAMPLE") || text.ends_with("EXAMPLEKEY");
    let between = |open: &str, close: &str| text.starts_with(open) && text.ends_with(close);
    let filled_in_later = text.contains("${")
        || text.contains("$(")
        || text.contains("{{")
        || between("<", ">")
        || between("%", "%")
        || between("[", "]")
        || between("__", "__")
        || (text.starts_with('$')
            && text.chars().skip(1).all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit()));
    one_sign
        || documented
        || filled_in_later
        || PLACEHOLDERS.contains(&bare.as_str())
        || MARKS.iter().any(|mark| lower.contains(mark))
        || bare.starts_with("your")
}

/// Whether a text says where a value is, instead of being one: a path, an address, a name of an object.
pub(super) fn is_reference(text: &str) -> bool {
    let starts = [
        "./", "../", "~/", "file:", "http:", "https:", "arn:", "vault:", "secret:", "ref:", "env:", "op://", "aws:",
        "gcp:",
    ];
    let path = text.starts_with('/')
        && text.contains('/')
        && text.get(1..).is_some_and(|rest| rest.contains('/') || rest.contains('.'));
    path || starts.iter().any(|start| text.starts_with(start)) || text.contains("://")
}

/// Whether it names one object or content among many, and is no secret: a UUID, a digest with its name.
pub(super) fn is_identifier(text: &str) -> bool {
    let uuid = text.len() == 36
        && text
            .char_indices()
            .all(|(at, c)| if matches!(at, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() });
    let digest = ["sha1:", "sha256:", "sha384:", "sha512:", "sha1-", "sha256-", "sha384-", "sha512-", "SHA256:", "h1:"]
        .iter()
        .any(|name| text.starts_with(name))
        || text.contains("@sha256:");
    uuid || digest
}

/// Shannon's entropy in bits for each character.
pub(super) fn bits(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let all = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / all)
        .map(|share| -share * share.log2())
        .sum()
}

/// The share of neighbours between which a text jumps as words do not.
fn changes(text: &str) -> f64 {
    let jumps = |pair: &[u8]| match pair {
        [a, b] if a.is_ascii_digit() => b.is_ascii_alphabetic(),
        [a, b] if b.is_ascii_digit() => a.is_ascii_alphabetic(),
        [a, b] => a.is_ascii_lowercase() && b.is_ascii_uppercase(),
        _ => false,
    };
    let changed = text.as_bytes().windows(2).filter(|pair| jumps(pair)).count();
    let pairs = text.len().saturating_sub(1).max(1);
    f64::from(u32::try_from(changed).unwrap_or(u32::MAX)) / f64::from(u32::try_from(pairs).unwrap_or(u32::MAX))
}

/// Whether a text looks drawn by lot: long, of many characters, and jumping between letters and digits as
/// words do not.
pub(super) fn looks_random(text: &str) -> bool {
    let letters = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let cases =
        text.bytes().any(|byte| byte.is_ascii_lowercase()) && text.bytes().any(|byte| byte.is_ascii_uppercase());
    (SHORTEST..=LONGEST).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && letters
        && (digits || cases)
        && bits(text) >= FEWEST_BITS
        && changes(text) >= CHANGES
        && !is_identifier(text)
}

/// Whether a value under the name of a password is one: any literal of some length.
pub(super) fn is_password(text: &str) -> bool {
    (6..=LONGEST).contains(&text.len())
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && !is_reference(text)
        && !is_identifier(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    use rstest::rstest;

    /// How many of a thousand random texts of this alphabet and length look random.
    fn of_a_thousand(alphabet: &str, length: usize) -> usize {
        let letters = proptest::sample::select(alphabet.chars().collect::<Vec<_>>());
        let strategy = proptest::collection::vec(letters, length);
        let mut runner = TestRunner::deterministic();
        let mut draw = || strategy.new_tree(&mut runner).unwrap().current().into_iter().collect::<String>();
        (0..1000).filter(|_| looks_random(&draw())).count()
    }

    #[rstest]
    #[case("0123456789abcdef", 16, 900)]
    #[case("0123456789abcdef", 32, 990)]
    #[case("0123456789abcdef", 64, 995)]
    #[case("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 16, 950)]
    #[case("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 20, 970)]
    #[case("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/", 40, 970)]
    #[case("abcdefghijklmnopqrstuvwxyz234567", 32, 500)]
    fn the_threshold_tells_random_from_words(#[case] alphabet: &str, #[case] length: usize, #[case] at_least: usize) {
        let found = of_a_thousand(alphabet, length);
        println!("MEASURED {found} of 1000 texts of {length} of {} letters", alphabet.len());
        assert!(found >= at_least, "{found} of 1000 texts of {length} of [{alphabet}] look random");
    }

    #[rstest]
    #[case::a_name("my-database-credentials")]
    #[case::a_host("postgres.backend.svc.cluster.local")]
    #[case::camel_case("ThisIsTheNameOfATokenHolder")]
    #[case::an_image("registry.k8s.io/pause:3.10.1")]
    #[case::a_uuid("550e8400-e29b-41d4-a716-446655440000")]
    #[case::a_digest("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    #[case::digits("12345678901234567890")]
    #[case::a_version("v1.34.4-eks-1-34-12")]
    #[case::a_sentence("this is not a secret at all")]
    fn words_do_not_look_random(#[case] text: &str) {
        assert!(!looks_random(text), "{text}: {} bits, {} changes", bits(text), changes(text));
    }

    #[rstest]
    #[case("changeme")]
    #[case("Change-Me")]
    #[case("${DB_PASSWORD}")]
    #[case("$(DB_PASSWORD)")]
    #[case("$DB_PASSWORD")]
    #[case("{{ .Values.password }}")]
    #[case("<your password>")]
    #[case("REDACTED")]
    #[case("xxxxxxxxxxxx")]
    #[case("********")]
    #[case("your-api-key-here")]
    #[case("%PASSWORD%")]
    #[case("null")]
    #[case("")]
    fn placeholders_are_known(#[case] text: &str) {
        assert!(is_placeholder(text));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".*") {
            let _ = (is_placeholder(&text), is_reference(&text), is_identifier(&text), looks_random(&text), is_password(&text));
        }
    }
}
