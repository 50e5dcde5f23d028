//! YAML to trees, read as kubectl reads it: several documents a file, anchors, merge keys, and the plain scalars of
//! YAML 1.1 (`yes` and `on` are booleans), so that what the API server would refuse is refused here too.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use super::SyntaxError;
use super::node::{Entry, Node, Place, Value};

/// Aliases may not make a document larger than this many nodes.
const MOST_NODES: u64 = 20_000_000;

/// A collection that is being read.
enum Open {
    List {
        place: Place,
        anchor: usize,
        items: Vec<Rc<Node>>,
    },
    Map {
        place: Place,
        anchor: usize,
        entries: Vec<Entry>,
        merges: Vec<Rc<Node>>,
        key: Option<(Box<str>, Place, bool)>,
    },
}

/// Reads all documents of a text.
pub(super) fn parse(text: &str) -> Result<Vec<Rc<Node>>, SyntaxError> {
    let mut documents = Vec::new();
    let mut stack: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, Rc<Node>> = HashMap::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let mark = error.marker();
            SyntaxError {
                place: Place { line: mark.line(), column: mark.col() + 1 },
                message: error.kind().to_string(),
            }
        })?;
        let place = place_of(&span);
        let (node, anchor) = match event {
            Event::DocumentStart(..) => {
                anchors.clear();
                continue;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_ref().and_then(|tag| tag.core_suffix());
                (Node::new(place, scalar(&text, style, tag)), anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                stack.push(Open::List { place, anchor, items: Vec::new() });
                continue;
            }
            Event::MappingStart(_, anchor, _) => {
                stack.push(Open::Map { place, anchor, entries: Vec::new(), merges: Vec::new(), key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop() {
                Some(Open::List { place, anchor, items }) => (Node::new(place, Value::List(items)), anchor),
                Some(Open::Map { place, anchor, entries, merges, .. }) => {
                    (Node::new(place, Value::Map(merge(entries, &merges)?)), anchor)
                }
                None => continue,
            },
            Event::Alias(id) => {
                let Some(node) = anchors.get(&id) else {
                    return Err(SyntaxError { place, message: "an alias inside of its own anchor".to_owned() });
                };
                let node = Rc::clone(node);
                add(&mut stack, &mut documents, node, place)?;
                continue;
            }
            _ => continue,
        };
        let node = Rc::new(node);
        if node.weight > MOST_NODES {
            return Err(SyntaxError { place, message: "its aliases make it too large".to_owned() });
        }
        if anchor != 0 {
            anchors.insert(anchor, Rc::clone(&node));
        }
        add(&mut stack, &mut documents, node, place)?;
    }
    Ok(documents)
}

fn place_of(span: &Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

/// Puts a finished node where it belongs: into the innermost open collection, or among the documents.
fn add(stack: &mut [Open], documents: &mut Vec<Rc<Node>>, node: Rc<Node>, place: Place) -> Result<(), SyntaxError> {
    match stack.last_mut() {
        None => documents.push(node),
        Some(Open::List { items, .. }) => items.push(node),
        Some(Open::Map { entries, merges, key, .. }) => match key.take() {
            None => *key = Some(key_of(&node, place)?),
            Some((_, _, true)) => merges.push(node),
            Some((name, key_place, false)) => {
                // A mapping of a manifest has few keys; very large ones are data, where a scan would be slow.
                if entries.len() < 4096
                    && let Some(first) = entries.iter().find(|entry| entry.key == name)
                {
                    let message = format!("the key {name:?} is here twice; it is first at {}", first.key_place);
                    return Err(SyntaxError { place: key_place, message });
                }
                entries.push(Entry { key: name, key_place, node });
            }
        },
    }
    Ok(())
}

/// The text of a key, and whether it is the merge key.
fn key_of(node: &Node, place: Place) -> Result<(Box<str>, Place, bool), SyntaxError> {
    let text: Box<str> = match &node.value {
        Value::Text(text) => text.clone(),
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string().into(),
        Value::Int(value) => value.to_string().into(),
        Value::Float(value) => value.to_string().into(),
        Value::List(_) | Value::Map(_) => {
            return Err(SyntaxError {
                place,
                message: format!("a key must be a text, and this is {}", node.describe()),
            });
        }
    };
    let merge = &*text == "<<";
    Ok((text, place, merge))
}

/// Applies `<<`: the mapping's own keys come first, then those of earlier merges.
fn merge(mut entries: Vec<Entry>, merges: &[Rc<Node>]) -> Result<Vec<Entry>, SyntaxError> {
    for merged in merges {
        let sources: Vec<&Rc<Node>> = match &merged.value {
            Value::Map(_) => vec![merged],
            Value::List(items) => items.iter().collect(),
            _ => {
                let message = format!("<< merges mappings, and this is {}", merged.describe());
                return Err(SyntaxError { place: merged.place, message });
            }
        };
        for entry in sources.into_iter().flat_map(|source| source.entries()) {
            if !entries.iter().any(|own| own.key == entry.key) {
                entries.push(entry.clone());
            }
        }
    }
    Ok(entries)
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&str>) -> Value {
    match (style, tag) {
        (_, Some("str")) => Value::Text(text.into()),
        (ScalarStyle::Plain, _) | (_, Some("int" | "float" | "bool" | "null")) => plain(text),
        _ => Value::Text(text.into()),
    }
}

/// What a plain scalar means to the YAML library of Kubernetes.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::Text(text.into())),
    }
}

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    let digits = text.replace('_', "");
    let (sign, magnitude) = match digits.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let radix = |prefix: &str, radix| magnitude.strip_prefix(prefix).and_then(|d| i64::from_str_radix(d, radix).ok());
    let octal = |d: &str| d.len() > 1 && d.starts_with('0') && d.bytes().all(|b| b.is_ascii_digit());
    let whole = if octal(magnitude) {
        i64::from_str_radix(magnitude, 8).ok()
    } else if magnitude.bytes().all(|b| b.is_ascii_digit()) {
        magnitude.parse().ok()
    } else {
        radix("0x", 16).or_else(|| radix("0b", 2)).or_else(|| radix("0o", 8))
    };
    if let Some(whole) = whole {
        return Some(Value::Int(sign * whole));
    }
    if magnitude.is_empty() || !magnitude.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b)) {
        return None;
    }
    digits.parse().ok().map(float)
}

/// A float without a fraction is written as a whole number when the YAML becomes JSON.
pub(super) fn float(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked, and the fraction is zero")]
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        Value::Int(value as i64)
    } else {
        Value::Float(value)
    }
}
