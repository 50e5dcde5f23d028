//! What must never be told: keys, tokens, and how a text is freed of them.

use http::HeaderValue;
use zeroize::Zeroizing;

use crate::probe::wire::cloud::is_region;

/// What stands where something secret would.
const HIDDEN: char = '…';
/// A part of a secret that is at least so long is hidden as the whole is.
const PART: usize = 6;
/// A word without a colon that is longer than this is hidden: identifiers are shorter, tokens are not.
const WORD_MAX: usize = 80;
/// What a token of a service account begins with: `{"` in base64.
const TOKEN_HEAD: &str = "eyJ";
/// What the ids of keys that sign begin with.
const KEY_HEADS: [&str; 2] = ["AKIA", "ASIA"];
/// A service's words are told up to so many characters.
const SAID_MAX: usize = 240;

/// A text that is not shown, cloned or written down, and is wiped when it is done with.
pub(super) struct Secret(Zeroizing<String>);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for what is sent or signed.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// As a header that no library shows; `None` for what can't be one.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut header = HeaderValue::from_str(&self.0).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// Credentials that sign.
pub(super) struct Keys {
    pub(super) id: Secret,
    pub(super) secret: Secret,
    pub(super) session: Option<Secret>,
}

impl Keys {
    /// All that must not be told of them.
    pub(super) fn hidden(&self) -> Vec<&str> {
        let session = self.session.iter().map(Secret::expose);
        [self.id.expose(), self.secret.expose()].into_iter().chain(session).collect()
    }
}

/// Another's words, cut short, on one line, without whatever is or looks secret.
pub(super) fn said(text: &str, hidden: &[&str]) -> Option<String> {
    let mut clean = String::new();
    let mut word = String::new();
    let mut length = 0;
    for letter in text.chars().chain([' ']) {
        let ends = letter.is_whitespace() || letter.is_control() || "\"'`<>(){}[],;&?!=".contains(letter);
        if !ends {
            word.push(letter);
            continue;
        }
        if is_secret(&word, hidden) {
            clean.push(HIDDEN);
        } else {
            clean.push_str(&word);
        }
        word.clear();
        clean.push(if letter.is_whitespace() || letter.is_control() { ' ' } else { letter });
        length = clean.chars().count();
        if length > SAID_MAX {
            break;
        }
    }
    let words: Vec<&str> = clean.split(' ').filter(|word| !word.is_empty()).collect();
    let mut clean = words.join(" ");
    if length > SAID_MAX {
        clean = clean.chars().take(SAID_MAX).chain([HIDDEN]).collect();
    }
    (!clean.is_empty()).then_some(clean)
}

/// A word of another's that has to be of certain characters; `None` where it isn't, or where it is or looks secret.
pub(super) fn word(text: &str, is: impl Fn(char) -> bool, max: usize, hidden: &[&str]) -> Option<String> {
    let fits = (1..=max).contains(&text.len()) && text.chars().all(is);
    (fits && !is_secret(text, hidden)).then(|| text.to_owned())
}

/// The code of an error.
pub(super) fn code(text: &str, hidden: &[&str]) -> Option<String> {
    word(text, |letter| letter.is_ascii_alphanumeric() || letter == '.' || letter == '_', 64, hidden)
}

/// The id of a request, an upload or a version.
pub(super) fn identifier(text: &str, hidden: &[&str]) -> Option<String> {
    let is = |letter: char| letter.is_ascii_alphanumeric() || "-_.+/=".contains(letter);
    let fits = (1..=256).contains(&text.len()) && text.chars().all(is);
    // Upload ids are longer than any other word that is told.
    (fits && !is_part(text, hidden) && !has_key_head(text) && !text.starts_with(TOKEN_HEAD)).then(|| text.to_owned())
}

/// The ARN of whoever or whatever it is.
pub(super) fn arn(text: &str, hidden: &[&str]) -> Option<String> {
    let is = |letter: char| letter.is_ascii_alphanumeric() || "+=,.@-_/:*".contains(letter);
    word(text, is, 600, hidden).filter(|text| text.starts_with("arn:"))
}

/// The number of an account: twelve digits.
pub(super) fn account(text: &str) -> Option<String> {
    (text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.to_owned())
}

/// A region.
pub(super) fn region(text: &str) -> Option<String> {
    is_region(text).then(|| text.to_owned())
}

fn is_secret(word: &str, hidden: &[&str]) -> bool {
    let is_long = word.len() > WORD_MAX && !word.contains(':');
    is_part(word, hidden) || is_long || has_key_head(word) || word.contains(TOKEN_HEAD) && word.len() > 20
}

/// Whether a word is a part of something hidden, or has it as a part.
fn is_part(word: &str, hidden: &[&str]) -> bool {
    hidden
        .iter()
        .any(|secret| !secret.is_empty() && (word.contains(secret) || word.len() >= PART && secret.contains(word)))
}

fn has_key_head(word: &str) -> bool {
    KEY_HEADS.iter().any(|head| {
        word.split_once(head).is_some_and(|(_, rest)| {
            rest.bytes().take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()).count() >= 12
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    #[rstest]
    #[case::plain("Access Denied", Some("Access Denied"))]
    #[case::lines("one\n\ttwo\r\n", Some("one two"))]
    #[case::nothing("  \n", None)]
    #[case::the_key("the key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY is bad", Some("the key … is bad"))]
    #[case::a_part_of_it("the key (wJalrXUtnF) is bad", Some("the key (…) is bad"))]
    #[case::joined("key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY&x", Some("key=…&x"))]
    #[case::anybodys_key("AKIAIOSFODNN7EXAMPLE is none", Some("… is none"))]
    #[case::anybodys_token("token eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOlsic3RzIl19.c2ln", Some("token …"))]
    #[case::an_arn(
        "User: arn:aws:sts::111122223333:assumed-role/tenant-1/eks-lab-web-1 is not authorized",
        Some("User: arn:aws:sts::111122223333:assumed-role/tenant-1/eks-lab-web-1 is not authorized")
    )]
    fn words_are_told_without_what_is_secret(#[case] text: &str, #[case] told: Option<&str>) {
        assert_eq!(said(text, &[KEY]).as_deref(), told);
    }

    #[test]
    fn words_are_cut_short() {
        let told = said(&"word ".repeat(1000), &[]).unwrap();
        assert!(told.chars().count() <= SAID_MAX + 1 && told.ends_with('…'));
    }

    #[rstest]
    #[case("eu-west-1", true)]
    #[case("us-gov-east-1", true)]
    #[case("eu-west-1.evil.example", false)]
    #[case("a/b", false)]
    #[case("", false)]
    fn a_region_is_nothing_else(#[case] text: &str, #[case] is: bool) {
        assert_eq!(region(text).is_some(), is);
    }

    #[rstest]
    #[case(code("AccessDenied", &[KEY]), true)]
    #[case(code("wJalrXUtnFEMI", &[KEY]), false)]
    #[case(code("AKIAIOSFODNN7EXAMPLE", &[KEY]), false)]
    #[case(identifier("4442587FB7D0A2F9", &[KEY]), true)]
    #[case(identifier(KEY, &[KEY]), false)]
    #[case(arn("arn:aws:sts::111122223333:assumed-role/r/s", &[KEY]), true)]
    #[case(arn("arn:aws:sts::111122223333:assumed-role/r/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &[KEY]), false)]
    #[case(account("111122223333"), true)]
    #[case(account("wJalrXUtnFEM"), false)]
    fn a_word_is_what_it_says_or_nothing(#[case] told: Option<String>, #[case] is: bool) {
        assert_eq!(told.is_some(), is, "{told:?}");
    }

    proptest! {
        /// Whatever is around it, no key comes through, nor a long part of one.
        #[test]
        fn no_key_comes_through(before in ".{0,80}", from in 0_usize..20, length in 12_usize..20, after in ".{0,80}") {
            let part = &KEY[from..from + length];
            let told = said(&format!("{before} {part} {after}"), &[KEY]).unwrap_or_default();
            prop_assert!(!told.contains(part), "{told}");
        }
    }
}
