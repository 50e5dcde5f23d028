//! Credentials that their own shape gives away.

use super::jwt;
use super::kind::{CredentialKind, Lasting};
use super::literal::{bits, is_placeholder};

/// A shape that was found in a text.
pub(super) struct Shape<'a> {
    pub(super) value: &'a str,
    pub(super) kind: CredentialKind,
    pub(super) lasting: Lasting,
    pub(super) expires: Option<i64>,
}

/// A token with a beginning of its own: the beginning, how many characters follow at least, whether `-`
/// may be among them, its kind and how long it lasts.
struct Prefix(&'static str, usize, bool, CredentialKind, Lasting);

use CredentialKind::{AwsAccessKeyId, GithubToken, GitlabToken, SlackToken, StripeKey};
use Lasting::{LongLived, Temporary};

const PREFIXES: &[Prefix] = &[
    Prefix("ghp_", 36, false, GithubToken, LongLived),
    Prefix("gho_", 36, false, GithubToken, LongLived),
    Prefix("ghr_", 36, false, GithubToken, LongLived),
    Prefix("github_pat_", 60, false, GithubToken, LongLived),
    // Of an app, for eight hours and for one.
    Prefix("ghu_", 36, false, GithubToken, Temporary),
    Prefix("ghs_", 36, false, GithubToken, Temporary),
    Prefix("glpat-", 20, true, GitlabToken, LongLived),
    Prefix("gldt-", 20, true, GitlabToken, LongLived),
    Prefix("glrt-", 20, true, GitlabToken, LongLived),
    Prefix("glptt-", 20, true, GitlabToken, LongLived),
    Prefix("glagent-", 20, true, GitlabToken, LongLived),
    Prefix("xoxb-", 20, true, SlackToken, LongLived),
    Prefix("xoxp-", 20, true, SlackToken, LongLived),
    Prefix("xoxa-", 20, true, SlackToken, LongLived),
    Prefix("xoxr-", 20, true, SlackToken, LongLived),
    Prefix("xoxs-", 20, true, SlackToken, LongLived),
    Prefix("xapp-", 20, true, SlackToken, LongLived),
    Prefix("sk_live_", 16, false, StripeKey, LongLived),
    Prefix("rk_live_", 16, false, StripeKey, LongLived),
    Prefix("sk_test_", 16, false, StripeKey, LongLived),
    Prefix("rk_test_", 16, false, StripeKey, LongLived),
];

/// Fewer different characters behind its beginning are no token but its picture, such as `ghp_xxxx`.
const FEWEST_DIFFERENT: usize = 6;
/// Characters of an AWS secret access key.
const AWS_SECRET: usize = 40;
/// Bits of each character of an AWS secret access key, at least: random ones have some 4.7.
const AWS_SECRET_BITS: f64 = 4.0;

/// All shapes in a text, AWS secret access keys left out: those need company.
pub(super) fn shapes(text: &str) -> Vec<Shape<'_>> {
    let mut found: Vec<Shape<'_>> = aws_ids(text).collect();
    for Prefix(prefix, least, dashes, kind, lasting) in PREFIXES {
        let dashes = *dashes;
        let allowed = move |c: char| c.is_ascii_alphanumeric() || c == '_' || (dashes && c == '-');
        for value in beginning_with(text, prefix, allowed) {
            let rest = value.get(prefix.len()..).unwrap_or_default();
            if rest.len() >= *least && different(rest) >= FEWEST_DIFFERENT && !is_placeholder(rest) {
                found.push(Shape { value, kind: *kind, lasting: *lasting, expires: None });
            }
        }
    }
    let in_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '=');
    for value in beginning_with(text, "eyJ", in_token) {
        let value = value.trim_end_matches('.');
        if let Some(token) = jwt::read(value) {
            found.push(Shape { value, kind: token.kind, lasting: token.lasting, expires: token.expires });
        }
    }
    found
}

/// AWS access key ids: `AKIA` (of a user) or `ASIA` (of a session), then sixteen characters of base32, and
/// nothing of a word around them.
fn aws_ids(text: &str) -> impl Iterator<Item = Shape<'_>> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    [("AKIA", LongLived), ("ASIA", Temporary)].into_iter().flat_map(move |(prefix, lasting)| {
        beginning_with(text, prefix, word).filter_map(move |value| {
            let base32 = value.bytes().skip(4).all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
            let real = value.len() == 20 && base32 && !is_placeholder(value) && different(value) >= FEWEST_DIFFERENT;
            real.then_some(Shape { value, kind: AwsAccessKeyId, lasting, expires: None })
        })
    })
}

/// Whether a text could be an AWS secret access key.
pub(super) fn is_aws_secret(text: &str) -> bool {
    let has = |of: fn(&u8) -> bool| text.bytes().any(|byte| of(&byte));
    text.len() == AWS_SECRET
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+'))
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && bits(text) >= AWS_SECRET_BITS
        && !is_placeholder(text)
}

/// The texts within a text that could be AWS secret access keys.
pub(super) fn aws_secrets(text: &str) -> impl Iterator<Item = &str> {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '+');
    text.split(move |c: char| !inside(c)).filter(|word| is_aws_secret(word))
}

/// The words of a text that begin so, whole.
fn beginning_with<'a>(
    text: &'a str,
    prefix: &'static str,
    allowed: impl Fn(char) -> bool + Copy + 'a,
) -> impl Iterator<Item = &'a str> {
    text.match_indices(prefix).filter_map(move |(at, _)| {
        let before = text.get(..at)?.chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
            return None;
        }
        let rest = text.get(at..)?;
        let end = rest.find(|c: char| !allowed(c)).unwrap_or(rest.len());
        rest.get(..end)
    })
}

fn different(text: &str) -> usize {
    let mut seen = [false; 256];
    for byte in text.bytes() {
        if let Some(place) = seen.get_mut(usize::from(byte)) {
            *place = true;
        }
    }
    seen.into_iter().filter(|seen| *seen).count()
}
