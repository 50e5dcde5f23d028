//! One rule of a role, and what it matches: `pkg/apis/rbac/v1/evaluation_helpers.go`, line by line.

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::request::{Request, ResourceRequest, Verb};

/// One rule of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rule {
    verbs: Vec<Box<str>>,
    api_groups: Vec<Box<str>>,
    resources: Vec<Box<str>>,
    resource_names: Vec<Box<str>>,
    non_resource_urls: Vec<Box<str>>,
    /// The bits of its verbs: all of them where one is `*`.
    mask: u32,
    any_verb: bool,
    any_api_group: bool,
    any_resource: bool,
}

impl From<&PolicyRule> for Rule {
    fn from(rule: &PolicyRule) -> Self {
        let texts = |list: Option<&Vec<String>>| -> Vec<Box<str>> {
            list.into_iter().flatten().map(|text| text.as_str().into()).collect()
        };
        let has_star = |list: &[Box<str>]| list.iter().any(|text| &**text == "*");
        let verbs = texts(Some(&rule.verbs));
        let api_groups = texts(rule.api_groups.as_ref());
        let resources = texts(rule.resources.as_ref());
        let any_verb = has_star(&verbs);
        let mask = verbs.iter().fold(0, |mask, verb| mask | Verb::new(verb).bit());
        Self {
            mask: if any_verb { u32::MAX } else { mask },
            any_verb,
            any_api_group: has_star(&api_groups),
            any_resource: has_star(&resources),
            verbs,
            api_groups,
            resources,
            resource_names: texts(rule.resource_names.as_ref()),
            non_resource_urls: texts(rule.non_resource_urls.as_ref()),
        }
    }
}

impl Rule {
    /// Whether it allows a request (`RuleAllows`).
    #[must_use]
    pub fn allows(&self, request: &Request<'_>) -> bool {
        match request {
            Request::Resource(request) => self.covers(request) && self.names(request.name),
            Request::NonResource { verb, path } => self.has_verb(*verb) && self.has_url(path),
        }
    }

    /// Whether it is about what a request is about, whatever the object's name.
    pub(super) fn covers(&self, request: &ResourceRequest<'_>) -> bool {
        self.has_verb(request.verb)
            && (self.any_api_group || self.api_groups.iter().any(|group| **group == *request.api_group))
            && (self.any_resource
                || self.resources.iter().any(|own| is_resource(own, request.resource, request.subresource)))
    }

    /// `VerbMatches`.
    fn has_verb(&self, verb: Verb<'_>) -> bool {
        match verb.bit() {
            0 => self.any_verb || self.verbs.iter().any(|own| **own == *verb.as_str()),
            bit => self.mask & bit != 0,
        }
    }

    /// `ResourceNameMatches`: a rule without names is for all objects, one with names for no request without one.
    fn names(&self, name: &str) -> bool {
        self.resource_names.is_empty() || self.resource_names.iter().any(|own| **own == *name)
    }

    /// `NonResourceURLMatches`.
    fn has_url(&self, path: &str) -> bool {
        self.non_resource_urls.iter().any(|own| {
            **own == *"*" || **own == *path || (own.ends_with('*') && path.starts_with(own.trim_end_matches('*')))
        })
    }

    /// Its verbs.
    pub fn verbs(&self) -> impl Iterator<Item = &str> {
        self.verbs.iter().map(|text| &**text)
    }

    /// Its API groups.
    pub fn api_groups(&self) -> impl Iterator<Item = &str> {
        self.api_groups.iter().map(|text| &**text)
    }

    /// Its resources, subresources as `pods/log`.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(|text| &**text)
    }

    /// The names to which it is restricted; none for every object.
    pub fn resource_names(&self) -> impl Iterator<Item = &str> {
        self.resource_names.iter().map(|text| &**text)
    }

    /// Its paths that are no resources.
    pub fn non_resource_urls(&self) -> impl Iterator<Item = &str> {
        self.non_resource_urls.iter().map(|text| &**text)
    }
}

/// `ResourceMatches` for what is not `*`: the whole text, or `*/subresource`. So `pods` does not match `pods/log`, and
/// `pods/*` matches nothing but a subresource of that very name.
fn is_resource(own: &str, resource: &str, subresource: &str) -> bool {
    if subresource.is_empty() {
        return own == resource;
    }
    match own.strip_suffix(subresource).and_then(|before| before.strip_suffix('/')) {
        Some(before) => before == resource || before == "*",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::semantics::rbac::Scope;

    fn list(texts: &str) -> Vec<String> {
        texts.split(',').filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }

    #[rstest]
    #[case::exact("pods", "pods", "", true)]
    #[case::other("pods", "services", "", false)]
    #[case::not_its_subresources("pods", "pods", "log", false)]
    #[case::a_subresource("pods/log", "pods", "log", true)]
    #[case::not_the_resource("pods/log", "pods", "", false)]
    #[case::another_subresource("pods/log", "pods", "exec", false)]
    #[case::everything("*", "pods", "exec", true)]
    #[case::everything_without_a_subresource("*", "pods", "", true)]
    #[case::any_resources_subresource("*/scale", "deployments", "scale", true)]
    #[case::any_resources_subresource_and_no_resource("*/scale", "scale", "", false)]
    #[case::any_resources_subresource_is_whole("*/scale", "deployments", "autoscale", false)]
    #[case::a_star_after_the_slash_is_no_wildcard("pods/*", "pods", "log", false)]
    #[case::nor_for_the_resource("pods/*", "pods", "", false)]
    #[case::but_a_name("pods/*", "pods", "*", true)]
    #[case::combined_in_the_question("pods/log", "pods/log", "", true)]
    #[case::two_steps("a/b/c", "a", "b/c", true)]
    #[case::two_steps_otherwise("a/b/c", "a/b", "c", true)]
    #[case::star_and_two_steps("*/b/c", "a", "b/c", true)]
    #[case::star_and_the_last_step("*/b/c", "a", "c", false)]
    #[case::asked_for_everything("*", "*", "", true)]
    #[case::asked_for_everything_of_one("pods", "*", "", false)]
    #[case::case_counts("Pods", "pods", "", false)]
    fn resources(#[case] own: &str, #[case] resource: &str, #[case] subresource: &str, #[case] allowed: bool) {
        let rule = PolicyRule {
            verbs: vec!["get".to_owned()],
            api_groups: Some(list("*")),
            resources: Some(list(own)),
            ..PolicyRule::default()
        };
        let request = ResourceRequest {
            verb: Verb::new("get"),
            api_group: "apps",
            resource,
            subresource,
            scope: Scope::Cluster,
            name: "",
        };
        assert_eq!(Rule::from(&rule).allows(&Request::Resource(request)), allowed);
    }

    #[rstest]
    #[case::none("", "", true)]
    #[case::none_for_a_name("", "db", true)]
    #[case::the_name("db,web", "db", true)]
    #[case::another("db", "web", false)]
    #[case::no_name("db", "", false)]
    #[case::no_wildcards("*", "db", false)]
    fn resource_names(#[case] own: &str, #[case] asked: &str, #[case] allowed: bool) {
        let rule = PolicyRule {
            verbs: vec!["*".to_owned()],
            api_groups: Some(vec![String::new()]),
            resources: Some(list("secrets")),
            resource_names: Some(list(own)),
            ..PolicyRule::default()
        };
        let request = ResourceRequest {
            verb: Verb::new("rotate"),
            api_group: "",
            resource: "secrets",
            subresource: "",
            scope: Scope::Namespace("a"),
            name: asked,
        };
        assert_eq!(Rule::from(&rule).allows(&Request::Resource(request)), allowed);
    }

    #[rstest]
    #[case::all("*", "/any/thing", true)]
    #[case::exact("/healthz", "/healthz", true)]
    #[case::not_below("/healthz", "/healthz/ping", false)]
    #[case::below("/healthz/*", "/healthz/ping", true)]
    #[case::below_and_nothing("/healthz/*", "/healthz/", true)]
    #[case::not_itself("/healthz/*", "/healthz", false)]
    #[case::itself("/healthz*", "/healthz", true)]
    #[case::a_prefix("/healthz*", "/healthzz", true)]
    #[case::stars_at_the_end_are_one("/a**", "/a", true)]
    #[case::a_star_within_is_a_character("/a/*/c", "/a/b/c", false)]
    #[case::nothing("", "/a", false)]
    fn urls(#[case] own: &str, #[case] path: &str, #[case] allowed: bool) {
        let rule = PolicyRule {
            verbs: vec!["get".to_owned()],
            non_resource_urls: Some(vec![own.to_owned()]),
            ..PolicyRule::default()
        };
        let rule = Rule::from(&rule);
        assert_eq!(rule.allows(&Request::NonResource { verb: Verb::new("get"), path }), allowed);
        assert!(!rule.allows(&Request::NonResource { verb: Verb::new("post"), path }));
    }
}
