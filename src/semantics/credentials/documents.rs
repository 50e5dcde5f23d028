//! Texts within texts: JSON, YAML, and lines of names and values.

use serde_json::Value as Json;

use super::literal::looks_random;
use super::tokens::{is_aws_secret, shapes};

/// YAML past this size is read line by line only: a parser of YAML takes time that a run does not have.
const LARGEST_YAML: usize = 256 * 1024;
/// Values that are looked at in one document.
const MOST_LEAVES: usize = 50_000;
/// The longest name of a value.
const LONGEST_NAME: usize = 128;
/// The longest value behind a name on one line.
const LONGEST_VALUE: usize = 2048;

/// A value in a document.
pub(super) struct Leaf {
    /// Where it stands, from the document's root.
    pub(super) path: String,
    /// The name over it.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) meaning: Meaning,
}

/// What a document's form says of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Plain,
    /// The private key of a Google Cloud service account.
    GcpKey,
    /// A login of an image registry.
    RegistryLogin,
}

/// What a text is.
pub(super) enum Form {
    Json(Vec<Leaf>),
    Yaml(Vec<Leaf>),
    /// Neither.
    Text,
}

/// Reads a text as a document, where it is one with values in it.
pub(super) fn form(text: &str) -> Form {
    let trimmed = text.trim();
    if trimmed.starts_with(['{', '['])
        && let Ok(json) = serde_json::from_str::<Json>(trimmed)
    {
        return Form::Json(leaves(&json));
    }
    if trimmed.len() <= LARGEST_YAML
        && (trimmed.contains(": ") || trimmed.contains(":\n") || trimmed.starts_with("- "))
        && let Ok(json) = serde_saphyr::from_str::<Json>(trimmed)
        && (json.is_object() || json.is_array())
    {
        return Form::Yaml(leaves(&json));
    }
    Form::Text
}

fn leaves(json: &Json) -> Vec<Leaf> {
    let mut all = Vec::new();
    walk(json, "", "", &mut all);
    all
}

fn walk(json: &Json, path: &str, name: &str, all: &mut Vec<Leaf>) {
    if all.len() >= MOST_LEAVES {
        return;
    }
    let plain = |text: String| Leaf { path: path.to_owned(), name: name.to_owned(), text, meaning: Meaning::Plain };
    match json {
        Json::String(text) => all.push(plain(text.clone())),
        Json::Number(number) => all.push(plain(number.to_string())),
        Json::Null | Json::Bool(_) => {}
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{at}]"), name, all);
            }
        }
        Json::Object(fields) => {
            let text_of = |key: &str| fields.get(key).and_then(Json::as_str);
            let gcp = text_of("type") == Some("service_account");
            // `{name: X, value: Y}`, as containers write their variables, is a value under the name X.
            let named = text_of("name").or_else(|| text_of("key")).or_else(|| text_of("Name"));
            for (key, value) in fields {
                let segment = segment(key);
                let path = if path.is_empty() { segment } else { format!("{path}.{segment}") };
                let name = named.filter(|_| key.eq_ignore_ascii_case("value")).unwrap_or(key);
                match value {
                    Json::String(text) if gcp && key == "private_key" => {
                        all.push(Leaf { path, name: name.to_owned(), text: text.clone(), meaning: Meaning::GcpKey });
                    }
                    Json::String(text) if key == "auth" && path.starts_with("auths.") => {
                        let meaning = Meaning::RegistryLogin;
                        all.push(Leaf { path, name: name.to_owned(), text: text.clone(), meaning });
                    }
                    value => walk(value, &path, name, all),
                }
            }
        }
    }
}

/// A name as a part of a place: what could itself be a credential, or is no name at all, is left out.
pub(super) fn segment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ');
    let shown = (1..=LONGEST_NAME).contains(&name.len())
        && name.chars().all(plain)
        && shapes(name).is_empty()
        && !is_aws_secret(name)
        && !looks_random(name)
        && !name.split(['/', ' ']).any(looks_random);
    if shown { name.to_owned() } else { "*".to_owned() }
}

/// The pairs of name and value in lines, such as `NAME=value`, `name: value`, `--name=value`, `a=b;c=d`.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices(['=', ':']).filter_map(move |(at, _)| {
        let before = text.get(..at)?.trim_end_matches([' ', '\t']).trim_end_matches(['"', '\'']);
        let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let start = before.char_indices().rev().take(LONGEST_NAME).take_while(|(_, c)| in_name(*c)).last()?.0;
        let name = before.get(start..)?;
        let after = text.get(at + 1..)?.trim_start_matches([' ', '\t']);
        let value = if let quote @ ('"' | '\'') = after.chars().next()? {
            let inside = after.get(1..)?;
            inside.get(..inside.bytes().take(LONGEST_VALUE).position(|byte| char::from(byte) == quote)?)?
        } else {
            let ends = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b';' | b',' | b'"' | b'\'' | b'&');
            let longest = after.len().min(LONGEST_VALUE);
            let end = after.bytes().take(longest).position(ends).unwrap_or(longest);
            after.get(..end)?
        };
        (!value.is_empty()).then_some((name, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("A=b\nexport C='d e'\n# E: f", &[("A", "b"), ("C", "d e"), ("E", "f")])]
    #[case("--password=x --token y", &[("--password", "x")])]
    #[case("[db]\npassword = p ; note", &[("password", "p")])]
    #[case("Server=db;Password=p;Encrypt=yes", &[("Server", "db"), ("Password", "p"), ("Encrypt", "yes")])]
    #[case("A=", &[])]
    fn lines_have_names_and_values(#[case] text: &str, #[case] expected: &[(&str, &str)]) {
        assert_eq!(pairs(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn documents_have_leaves_with_places() {
        let shown = |text: &str| match form(text) {
            Form::Json(leaves) | Form::Yaml(leaves) => {
                leaves.iter().map(|leaf| format!("{} {} {}", leaf.path, leaf.name, leaf.text)).collect()
            }
            Form::Text => Vec::new(),
        };
        assert_eq!(shown(r#"{"a":{"b":["x",1]}}"#), ["a.b[0] b x", "a.b[1] b 1"]);
        assert_eq!(shown("a:\n  b: x\n"), ["a.b b x"]);
        assert_eq!(shown(r#"{"env":[{"name":"N","value":"v"}]}"#), ["env[0].name name N", "env[0].value N v"]);
        assert_eq!(shown("just: [unclosed"), Vec::<String>::new());
        assert_eq!(shown("no document"), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".*") {
            let _ = (pairs(&text).count(), segment(&text), form(&text));
        }
    }
}
