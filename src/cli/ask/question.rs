//! A question: one line of JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::model::{Port, Protocol, similarity};

const FIELDS: [&str; 5] = ["src", "dst", "protocol", "port", "id"];

/// Whether one pod may connect to another.
#[derive(Debug, PartialEq)]
pub(super) struct Question<'a> {
    pub(super) source: Cow<'a, str>,
    pub(super) destination: Cow<'a, str>,
    pub(super) protocol: Protocol,
    pub(super) port: Port,
    pub(super) id: Option<Value>,
}

impl<'a> Question<'a> {
    /// Reads a line, or says what is wrong with it.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, String> {
        parse(line)
    }
}

/// Reads a line of JSON, or says in which column it is wrong.
pub(super) fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("column {}: this is no UTF-8 text", error.valid_up_to() + 1))?;
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(before, _)| before);
        format!("column {}: {message}", error.column())
    })
}

/// What of a malformed line can be given back: the fields that it has, whatever their values.
pub(super) fn echo(line: &[u8]) -> Vec<(&'static str, Value)> {
    echo_of(line, &FIELDS)
}

/// As [`echo`], of a question with other fields.
pub(super) fn echo_of(line: &[u8], names: &[&'static str]) -> Vec<(&'static str, Value)> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(line) else { return Vec::new() };
    names.iter().filter_map(|name| Some((*name, fields.remove(*name)?))).collect()
}

impl<'de> Deserialize<'de> for Question<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Question<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a question such as {"src": "ns/pod", "dst": "ns/pod", "protocol": "TCP", "port": 8080}"#)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Question<'de>, A::Error> {
        let (mut source, mut destination, mut protocol, mut port, mut id) = (None, None, None, None, None);
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            let again = match &*key {
                "src" => source.replace(map.next_value::<Text<'de>>()?.0).is_some(),
                "dst" => destination.replace(map.next_value::<Text<'de>>()?.0).is_some(),
                "protocol" => protocol.replace(map.next_value::<AskedProtocol>()?.0).is_some(),
                "port" => port.replace(map.next_value::<AskedPort>()?.0).is_some(),
                "id" => id.replace(map.next_value::<Value>()?).is_some(),
                other => {
                    if let Some(near) = near(other, &FIELDS) {
                        return Err(de::Error::custom(format_args!("unknown field {other:?}; did you mean {near:?}?")));
                    }
                    map.next_value::<de::IgnoredAny>()?;
                    false
                }
            };
            if again {
                return Err(de::Error::custom(format_args!("the field {key:?} is here twice")));
            }
        }
        Ok(Question {
            source: source.ok_or_else(|| de::Error::custom(r#"the field "src" is missing"#))?,
            destination: destination.ok_or_else(|| de::Error::custom(r#"the field "dst" is missing"#))?,
            protocol: protocol.unwrap_or(Protocol::Tcp),
            port: port.ok_or_else(|| de::Error::custom(r#"the field "port" is missing"#))?,
            id,
        })
    }
}

/// A field that was probably meant: other fields are somebody's own, and are left alone.
pub(super) fn near(key: &str, names: &[&'static str]) -> Option<&'static str> {
    // Of the short ones every letter must be right: many a word is one letter away from them.
    let long = |name: &str| key.len().min(name.len()) > 3;
    names.iter().copied().find(|name| {
        let similarity = similarity(key, name);
        similarity >= 1.0 || similarity >= 0.75 && long(name)
    })
}

/// A text, borrowed where it has no escapes.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrowed)
    }
}

struct AskedProtocol(Protocol);

impl<'de> Deserialize<'de> for AskedProtocol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<Text<'de>>::deserialize(deserializer)?;
        let Some(Text(text)) = text else { return Ok(Self(Protocol::Tcp)) };
        Protocol::parse(&text).map(Self).ok_or_else(|| {
            de::Error::custom(format_args!(
                "the protocol {text:?} is none that a NetworkPolicy knows: TCP, UDP or SCTP"
            ))
        })
    }
}

struct AskedPort(Port);

impl<'de> Deserialize<'de> for AskedPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = AskedPort;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port: a whole number from 1 to 65535")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<AskedPort, E> {
                let port = u16::try_from(number).ok().and_then(Port::new);
                port.map(AskedPort).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<AskedPort, E> {
                match u64::try_from(number) {
                    Ok(number) => self.visit_u64(number),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Signed(number), &self)),
                }
            }
        }
        deserializer.deserialize_u64(Number)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"src":"a/b","dst":"c/d","port":80}"#, Protocol::Tcp, 80)]
    #[case(r#"{"src":"a/b","dst":"c/d","protocol":null,"port":1}"#, Protocol::Tcp, 1)]
    #[case(
        r#" {"port":65535, "protocol":"SCTP","dst":"c/d","src":"a\/b","expected":"allowed"} "#,
        Protocol::Sctp,
        65535
    )]
    fn reads_a_question(#[case] line: &str, #[case] protocol: Protocol, #[case] port: u16) {
        let question = Question::parse(line.as_bytes()).unwrap();
        assert_eq!((&*question.source, &*question.destination), ("a/b", "c/d"));
        assert_eq!((question.protocol, question.port.get()), (protocol, port));
    }

    #[rstest]
    #[case("", "column 0: EOF while parsing a value")]
    #[case("[]", "invalid type: sequence, expected a question such as")]
    #[case(r#"{"dst":"c/d","port":80}"#, r#"the field "src" is missing"#)]
    #[case(r#"{"src":"a/b","port":80}"#, r#"the field "dst" is missing"#)]
    #[case(r#"{"src":"a/b","dst":"c/d"}"#, r#"the field "port" is missing"#)]
    #[case(r#"{"src":"a/b","dst":"c/d","port":0}"#, "integer `0`, expected a port: a whole number from 1 to 65535")]
    #[case(r#"{"src":"a/b","dst":"c/d","port":65536}"#, "expected a port")]
    #[case(r#"{"src":"a/b","dst":"c/d","port":-1}"#, "expected a port")]
    #[case(r#"{"src":"a/b","dst":"c/d","port":"80"}"#, "expected a port")]
    #[case(r#"{"src":"a/b","dst":"c/d","port":80.5}"#, "expected a port")]
    #[case(r#"{"src":7,"dst":"c/d","port":80}"#, "expected a text")]
    #[case(r#"{"src":"a/b","src":"a/b","dst":"c/d","port":80}"#, r#"the field "src" is here twice"#)]
    #[case(r#"{"src":"a/b","dst":"c/d","port":80,"protocol":"ICMP"}"#, r#"the protocol "ICMP" is none"#)]
    #[case(r#"{"src":"a/b","dst":"c/d","port":80,"protocl":"UDP"}"#, r#"did you mean "protocol"?"#)]
    #[case(r#"{"src":"a/b","dst":"c/d","port":80} x"#, "trailing characters")]
    fn says_what_is_wrong(#[case] line: &str, #[case] says: &str) {
        let error = Question::parse(line.as_bytes()).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}
