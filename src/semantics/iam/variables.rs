//! Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'default'}`, `${*}`.

use super::context::{Context, Values};
use super::doubt::Rule;

/// The language of a document, which decides whether it has variables ([`Version`]).
///
/// [`Version`]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// `2008-10-17`, or none given: variables are texts like any other.
    V2008,
    /// `2012-10-17`.
    V2012,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// A text, in which `*` and `?` may be wildcards.
    Plain(Box<str>),
    /// `${*}`, `${?}`, `${$}`: the sign itself.
    Sign(Box<str>),
    Variable {
        key: Box<str>,
        default: Option<Box<str>>,
    },
}

/// A text of a policy, with its variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    source: Box<str>,
    pieces: Vec<Piece>,
    /// Whether a variable in it is not understood.
    broken: bool,
}

/// A part of a text once its variables have their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'t> {
    pub(super) text: &'t str,
    /// Whether `*` and `?` in it may be wildcards: those in a variable's value never are.
    pub(super) pattern: bool,
}

/// What becomes of a text with variables.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filled<'t> {
    Parts(Vec<Part<'t>>),
    /// A variable has no value: nothing is equal to the text, or like it.
    NoValue,
    Doubt(Rule),
}

impl Template {
    pub(super) fn read(text: &str, version: Version) -> Self {
        let plain = |text: &str| Piece::Plain(text.into());
        let mut template = Self { source: text.into(), pieces: Vec::new(), broken: false };
        if version == Version::V2008 {
            template.pieces.push(plain(text));
            return template;
        }
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if !before.is_empty() {
                template.pieces.push(plain(before));
            }
            let Some((variable, after)) = variable(after) else {
                template.broken = true;
                return template;
            };
            template.pieces.push(variable);
            rest = after;
        }
        if !rest.is_empty() {
            template.pieces.push(plain(rest));
        }
        template
    }

    /// The text as the policy has it.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The keys of its variables, in small letters.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(&**key),
            _ => None,
        })
    }

    /// Whether it is the same for every request.
    pub(super) fn is_fixed(&self) -> bool {
        !self.broken && !self.pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. }))
    }

    /// Whether a variable comes before so many colons.
    pub(super) fn has_variable_before(&self, colons: usize) -> bool {
        let mut seen = 0;
        for piece in &self.pieces {
            match piece {
                Piece::Plain(text) => seen += text.matches(':').count(),
                Piece::Sign(_) => {}
                Piece::Variable { .. } => return seen < colons,
            }
        }
        self.broken && seen < colons
    }

    pub(super) fn fill<'t>(&'t self, context: &'t Context) -> Filled<'t> {
        if self.broken {
            return Filled::Doubt(Rule::VariableNotUnderstood);
        }
        let mut parts = Vec::with_capacity(self.pieces.len());
        let mut valueless = false;
        for piece in &self.pieces {
            let (text, pattern): (&str, bool) = match piece {
                Piece::Plain(text) => (text, true),
                Piece::Sign(sign) => (sign, false),
                Piece::Variable { key, default } => match (context.get(key), default) {
                    (Some(Values::These(values)), _) => match &**values {
                        [value] => (value, false),
                        _ => return Filled::Doubt(Rule::SeveralValuesInVariable),
                    },
                    (Some(Values::Twice), _) => return Filled::Doubt(Rule::KeyTwice),
                    (Some(Values::Untold), _) => return Filled::Doubt(Rule::KeyUntold),
                    (None | Some(Values::Absent), Some(default)) => (default, false),
                    (None | Some(Values::Absent), None) => {
                        valueless = true;
                        continue;
                    }
                },
            };
            parts.push(Part { text, pattern });
        }
        if valueless { Filled::NoValue } else { Filled::Parts(parts) }
    }
}

/// Reads a variable behind its `${`, and gives what follows.
fn variable(text: &str) -> Option<(Piece, &str)> {
    for sign in ["*", "?", "$"] {
        if let Some(after) = text.strip_prefix(sign).and_then(|after| after.strip_prefix('}')) {
            return Some((Piece::Sign(sign.into()), after));
        }
    }
    let end = text.find(['}', ','])?;
    let (key, rest) = text.split_at_checked(end)?;
    let named = key.contains(':') && !key.contains(|c: char| c.is_whitespace() || matches!(c, '{' | '$' | '\''));
    if !named {
        return None;
    }
    let key = key.to_lowercase().into();
    if let Some(after) = rest.strip_prefix('}') {
        return Some((Piece::Variable { key, default: None }, after));
    }
    let (default, after) = rest.strip_prefix(',')?.trim_start_matches(' ').strip_prefix('\'')?.split_once('\'')?;
    let after = after.trim_start_matches(' ').strip_prefix('}')?;
    Some((Piece::Variable { key, default: Some(default.into()) }, after))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn context() -> Context {
        let mut context: Context = [("aws:username", "a*b"), ("aws:PrincipalTag/Team", "")].into_iter().collect();
        context.set("aws:TagKeys", ["x", "y"]);
        context.set("aws:PrincipalTag/twice", ["x"]);
        context.set("aws:PrincipalTag/Twice", ["y"]);
        context
    }

    fn filled(text: &str, version: Version) -> Result<String, String> {
        match Template::read(text, version).fill(&context()) {
            Filled::Parts(parts) => {
                let shown =
                    |part: &Part<'_>| if part.pattern { part.text.to_owned() } else { format!("<{}>", part.text) };
                Ok(parts.iter().map(shown).collect())
            }
            Filled::NoValue => Err("no value".to_owned()),
            Filled::Doubt(rule) => Err(rule.name().to_owned()),
        }
    }

    #[rstest]
    #[case("home/${aws:username}/*", "home/<a*b>/*")]
    #[case("${AWS:UserName}", "<a*b>")]
    #[case("a${*}b${?}c${$}d*", "a<*>b<?>c<$>d*")]
    #[case("${aws:PrincipalTag/Team}", "<>")]
    #[case("${aws:PrincipalTag/team, 'company-wide'}", "<>")]
    #[case("${aws:PrincipalTag/unit, 'company-wide'}", "<company-wide>")]
    #[case("${aws:PrincipalTag/unit,''}", "<>")]
    #[case("${aws:PrincipalTag/unit, 'a}b, c'}x", "<a}b, c>x")]
    #[case("$ {a} }", "$ {a} }")]
    #[case("", "")]
    fn fills(#[case] text: &str, #[case] wanted: &str) {
        assert_eq!(filled(text, Version::V2012).as_deref(), Ok(wanted));
    }

    #[rstest]
    #[case("${aws:PrincipalTag/unit}", "no value")]
    #[case("${aws:TagKeys}", "several-values-in-variable")]
    #[case("${aws:TagKeys, 'x'}", "several-values-in-variable")]
    #[case("${aws:PrincipalTag/twice}", "key-twice")]
    #[case("${aws:PrincipalTag/unit}${aws:TagKeys}", "several-values-in-variable")]
    #[case("${aws:username", "variable-not-understood")]
    #[case("${}", "variable-not-understood")]
    #[case("${username}", "variable-not-understood")]
    #[case("${aws:username, default}", "variable-not-understood")]
    #[case("${aws:username, 'default}", "variable-not-understood")]
    #[case("${aws:${aws:username}}", "variable-not-understood")]
    #[case("${aws: username}", "variable-not-understood")]
    fn does_not(#[case] text: &str, #[case] why: &str) {
        assert_eq!(filled(text, Version::V2012), Err(why.to_owned()));
    }

    #[test]
    fn the_older_language_has_none() {
        assert_eq!(filled("${aws:username}/${*}", Version::V2008).as_deref(), Ok("${aws:username}/${*}"));
    }

    #[rstest]
    #[case("arn:aws:s3:::b/${aws:username}", false)]
    #[case("arn:aws:s3::${aws:username}:b", true)]
    #[case("${aws:username}", true)]
    #[case("arn:aws:s3${*}:::b", false)]
    fn knows_where_they_are(#[case] text: &str, #[case] before: bool) {
        assert_eq!(Template::read(text, Version::V2012).has_variable_before(5), before);
    }
}
