//! A question as a request that a tenant's own token can make, and the words by which its authorizers refuse it. Each
//! is a dry-run, or asks for an object that does not exist. Pure.

use serde_json::{Value, json};

use super::question::Question;
use crate::families::restricted;
use crate::model::RunId;

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Made {
    /// Whether it makes something, rather than reads.
    pub(super) posts: bool,
    /// Path and query.
    pub(super) path: String,
    /// Its body.
    pub(super) body: Option<Value>,
}

/// The name of all that is asked for: nothing has it.
pub(super) fn mark_of(run: &RunId) -> String {
    format!("tenantproof-token-{run}")
}

/// The request that asks for what a question is about; `None` where none that is harmless does.
pub(super) fn request(question: &Question, mark: &str, image: &str) -> Option<Made> {
    let Question { verb, api_group, resource, subresource, namespace, .. } = question;
    let root = match api_group.as_str() {
        "" => "/api/v1".to_owned(),
        // Those of which every cluster has version 1.
        "apps" | "batch" | "networking.k8s.io" | "rbac.authorization.k8s.io" => format!("/apis/{api_group}/v1"),
        _ => return None,
    };
    let plain = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    if !plain(resource) {
        return None;
    }
    let place = if namespace.is_empty() { String::new() } else { format!("/namespaces/{namespace}") };
    let all = format!("{root}{place}/{resource}");
    let read = |path: String| Made { posts: false, path, body: None };
    let dry_run = |body: Value| Made { posts: true, path: format!("{all}?dryRun=All"), body: Some(body) };
    match (verb.as_str(), resource.as_str(), subresource.as_str()) {
        ("get", _, "") if !namespace.is_empty() => Some(read(format!("{all}/{mark}"))),
        ("get", "pods", "log" | "status") if !namespace.is_empty() => Some(read(format!("{all}/{mark}/{subresource}"))),
        // What has this name is listed: nothing.
        ("list", _, "") => Some(read(format!("{all}?limit=1&fieldSelector=metadata.name%3D{mark}"))),
        ("create", "pods", "") if is_core(question) => Some(dry_run(restricted::pod(mark, image))),
        ("create", "configmaps", "") if is_core(question) => {
            Some(dry_run(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": mark}})))
        }
        ("create", "pods", "exec") if is_core(question) => {
            Some(Made { posts: true, path: format!("{all}/{mark}/exec?command=true&stdout=true"), body: None })
        }
        _ => None,
    }
}

fn is_core(question: &Question) -> bool {
    question.api_group.is_empty() && !question.namespace.is_empty()
}

/// Whether these are the words by which the API server's authorization refuses this request of this user, and nobody
/// else's: `ForbiddenStatusError` and `forbiddenMessage` of
/// `staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go`.
pub(super) fn refuses(message: &str, user: &str, question: &Question) -> bool {
    let Question { verb, api_group, resource, subresource, namespace, .. } = question;
    let slash = if subresource.is_empty() { "" } else { "/" };
    let place = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{namespace}\"")
    };
    let words = format!(
        "User \"{user}\" cannot {verb} resource \"{resource}{slash}{subresource}\" in API group \"{api_group}\" {place}"
    );
    // What stands before it names the object: `pods is forbidden: ` or `pods "web" is forbidden: `.
    let Some((object, said)) = message.split_once(" is forbidden: ") else { return false };
    let named = object.strip_prefix(resource.as_str()).and_then(|rest| match api_group.as_str() {
        "" => Some(rest),
        group => rest.strip_prefix('.').and_then(|rest| rest.strip_prefix(group)),
    });
    let named = named.is_some_and(|rest| rest.is_empty() || rest.starts_with(" \""));
    named && said.strip_prefix(&words).is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{mark_of, refuses, request};
    use crate::families::rbac::Question;

    fn question(verb: &str, group: &str, resource: &str, subresource: &str, namespace: &str) -> Question {
        Question {
            subject: "service account a/default".to_owned(),
            verb: verb.to_owned(),
            api_group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    #[rstest]
    #[case("list", "", "pods", "", "b", "/api/v1/namespaces/b/pods?limit=1&fieldSelector=metadata.name%3DM")]
    #[case("list", "", "nodes", "", "", "/api/v1/nodes?limit=1&fieldSelector=metadata.name%3DM")]
    #[case("list", "", "secrets", "", "", "/api/v1/secrets?limit=1&fieldSelector=metadata.name%3DM")]
    #[case("get", "", "secrets", "", "b", "/api/v1/namespaces/b/secrets/M")]
    #[case("get", "apps", "deployments", "", "b", "/apis/apps/v1/namespaces/b/deployments/M")]
    #[case("get", "", "pods", "log", "b", "/api/v1/namespaces/b/pods/M/log")]
    #[case("create", "", "pods", "", "b", "/api/v1/namespaces/b/pods?dryRun=All")]
    #[case("create", "", "configmaps", "", "b", "/api/v1/namespaces/b/configmaps?dryRun=All")]
    #[case("create", "", "pods", "exec", "b", "/api/v1/namespaces/b/pods/M/exec?command=true&stdout=true")]
    fn each_request_asks_for_what_does_not_exist_or_is_a_dry_run(
        #[case] verb: &str,
        #[case] group: &str,
        #[case] resource: &str,
        #[case] subresource: &str,
        #[case] namespace: &str,
        #[case] path: &str,
    ) {
        let mark = mark_of(&"20261124-140000-abcd".into());
        let made = request(&question(verb, group, resource, subresource, namespace), &mark, "i").unwrap();
        assert_eq!(made.path, path.replace('M', &mark));
        assert_eq!(made.posts, verb == "create");
        assert!(made.path.contains("dryRun=All") || made.path.contains(&mark), "it must be harmless: {}", made.path);
    }

    #[rstest]
    #[case::what_deletes("delete", "", "pods", "", "b")]
    #[case::what_deletes_all("deletecollection", "", "pods", "", "b")]
    #[case::what_changes("update", "", "pods", "", "b")]
    #[case::what_stays_open("watch", "", "pods", "", "b")]
    #[case::what_may_cost("create", "", "services", "", "b")]
    #[case::what_makes_a_token("create", "", "serviceaccounts", "token", "b")]
    #[case::what_goes_through("get", "", "pods", "proxy", "b")]
    #[case::of_another_group("create", "metrics.k8s.io", "pods", "", "b")]
    #[case::of_another_groups_kind("create", "apps", "pods", "", "b")]
    #[case::all_at_once("get", "", "*", "", "b")]
    #[case::a_path("get", "", "pods/../../secrets", "", "b")]
    #[case::one_of_the_cluster("get", "", "nodes", "", "")]
    fn nothing_else_is_asked_for(
        #[case] verb: &str,
        #[case] group: &str,
        #[case] resource: &str,
        #[case] subresource: &str,
        #[case] namespace: &str,
    ) {
        assert_eq!(request(&question(verb, group, resource, subresource, namespace), "m", "i"), None);
    }

    const USER: &str = "system:serviceaccount:a:default";

    #[rstest]
    #[case::a_list(
        question("list", "", "pods", "", "b"),
        "pods is forbidden: User \"system:serviceaccount:a:default\" cannot list resource \"pods\" in API group \"\" in the namespace \"b\"",
        true
    )]
    #[case::by_name(
        question("get", "", "secrets", "", "b"),
        "secrets \"m\" is forbidden: User \"system:serviceaccount:a:default\" cannot get resource \"secrets\" in API group \"\" in the namespace \"b\"",
        true
    )]
    #[case::a_subresource(
        question("create", "", "pods", "exec", "b"),
        "pods \"m\" is forbidden: User \"system:serviceaccount:a:default\" cannot create resource \"pods/exec\" in API group \"\" in the namespace \"b\"",
        true
    )]
    #[case::the_cluster(
        question("list", "", "nodes", "", ""),
        "nodes is forbidden: User \"system:serviceaccount:a:default\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
        true
    )]
    #[case::with_a_reason(
        question("list", "apps", "deployments", "", "b"),
        "deployments.apps is forbidden: User \"system:serviceaccount:a:default\" cannot list resource \"deployments\" in API group \"apps\" in the namespace \"b\": RBAC: clusterrole.rbac.authorization.k8s.io \"x\" not found",
        true
    )]
    #[case::of_another_user(
        question("list", "", "pods", "", "b"),
        "pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API group \"\" in the namespace \"b\"",
        false
    )]
    #[case::elsewhere(
        question("list", "", "pods", "", "b"),
        "pods is forbidden: User \"system:serviceaccount:a:default\" cannot list resource \"pods\" in API group \"\" in the namespace \"bb\"",
        false
    )]
    #[case::a_quota(
        question("create", "", "pods", "", "b"),
        "pods \"m\" is forbidden: exceeded quota: share, requested: pods=1, used: pods=1, limited: pods=1",
        false
    )]
    #[case::pod_security(
        question("create", "", "pods", "", "b"),
        "pods \"m\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true",
        false
    )]
    #[case::a_webhook_that_says_the_same(
        question("create", "", "pods", "", "b"),
        "admission webhook \"x\" denied the request: pods is forbidden: User \"system:serviceaccount:a:default\" cannot create resource \"pods\" in API group \"\" in the namespace \"b\"",
        false
    )]
    #[case::nothing(question("list", "", "pods", "", "b"), "", false)]
    fn a_refusal_is_known_by_its_wire_form(#[case] asked: Question, #[case] message: &str, #[case] refused: bool) {
        assert_eq!(refuses(message, USER, &asked), refused, "{message}");
    }
}
