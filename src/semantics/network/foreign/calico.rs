//! Calico's selector language, the part that can be read with certainty: requirements joined by `&&`.

use super::super::labels::{Requirement, Selector};

/// Reads a selector such as `has(role) && tier in {'a', 'b'}`. What is not plain is left out: it selects more.
pub(super) fn selector(text: &str) -> Selector {
    let parentheses = text.matches('(').count();
    let plain = text.matches("has(").count() + text.matches("all()").count() + text.matches("global()").count();
    if text.contains("||") || parentheses != plain {
        return Selector::default();
    }
    Selector::new(text.split("&&").filter_map(|part| requirement(part.trim())).collect())
}

fn requirement(text: &str) -> Option<Requirement> {
    if let Some(key) = text.strip_prefix("!has(").and_then(|rest| rest.strip_suffix(')')) {
        return label(key).map(Requirement::DoesNotExist);
    }
    if let Some(key) = text.strip_prefix("has(").and_then(|rest| rest.strip_suffix(')')) {
        return label(key).map(Requirement::Exists);
    }
    if let Some((key, value)) = text.split_once("==") {
        return Some(Requirement::In(label(key)?, vec![quoted(value)?]));
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Some(Requirement::NotIn(label(key)?, vec![quoted(value)?]));
    }
    if let Some((key, set)) = text.split_once(" not in ") {
        return Some(Requirement::NotIn(label(key)?, values(set)?));
    }
    let (key, set) = text.split_once(" in ")?;
    Some(Requirement::In(label(key)?, values(set)?))
}

/// A label's key, unless it is one that Calico derives.
fn label(text: &str) -> Option<String> {
    let key = text.trim();
    let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
    let derived = ["projectcalico.org/", "pcns.", "pcsa."].iter().any(|prefix| key.starts_with(prefix));
    (plain && !derived).then(|| key.to_owned())
}

fn quoted(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))?;
    (!inner.contains(['\'', '"'])).then(|| inner.to_owned())
}

fn values(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    inner.split(',').map(quoted).collect()
}
