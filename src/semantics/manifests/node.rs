//! A document as a tree whose every node knows its line and column.

use std::fmt;
use std::rc::Rc;

/// A place in a file, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value, typed as the API server would see it once the YAML has become JSON.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Box<str>),
    List(Vec<Rc<Node>>),
    Map(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Box<str>,
    pub(super) key_place: Place,
    pub(super) node: Rc<Node>,
}

/// A value with its place. Nodes are shared where a document uses anchors.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
    /// How many nodes it is, with every alias written out.
    pub(super) weight: u64,
}

impl Node {
    pub(super) fn new(place: Place, value: Value) -> Self {
        let below: u64 = match &value {
            Value::List(items) => items.iter().fold(0, |sum, item| sum.saturating_add(item.weight)),
            Value::Map(entries) => entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.node.weight)),
            _ => 0,
        };
        Self { place, value, weight: below.saturating_add(1) }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Rc<Self>> {
        self.entries().iter().find(|entry| &*entry.key == key).map(|entry| &entry.node)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Rc<Self>] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) const fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    /// What it is, for messages.
    pub(super) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => format!("the boolean {value}"),
            Value::Int(value) => format!("the number {value}"),
            Value::Float(value) => format!("the number {value}"),
            Value::Text(text) => format!("the text {text:?}"),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }

    /// Whether both say the same, wherever they are written and in whichever order of keys.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.says_the_same_as(b))
            }
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len()
                    && a.iter().all(|entry| other.get(&entry.key).is_some_and(|node| entry.node.says_the_same_as(node)))
            }
            _ => false,
        }
    }

    /// The first text below that contains `part`.
    pub(super) fn find_text(&self, part: &str) -> Option<&Self> {
        match &self.value {
            Value::Text(text) if text.contains(part) => Some(self),
            Value::List(items) => items.iter().find_map(|item| item.find_text(part)),
            Value::Map(entries) => entries.iter().find_map(|entry| entry.node.find_text(part)),
            _ => None,
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::from(*value),
            Value::Float(value) => Json::from(*value),
            Value::Text(text) => Json::String(text.to_string()),
            Value::List(items) => items.iter().map(|item| item.to_json()).collect(),
            Value::Map(entries) => {
                Json::Object(entries.iter().map(|e| (e.key.to_string(), e.node.to_json())).collect())
            }
        }
    }
}
