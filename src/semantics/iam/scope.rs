//! What a statement is about: actions and resources ([Action], [Resource]).
//!
//! [Action]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
//! [Resource]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html

use super::arn::parts;
use super::context::Context;
use super::doubt::{Held, Rule};
use super::pattern::{Glob, Reach};
use super::request::{Action, Resource};
use super::variables::{Filled, Part, Template, Version};

/// `Action` or `NotAction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Actions {
    patterns: Vec<Glob>,
    /// Whether all actions are meant but those.
    but: bool,
    /// Whether a text among them is no action, so that it may mean any.
    hazy: bool,
}

impl Actions {
    /// Letters don't matter: "The prefix and the action name are case insensitive."
    pub(super) fn compile(texts: &[&str], but: bool, hazy: bool) -> Self {
        let glob = |text: &&str| {
            let text = text.to_ascii_lowercase();
            Glob::text(&[Part { text: &text, pattern: true }])
        };
        Self { patterns: texts.iter().map(glob).collect(), but, hazy }
    }

    pub(super) fn hold(&self, action: &Action) -> Held<'_> {
        if self.but && self.patterns.is_empty() {
            return Held::doubtful(Rule::EmptyValues, "NotAction");
        }
        let listed = self.patterns.iter().any(|pattern| pattern.matches(&action.lower, Reach::Everywhere));
        if self.hazy && !listed { Held::doubtful(Rule::RefusedDocument, "") } else { Held::of(listed != self.but) }
    }
}

/// `Resource`, `NotResource`, or neither where the policy is of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resources {
    /// The resource that the policy is attached to.
    Own,
    These(Vec<ResourcePattern>),
    AllBut(Vec<ResourcePattern>),
}

impl Resources {
    pub(super) fn hold(&self, action: &Action, resource: &Resource, context: &Context) -> Held<'_> {
        let (patterns, but) = match self {
            Self::Own => return Held::Yes(()),
            Self::These(patterns) => (patterns, false),
            Self::AllBut(patterns) => (patterns, true),
        };
        if but && patterns.is_empty() {
            return Held::doubtful(Rule::EmptyValues, "NotResource");
        }
        let listed = Held::any(patterns.iter().map(|pattern| pattern.holds(action, resource, context)));
        if but { listed.negated() } else { listed }
    }

    /// The keys of its variables.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let patterns: &[ResourcePattern] = match self {
            Self::Own => &[],
            Self::These(patterns) | Self::AllBut(patterns) => patterns,
        };
        patterns.iter().flat_map(|pattern| pattern.template.keys())
    }

    /// Whether it is `"*"` and nothing else.
    pub(super) fn is_everything(&self) -> bool {
        matches!(self, Self::These(patterns) if matches!(&**patterns, [one] if one.everything))
    }
}

/// What becomes of an ARN with fewer than six parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completion {
    /// "AWS automatically completes the ARN by adding wildcard characters (*) to all missing fields": in identity-based
    /// policies.
    Documented,
    /// Nothing is documented.
    Open,
}

/// A pattern of ARNs, or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResourcePattern {
    template: Template,
    everything: bool,
    /// The pattern as it stands, where it is the same for every request.
    fixed: Option<Glob>,
    /// As it is once it is completed, if it has fewer than six parts.
    completed: Option<(Completion, Template)>,
    variable_before_resource: bool,
    /// Whether it is neither, so that it may mean anything.
    hazy: bool,
}

impl ResourcePattern {
    pub(super) fn compile(text: &str, version: Version, completion: Completion) -> Self {
        let template = Template::read(text, version);
        let missing = 5_usize.saturating_sub(text.matches(':').count());
        let everything = text == "*";
        let completed = (missing > 0 && !everything)
            .then(|| (completion, Template::read(&format!("{text}{}", ":*".repeat(missing)), version)));
        let fixed = match template.fill(&Context::new()) {
            Filled::Parts(parts) if template.is_fixed() => Some(Glob::arn(&parts)),
            _ => None,
        };
        let variable_before_resource = template.has_variable_before(5);
        let hazy = !everything && !text.starts_with("arn:");
        Self { template, everything, fixed, completed, variable_before_resource, hazy }
    }

    fn holds(&self, action: &Action, resource: &Resource, context: &Context) -> Held<'_> {
        if self.everything {
            return Held::Yes(());
        }
        if self.hazy {
            return Held::doubtful(Rule::RefusedDocument, "");
        }
        let doubt = |rule| Held::doubtful(rule, self.template.source());
        if self.variable_before_resource {
            return doubt(Rule::VariableBeforeResource);
        }
        if resource.arn.is_none() {
            return if self.is_all_of(action.service()) { doubt(Rule::ResourceStar) } else { Held::No };
        }
        let as_it_stands = || match &self.fixed {
            Some(glob) => self.like(glob, resource),
            None => self.filled(&self.template, resource, context),
        };
        match &self.completed {
            None => as_it_stands(),
            // A `*` that ends its part may match the missing ones as it stands: then what completing adds matches nothing.
            Some((Completion::Documented, completed)) => match self.filled(completed, resource, context) {
                Held::No if matches!(as_it_stands(), Held::Yes(())) => doubt(Rule::IncompleteArn),
                completed => completed,
            },
            Some((Completion::Open, completed)) => as_it_stands()
                .or(|| self.filled(completed, resource, context).in_doubt(Rule::IncompleteArn, self.template.source())),
        }
    }

    /// Whether it is neither an ARN's pattern nor `*`.
    pub(super) const fn is_hazy(&self) -> bool {
        self.hazy
    }

    fn filled(&self, template: &Template, resource: &Resource, context: &Context) -> Held<'_> {
        match template.fill(context) {
            Filled::Parts(parts) => self.like(&Glob::arn(&parts), resource),
            // "The resource that includes a policy variable with no value will not match any resource."
            Filled::NoValue => Held::No,
            Filled::Doubt(rule) => Held::doubtful(rule, self.template.source()),
        }
    }

    fn like(&self, glob: &Glob, resource: &Resource) -> Held<'_> {
        if glob.matches(&resource.text, Reach::Documented) {
            Held::Yes(())
        } else if glob.stops() && glob.matches(&resource.text, Reach::Everywhere) {
            Held::doubtful(Rule::WildcardAcrossParts, self.template.source())
        } else {
            Held::No
        }
    }

    /// Whether it means all resources of a service, in whatever region and account.
    fn is_all_of(&self, service: &str) -> bool {
        let source = self.completed.as_ref().map_or(&self.template, |(_, completed)| completed).source();
        let Some([_, _, own, region, account, resource]) = parts(source) else { return false };
        let open = |part: &str| part.is_empty() || part == "*";
        (own == service || own == "*") && open(region) && open(account) && resource == "*"
    }
}
