//! JSON as it was written: in its order, and with keys that are there twice, which most readers drop.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A value of JSON. An object may have a key more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as text: policies compare numbers as decimals.
    Number(Box<str>),
    /// A text.
    Text(Box<str>),
    /// A list.
    List(Vec<Self>),
    /// An object.
    Map(Vec<(Box<str>, Self)>),
}

impl Tree {
    /// Reads a text of JSON.
    ///
    /// # Errors
    /// Where and why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// What kind of value it is, in words.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }

    /// The texts of a list, or of the one value that stands for a list of one; numbers and truth values are texts, too.
    #[must_use]
    pub fn scalars(&self) -> Option<Vec<Cow<'_, str>>> {
        match self {
            Self::List(items) => items.iter().map(Self::scalar).collect(),
            one => Some(vec![one.scalar()?]),
        }
    }

    /// The texts of a list, or of the one text that stands for a list of one.
    pub(super) fn texts(&self) -> Option<Vec<&str>> {
        match self {
            Self::List(items) => items.iter().map(Self::text).collect(),
            one => Some(vec![one.text()?]),
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same value as most readers have it: of a key that is there twice the last.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Number(text) => text.parse().map_or(Value::Null, Value::Number),
            Self::Text(text) => Value::String(text.to_string()),
            Self::List(items) => items.iter().map(Self::to_value).collect(),
            Self::Map(entries) => entries.iter().map(|(key, tree)| (key.to_string(), tree.to_value())).collect(),
        }
    }

    fn scalar(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(Cow::Borrowed(text)),
            Self::Bool(bool) => Some(Cow::Borrowed(if *bool { "true" } else { "false" })),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

/// Beyond this a number that was read as a fraction of two may not be what was written.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl<'de> Visitor<'de> for Any {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(bool))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.to_string().into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.to_string().into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Tree, E> {
        if number.abs() > EXACT {
            return Err(E::custom("this number is too large to be kept as it is; write it as a text"));
        }
        Ok(Tree::Number(number.to_string().into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map: Vec<(Box<str>, Tree)> = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_there_twice() {
        let tree = Tree::parse(r#"{"a": 1, "b": [true, null, 1.50, -2], "a": "x"}"#).unwrap();
        let Tree::Map(entries) = &tree else { panic!("{tree:?}") };
        let keys: Vec<&str> = entries.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["a", "b", "a"]);
        assert_eq!(entries[0].1.scalars(), Some(vec![Cow::Borrowed("1")]));
        assert_eq!(entries[1].1.scalars(), None, "null is no text");
        assert_eq!(entries[2].1.texts(), Some(vec!["x"]));
        assert_eq!(tree.to_value(), serde_json::json!({"a": "x", "b": [true, null, 1.5, -2]}));
    }

    #[test]
    fn a_number_that_would_change_is_refused() {
        assert!(Tree::parse("123456789012345678901234567890").unwrap_err().contains("too large"));
        assert_eq!(Tree::parse("18446744073709551615").unwrap(), Tree::Number("18446744073709551615".into()));
    }
}
