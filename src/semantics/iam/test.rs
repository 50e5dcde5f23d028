//! The values of a condition, ready to be compared with one of the request.

use std::net::IpAddr;

use super::arn;
use super::condition::truth_value;
use super::context::Context;
use super::doubt::Rule;
use super::operator::{Comparison, Order};
use super::pattern::{Glob, Reach};
use super::truth::Truth;
use super::values::{Decimal, Instant};
use super::variables::{Filled, Part, Template, Version};
use crate::semantics::credentials::base64;
use crate::semantics::network::Cidr;

/// Whether a value is one of those that the policy has.
type Matches = Truth<(), Rule>;

/// What a value of the request is held against; `None` is a value of the policy that the operator cannot read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Text { ignore_case: bool, values: Vec<Template> },
    Like(Vec<Pattern<Glob>>),
    Arn(Vec<Pattern<[Glob; 6]>>),
    Number(Order, Vec<Option<Decimal>>),
    Date(Order, Vec<Option<Instant>>),
    Bool(Vec<Option<bool>>),
    Binary(Vec<Option<Vec<u8>>>),
    Address(Vec<Option<Block>>),
}

/// A text that is a pattern once its variables have values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::option_option, reason = "not fixed, and fixed but not to be read, are two things")]
pub(super) struct Pattern<G> {
    template: Template,
    /// The pattern, where it is the same for every request; `None` within is one that the operator cannot read.
    fixed: Option<Option<G>>,
}

/// Addresses that a policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// What it surely means.
    narrow: Cidr,
    /// What it may mean.
    wide: Cidr,
}

impl Test {
    pub(super) fn compile(comparison: Comparison, values: &[impl AsRef<str>], version: Version) -> Self {
        let texts = || values.iter().map(AsRef::as_ref);
        let templates = || texts().map(|text| Template::read(text, version));
        match comparison {
            Comparison::StringEquals => Self::Text { ignore_case: false, values: templates().collect() },
            Comparison::StringEqualsIgnoreCase => Self::Text { ignore_case: true, values: templates().collect() },
            Comparison::StringLike => {
                Self::Like(templates().map(|text| Pattern::new(text, |parts| Some(Glob::text(parts)))).collect())
            }
            Comparison::Arn => Self::Arn(templates().map(|text| Pattern::new(text, six)).collect()),
            Comparison::Number(order) => Self::Number(order, texts().map(Decimal::parse).collect()),
            Comparison::Date(order) => Self::Date(order, texts().map(Instant::parse).collect()),
            Comparison::Bool => Self::Bool(texts().map(truth_value).collect()),
            Comparison::Binary => Self::Binary(texts().map(base64::decode).collect()),
            Comparison::Address => Self::Address(texts().map(Block::parse).collect()),
        }
    }

    /// The keys of its variables, in small letters.
    pub(super) fn keys(&self) -> Vec<&str> {
        match self {
            Self::Text { values, .. } => values.iter().flat_map(Template::keys).collect(),
            Self::Like(patterns) => patterns.iter().flat_map(|pattern| pattern.template.keys()).collect(),
            Self::Arn(patterns) => patterns.iter().flat_map(|pattern| pattern.template.keys()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the value is equal to one of the policy's, like it, or stands beside it as the operator wants.
    pub(super) fn matches(&self, value: &str, context: &Context) -> Matches {
        match self {
            Self::Text { ignore_case, values } => {
                Matches::any(values.iter().map(|template| equals(template, value, *ignore_case, context)))
            }
            Self::Like(patterns) => Matches::any(patterns.iter().map(|pattern| {
                pattern.matches(context, |parts| Some(Glob::text(parts)), |glob| glob.matches(value, Reach::Everywhere))
            })),
            Self::Arn(patterns) => {
                let Some(parts) = arn::parts(value) else { return Matches::Unknown(Rule::ValueNotUnderstood) };
                let like = |globs: &[Glob; 6]| {
                    globs.iter().zip(parts).all(|(glob, part)| glob.matches(part, Reach::Everywhere))
                };
                Matches::any(patterns.iter().map(|pattern| pattern.matches(context, six, like)))
            }
            Self::Number(order, values) => ordered(*order, Decimal::parse(value).as_ref(), values),
            Self::Date(order, values) => ordered(*order, Instant::parse(value).as_ref(), values),
            Self::Bool(values) => ordered(Order::Equal, truth_value(value).as_ref(), values),
            Self::Binary(values) => ordered(Order::Equal, base64::decode(value).as_ref(), values),
            Self::Address(blocks) => {
                let Ok(address) = value.parse::<IpAddr>() else { return Matches::Unknown(Rule::ValueNotUnderstood) };
                Matches::any(blocks.iter().map(|block| match block {
                    None => Matches::Unknown(Rule::ValueNotUnderstood),
                    Some(block) if block.narrow.contains(address) => Matches::Yes(()),
                    Some(block) if block.wide.contains(address) => Matches::Unknown(Rule::BareIpv6),
                    Some(_) => Matches::No,
                }))
            }
        }
    }
}

impl<G> Pattern<G> {
    fn new(template: Template, compile: impl FnOnce(&[Part<'_>]) -> Option<G>) -> Self {
        let fixed = match template.fill(&Context::new()) {
            Filled::Parts(parts) if template.is_fixed() => Some(compile(&parts)),
            _ => None,
        };
        Self { template, fixed }
    }

    fn matches(
        &self,
        context: &Context,
        compile: impl FnOnce(&[Part<'_>]) -> Option<G>,
        like: impl FnOnce(&G) -> bool,
    ) -> Matches {
        let filled;
        let pattern = match &self.fixed {
            Some(pattern) => pattern.as_ref(),
            None => match self.template.fill(context) {
                Filled::Parts(parts) => {
                    filled = compile(&parts);
                    filled.as_ref()
                }
                Filled::NoValue => return Matches::No,
                Filled::Doubt(rule) => return Matches::Unknown(rule),
            },
        };
        pattern.map_or(Matches::Unknown(Rule::ValueNotUnderstood), |pattern| Matches::of(like(pattern)))
    }
}

/// An ARN's pattern, part by part: each is compared by itself.
fn six(parts: &[Part<'_>]) -> Option<[Glob; 6]> {
    let mut pieces: [Vec<Part<'_>>; 6] = Default::default();
    let mut at = 0;
    for part in parts {
        let mut rest = *part;
        while at < 5
            && let Some((before, after)) = rest.text.split_once(':')
        {
            pieces.get_mut(at)?.push(Part { text: before, ..rest });
            rest.text = after;
            at += 1;
        }
        pieces.get_mut(at)?.push(rest);
    }
    (at == 5).then(|| pieces.map(|piece| Glob::text(&piece)))
}

fn equals(template: &Template, value: &str, ignore_case: bool, context: &Context) -> Matches {
    match template.fill(context) {
        Filled::Parts(parts) => {
            let text: String = parts.iter().map(|part| part.text).collect();
            Matches::of(if ignore_case { text.to_lowercase() == value.to_lowercase() } else { text == value })
        }
        Filled::NoValue => Matches::No,
        Filled::Doubt(rule) => Matches::Unknown(rule),
    }
}

fn ordered<T: PartialOrd>(order: Order, value: Option<&T>, policy: &[Option<T>]) -> Matches {
    let Some(value) = value else { return Matches::Unknown(Rule::ValueNotUnderstood) };
    Matches::any(policy.iter().map(|other| match other {
        None => Matches::Unknown(Rule::ValueNotUnderstood),
        Some(other) => Matches::of(match order {
            Order::Equal => value == other,
            Order::Less => value < other,
            Order::LessOrEqual => value <= other,
            Order::Greater => value > other,
            Order::GreaterOrEqual => value >= other,
        }),
    }))
}

impl Block {
    /// Reads a block, or an address: "If you specify an IP address without the associated routing prefix, IAM uses the
    /// default prefix value of /32". For IPv6 that is either what is meant or not.
    fn parse(text: &str) -> Option<Self> {
        if text.contains('/') {
            let block = Cidr::parse(text).ok()?;
            return Some(Self { narrow: block, wide: block });
        }
        let address: IpAddr = text.parse().ok()?;
        let block = |length: u8| Cidr::parse(&format!("{address}/{length}")).ok();
        match address {
            IpAddr::V4(_) => Some(Self { narrow: block(32)?, wide: block(32)? }),
            IpAddr::V6(_) => Some(Self { narrow: block(128)?, wide: block(32)? }),
        }
    }
}
