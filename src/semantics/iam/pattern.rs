//! Patterns with `*` and `?`.

use super::variables::Part;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`: one character.
    One {
        /// Whether it may be a colon.
        colon: bool,
    },
    /// `*`: any characters, or none.
    Any {
        /// Whether colons may be among them.
        colon: bool,
    },
}

/// How far a wildcard reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Over a colon only where that is documented.
    Documented,
    /// Over every colon.
    Everywhere,
}

/// A pattern, ready to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    /// What comes before the first wildcard.
    prefix: Box<str>,
    rest: Box<[Token]>,
    /// Whether some `*` stops at colons, so that matching has to try more.
    stops: bool,
}

impl Glob {
    /// A pattern in which `*` and `?` stand for any characters.
    pub(super) fn text(parts: &[Part<'_>]) -> Self {
        Self::of(tokens(parts))
    }

    /// A pattern of an ARN. A wildcard stays within its part of the ARN; in the last part, behind the fifth colon,
    /// colons are characters like others, and so they are for a `*` that ends its part ([Resource]).
    ///
    /// [Resource]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    pub(super) fn arn(parts: &[Part<'_>]) -> Self {
        let mut tokens = tokens(parts);
        let mut colons = 0;
        for at in 0..tokens.len() {
            let ends = matches!(tokens.get(at + 1), None | Some(Token::Char(':')));
            match tokens.get_mut(at) {
                Some(Token::Char(':')) => colons += 1,
                Some(Token::Any { colon }) => *colon = colons >= 5 || ends,
                Some(Token::One { colon }) => *colon = colons >= 5,
                _ => {}
            }
        }
        Self::of(tokens)
    }

    fn of(tokens: Vec<Token>) -> Self {
        let char = |token: &Token| if let Token::Char(char) = token { Some(*char) } else { None };
        let prefix: String = tokens.iter().map_while(char).collect();
        let rest: Box<[Token]> = tokens.into_iter().skip_while(|token| char(token).is_some()).collect();
        let stops = rest.iter().any(|token| matches!(token, Token::Any { colon: false } | Token::One { colon: false }));
        Self { prefix: prefix.into(), rest, stops }
    }

    /// Whether it may match differently where wildcards reach over every colon.
    pub(super) const fn stops(&self) -> bool {
        self.stops
    }

    pub(super) fn matches(&self, text: &str, reach: Reach) -> bool {
        let Some(text) = text.strip_prefix(&*self.prefix) else { return false };
        if self.stops && reach == Reach::Documented { slowly(&self.rest, text) } else { quickly(&self.rest, text) }
    }
}

fn tokens(parts: &[Part<'_>]) -> Vec<Token> {
    let token = |pattern: bool, char: char| match char {
        '*' if pattern => Token::Any { colon: true },
        '?' if pattern => Token::One { colon: true },
        char => Token::Char(char),
    };
    parts.iter().flat_map(|part| part.text.chars().map(move |char| token(part.pattern, char))).collect()
}

/// Matches where every wildcard takes every character: then the last `*` is the only one worth giving more to.
fn quickly(tokens: &[Token], text: &str) -> bool {
    let (mut at, mut chars) = (0, text.chars());
    let mut star: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let before = chars.clone();
        let fits = match (tokens.get(at), chars.next()) {
            (None, None) => return true,
            (Some(Token::Any { .. }), _) => {
                chars = before;
                star = Some((at + 1, chars.clone()));
                true
            }
            (Some(Token::One { .. }), Some(_)) => true,
            (Some(Token::Char(wanted)), Some(found)) => *wanted == found,
            (None, Some(_)) | (Some(Token::One { .. } | Token::Char(_)), None) => false,
        };
        if fits {
            at += 1;
            continue;
        }
        let Some((behind, mut given)) = star.take() else { return false };
        if given.next().is_none() {
            return false;
        }
        (at, chars) = (behind, given.clone());
        star = Some((behind, given));
    }
}

/// Matches by following all ways at once.
fn slowly(tokens: &[Token], text: &str) -> bool {
    let mut here = vec![false; tokens.len() + 1];
    let reach = |states: &mut Vec<bool>| {
        for (at, token) in tokens.iter().enumerate() {
            if matches!(token, Token::Any { .. }) && states.get(at) == Some(&true) {
                set(states, at + 1);
            }
        }
    };
    set(&mut here, 0);
    reach(&mut here);
    for char in text.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| here.get(*at) == Some(&true)) {
            match token {
                Token::Char(wanted) if *wanted == char => set(&mut next, at + 1),
                Token::One { colon } if *colon || char != ':' => set(&mut next, at + 1),
                Token::Any { colon } if *colon || char != ':' => set(&mut next, at),
                _ => {}
            }
        }
        reach(&mut next);
        here = next;
    }
    here.last() == Some(&true)
}

fn set(states: &mut [bool], at: usize) {
    if let Some(state) = states.get_mut(at) {
        *state = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn part(text: &str) -> [Part<'_>; 1] {
        [Part { text, pattern: true }]
    }

    #[rstest]
    #[case("*", "", true)]
    #[case("*", "anything:at/all", true)]
    #[case("", "", true)]
    #[case("", "a", false)]
    #[case("a?c", "abc", true)]
    #[case("a?c", "ac", false)]
    #[case("a*c*e", "abcdcde", true)]
    #[case("a*c*e", "abcdcd", false)]
    #[case("*log*", "my-logs", true)]
    #[case("ä?ö", "äüö", true)]
    fn texts(#[case] pattern: &str, #[case] text: &str, #[case] wanted: bool) {
        assert_eq!(Glob::text(&part(pattern)).matches(text, Reach::Documented), wanted);
    }

    #[rstest]
    // The documentation's own list of what a pattern of objects matches.
    #[case("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/test/object.jpg", true, true)]
    #[case("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/2/3/test/4/object.jpg", true, true)]
    #[case("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1///test///object.jpg", true, true)]
    #[case("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket//test/object.jpg", true, true)]
    #[case("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/test/", true, true)]
    #[case("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1-test/object.jpg", false, false)]
    #[case("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/test/object.jpg", false, false)]
    // A star that ends its part reaches on; one within does not.
    #[case("arn:aws:dynamodb:*:table/x", "arn:aws:dynamodb:eu-west-1:111122223333:table/x", true, true)]
    #[case("arn:aws:dynamodb:*-1:table/x", "arn:aws:dynamodb:eu-west-1:111122223333:table/x", false, false)]
    #[case("arn:aws:dynamodb:eu*3:table/x", "arn:aws:dynamodb:eu-west-1:111122223333:table/x", false, true)]
    #[case(
        "arn:aws:dynamodb:eu-west-1?111122223333:table/x",
        "arn:aws:dynamodb:eu-west-1:111122223333:table/x",
        false,
        true
    )]
    #[case("arn:aws:sqs:us-*-1:1:q", "arn:aws:sqs:us-east-1:1:q", true, true)]
    // Behind the fifth colon a colon is a character.
    #[case("arn:aws:logs:r:1:log-group:a*c:x", "arn:aws:logs:r:1:log-group:a:b:c:x", true, true)]
    #[case("*", "arn:aws:s3:::b", true, true)]
    #[case("*", "*", true, true)]
    #[case("arn:aws:s3*", "arn:aws:s3:::b/k", true, true)]
    fn arns(#[case] pattern: &str, #[case] text: &str, #[case] documented: bool, #[case] everywhere: bool) {
        let glob = Glob::arn(&part(pattern));
        assert_eq!(glob.matches(text, Reach::Documented), documented);
        assert_eq!(glob.matches(text, Reach::Everywhere), everywhere);
    }

    #[test]
    fn a_value_is_no_wildcard() {
        let parts = [Part { text: "a*", pattern: true }, Part { text: "*", pattern: false }];
        let glob = Glob::text(&parts);
        assert!(glob.matches("abc*", Reach::Documented));
        assert!(!glob.matches("abc", Reach::Documented));
    }

    proptest! {
        #[test]
        fn both_ways_of_matching_agree(pattern in "[ab:?*]{0,8}", text in "[ab:]{0,10}") {
            let parts = part(&pattern);
            let tokens = tokens(&parts);
            prop_assert_eq!(quickly(&tokens, &text), slowly(&tokens, &text));
        }

        #[test]
        fn reaching_less_never_matches_more(pattern in "[ab:?*]{0,12}", text in "[ab:]{0,14}") {
            let glob = Glob::arn(&part(&pattern));
            prop_assert!(!glob.matches(&text, Reach::Documented) || glob.matches(&text, Reach::Everywhere));
        }
    }
}
