//! A question: one line of JSON.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::network_question::{Text, near};
use crate::semantics::rbac::{Request, ResourceRequest, Scope, Subject, Verb};

/// Whom a question is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asked<'a> {
    ServiceAccount { namespace: Cow<'a, str>, name: Cow<'a, str>, groups: Vec<Cow<'a, str>> },
    User { name: Cow<'a, str>, groups: Vec<Cow<'a, str>> },
    Group { name: Cow<'a, str>, groups: Vec<Cow<'a, str>> },
}

impl Asked<'_> {
    pub(super) fn subject(&self) -> Subject {
        let owned = |groups: &[Cow<'_, str>]| groups.iter().map(ToString::to_string).collect::<Vec<_>>();
        match self {
            Self::ServiceAccount { namespace, name, groups } if groups.is_empty() => {
                Subject::service_account(namespace, name)
            }
            Self::ServiceAccount { namespace, name, groups } => {
                Subject::user(&format!("system:serviceaccount:{namespace}:{name}"), owned(groups))
            }
            Self::User { name, groups } => Subject::user(name, owned(groups)),
            Self::Group { name, groups } => Subject::group(name, owned(groups)),
        }
    }

    pub(super) fn to_owned(&self) -> Asked<'static> {
        let own = |text: &Cow<'_, str>| Cow::Owned(text.to_string());
        let own_all = |groups: &[Cow<'_, str>]| groups.iter().map(own).collect();
        match self {
            Self::ServiceAccount { namespace, name, groups } => {
                Asked::ServiceAccount { namespace: own(namespace), name: own(name), groups: own_all(groups) }
            }
            Self::User { name, groups } => Asked::User { name: own(name), groups: own_all(groups) },
            Self::Group { name, groups } => Asked::Group { name: own(name), groups: own_all(groups) },
        }
    }
}

/// What is asked for.
#[derive(Debug, PartialEq)]
enum Object<'a> {
    Resource {
        api_group: Cow<'a, str>,
        resource: Cow<'a, str>,
        subresource: Cow<'a, str>,
        namespace: Cow<'a, str>,
        name: Cow<'a, str>,
    },
    Path(Cow<'a, str>),
}

/// Whether a subject may do something.
#[derive(Debug, PartialEq)]
pub(super) struct Question<'a> {
    pub(super) id: Option<Value>,
    pub(super) subject: Asked<'a>,
    verb: Cow<'a, str>,
    object: Object<'a>,
}

impl Question<'_> {
    pub(super) fn request(&self) -> Request<'_> {
        let verb = Verb::new(&self.verb);
        match &self.object {
            Object::Resource { api_group, resource, subresource, namespace, name } => {
                Request::Resource(ResourceRequest {
                    verb,
                    api_group,
                    resource,
                    subresource,
                    scope: Scope::of(namespace),
                    name,
                })
            }
            Object::Path(path) => Request::NonResource { verb, path },
        }
    }
}

/// A value of a type that is read field by field.
trait Fields<'de>: Default {
    type Whole;
    /// Names of fields; what is close to one and none of them is a mistake.
    const NAMES: &'static [&'static str];
    const EXPECTING: &'static str;

    /// Takes the field of this name; whether it is here for the second time.
    fn take<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
    fn finish(self) -> Result<Self::Whole, String>;
}

struct Reader<F>(PhantomData<F>);

impl<'de, F: Fields<'de>> Visitor<'de> for Reader<F> {
    type Value = F::Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(F::EXPECTING)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<F::Whole, A::Error> {
        let mut fields = F::default();
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            if F::NAMES.contains(&&*key) {
                if fields.take(&key, &mut map)? {
                    return Err(de::Error::custom(format_args!("the field {key:?} is here twice")));
                }
            } else if let Some(near) = near(&key, F::NAMES) {
                return Err(de::Error::custom(format_args!("unknown field {key:?}; did you mean {near:?}?")));
            } else {
                // Other fields are somebody's own.
                map.next_value::<de::IgnoredAny>()?;
            }
        }
        fields.finish().map_err(de::Error::custom)
    }
}

/// A text; absent where it is null.
fn text<'de, A: MapAccess<'de>>(place: &mut Option<Cow<'de, str>>, map: &mut A) -> Result<bool, A::Error> {
    let value = map.next_value::<Option<Text<'de>>>()?;
    Ok(place.replace(value.map_or(Cow::Borrowed(""), |Text(text)| text)).is_some())
}

fn given(text: Option<Cow<'_, str>>) -> Option<Cow<'_, str>> {
    text.filter(|text| !text.is_empty())
}

#[derive(Default)]
struct QuestionFields<'a> {
    id: Option<Value>,
    subject: Option<Asked<'a>>,
    verb: Option<Cow<'a, str>>,
    api_group: Option<Cow<'a, str>>,
    resource: Option<Cow<'a, str>>,
    subresource: Option<Cow<'a, str>>,
    namespace: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    path: Option<Cow<'a, str>>,
}

impl<'de> Fields<'de> for QuestionFields<'de> {
    type Whole = Question<'de>;
    const NAMES: &'static [&'static str] =
        &["id", "subject", "verb", "apiGroup", "resource", "subresource", "namespace", "name", "nonResourceURL"];
    const EXPECTING: &'static str = r#"a question such as {"id": "1", "subject": {"kind": "ServiceAccount", "namespace": "a", "name": "app"}, "verb": "get", "apiGroup": "", "resource": "secrets", "subresource": "", "namespace": "b", "name": ""}"#;

    fn take<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "id" => Ok(self.id.replace(map.next_value()?).is_some()),
            "subject" => Ok(self.subject.replace(map.next_value()?).is_some()),
            "verb" => text(&mut self.verb, map),
            "apiGroup" => text(&mut self.api_group, map),
            "resource" => text(&mut self.resource, map),
            "subresource" => text(&mut self.subresource, map),
            "namespace" => text(&mut self.namespace, map),
            "name" => text(&mut self.name, map),
            _ => text(&mut self.path, map),
        }
    }

    fn finish(self) -> Result<Question<'de>, String> {
        let subject = self.subject.ok_or(r#"the field "subject" is missing"#)?;
        let verb = given(self.verb).ok_or(r#"the field "verb" is missing or empty"#)?;
        let of_resources = [
            ("apiGroup", &self.api_group),
            ("resource", &self.resource),
            ("subresource", &self.subresource),
            ("namespace", &self.namespace),
            ("name", &self.name),
        ];
        let object = match given(self.path) {
            Some(path) => {
                let beside = of_resources.iter().find(|(_, text)| text.as_ref().is_some_and(|text| !text.is_empty()));
                if let Some((name, _)) = beside {
                    return Err(format!("the field {name:?} has no place beside \"nonResourceURL\""));
                }
                Object::Path(path)
            }
            None => Object::Resource {
                resource: given(self.resource).ok_or(r#"neither "resource" nor "nonResourceURL" is given"#)?,
                api_group: self.api_group.unwrap_or_default(),
                subresource: self.subresource.unwrap_or_default(),
                namespace: self.namespace.unwrap_or_default(),
                name: self.name.unwrap_or_default(),
            },
        };
        Ok(Question { id: self.id, subject, verb, object })
    }
}

impl<'de> Deserialize<'de> for Question<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader::<QuestionFields<'de>>(PhantomData))
    }
}

#[derive(Default)]
struct SubjectFields<'a> {
    kind: Option<Cow<'a, str>>,
    namespace: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    groups: Option<Vec<Cow<'a, str>>>,
}

impl<'de> Fields<'de> for SubjectFields<'de> {
    type Whole = Asked<'de>;
    const NAMES: &'static [&'static str] = &["kind", "namespace", "name", "groups"];
    const EXPECTING: &'static str = r#"a subject such as {"kind": "ServiceAccount", "namespace": "a", "name": "app"}, {"kind": "User", "name": "ann", "groups": ["dev"]} or {"kind": "Group", "name": "dev"}"#;

    fn take<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "kind" => text(&mut self.kind, map),
            "namespace" => text(&mut self.namespace, map),
            "name" => text(&mut self.name, map),
            _ => {
                let groups = map.next_value::<Option<Vec<Text<'de>>>>()?.unwrap_or_default();
                Ok(self.groups.replace(groups.into_iter().map(|Text(group)| group).collect()).is_some())
            }
        }
    }

    fn finish(self) -> Result<Asked<'de>, String> {
        let kind = given(self.kind).ok_or(r#"the subject has no "kind": ServiceAccount, User or Group"#)?;
        let groups = self.groups.unwrap_or_default();
        let name = given(self.name).ok_or_else(|| format!("the {kind} has no \"name\""))?;
        let namespace = given(self.namespace);
        match (&*kind, namespace) {
            ("ServiceAccount", Some(namespace)) => Ok(Asked::ServiceAccount { namespace, name, groups }),
            ("ServiceAccount", None) => Err("the ServiceAccount has no \"namespace\"".to_owned()),
            ("User" | "Group", Some(_)) => Err(format!("a {kind} has no \"namespace\"")),
            ("User", None) => Ok(Asked::User { name, groups }),
            ("Group", None) => Ok(Asked::Group { name, groups }),
            _ => Err(format!("the kind {kind:?} is none of a subject: ServiceAccount, User or Group")),
        }
    }
}

impl<'de> Deserialize<'de> for Asked<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader::<SubjectFields<'de>>(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::network_question::parse;
    use super::*;

    #[rstest]
    #[case(r#"{"subject":{"kind":"User","name":"ann"},"verb":"get","resource":"pods"}"#)]
    #[case(r#"{"subject":{"kind":"User","name":"ann","namespace":"","groups":null},"verb":"get","apiGroup":null,"resource":"pods","subresource":"","namespace":"","name":"","nonResourceURL":"","expected":true}"#)]
    #[case(r#"{"nonResourceURL":null,"resource":"p\u006fds","verb":"get","subject":{"groups":[],"name":"ann","kind":"User"}}"#)]
    fn reads_a_question(#[case] line: &str) {
        let question: Question<'_> = parse(line.as_bytes()).unwrap();
        assert_eq!(question.subject.subject(), Subject::user("ann", []));
        let Request::Resource(request) = question.request() else { panic!("{question:?}") };
        assert_eq!((request.verb.as_str(), request.resource, request.scope), ("get", "pods", Scope::Cluster));
    }

    #[rstest]
    #[case("", "column 0: EOF while parsing a value")]
    #[case("[]", "invalid type: sequence, expected a question such as")]
    #[case(r#"{"verb":"get","resource":"pods"}"#, r#"the field "subject" is missing"#)]
    #[case(r#"{"subject":"ann","verb":"get","resource":"pods"}"#, "expected a subject such as")]
    #[case(
        r#"{"subject":{"name":"ann"},"verb":"get","resource":"pods"}"#,
        r#"no "kind": ServiceAccount, User or Group"#
    )]
    #[case(r#"{"subject":{"kind":"Usr","name":"ann"},"verb":"get","resource":"pods"}"#, r#"the kind "Usr" is none"#)]
    #[case(r#"{"subject":{"kind":"User"},"verb":"get","resource":"pods"}"#, r#"the User has no "name""#)]
    #[case(
        r#"{"subject":{"kind":"ServiceAccount","name":"a"},"verb":"get","resource":"pods"}"#,
        r#"the ServiceAccount has no "namespace""#
    )]
    #[case(
        r#"{"subject":{"kind":"User","name":"a","namespace":"b"},"verb":"get","resource":"pods"}"#,
        r#"a User has no "namespace""#
    )]
    #[case(
        r#"{"subject":{"kind":"User","name":"a","group":["b"]},"verb":"get","resource":"pods"}"#,
        r#"did you mean "groups"?"#
    )]
    #[case(r#"{"subject":{"kind":"User","name":"a"},"resource":"pods"}"#, r#"the field "verb" is missing or empty"#)]
    #[case(
        r#"{"subject":{"kind":"User","name":"a"},"verb":"get"}"#,
        r#"neither "resource" nor "nonResourceURL" is given"#
    )]
    #[case(
        r#"{"subject":{"kind":"User","name":"a"},"verb":"get","resource":"pods","nonResourceURL":"/a"}"#,
        r#"the field "resource" has no place beside "nonResourceURL""#
    )]
    #[case(
        r#"{"subject":{"kind":"User","name":"a"},"verb":"get","verb":"get","resource":"pods"}"#,
        r#"the field "verb" is here twice"#
    )]
    #[case(r#"{"subject":{"kind":"User","name":"a"},"verbs":["get"],"resource":"pods"}"#, r#"did you mean "verb"?"#)]
    #[case(r#"{"subject":{"kind":"User","name":"a"},"verb":7,"resource":"pods"}"#, "expected a text")]
    #[case(r#"{"subject":{"kind":"User","name":"a"},"verb":"get","resource":"pods"} x"#, "trailing characters")]
    fn says_what_is_wrong(#[case] line: &str, #[case] says: &str) {
        let error = parse::<Question<'_>>(line.as_bytes()).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}
