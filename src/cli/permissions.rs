//! `tenantproof permissions`.

#[cfg(feature = "aws")]
mod iam;

use crate::cluster::permissions::{IMPERSONATE, PERMISSIONS, REQUEST_TOKENS};
use crate::families::{FAMILIES, FamilyEntry};
use crate::plan::Permission;
use crate::semantics::{Extent, ObjectKind};

/// Print what a run needs: the ClusterRole, and with `--aws` the policy of IAM.
#[derive(Debug, Default, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct PermissionsArgs {
    /// Print the ClusterRole; it is what is printed where `--aws` is not asked for.
    #[arg(long)]
    kubernetes: bool,
    /// Print the policy of IAM that holds all that a run asks of AWS, in JSON; with `--kubernetes` both, as documents of
    /// one YAML stream.
    #[cfg(feature = "aws")]
    #[arg(long)]
    aws: bool,
    /// With what `tenantproof run --read-secrets` needs beside it.
    #[arg(long)]
    read_secrets: bool,
    /// With the right to act in others' names: with it the audit family's requests are made as the tenants'
    /// subjects, and without it as the runner itself.
    #[arg(long)]
    impersonate: bool,
    /// With what `tenantproof run --request-tokens` needs beside it.
    #[arg(long)]
    request_tokens: bool,
}

/// What a family asks of the API server beside what every run asks; of what it asks only where the run was
/// told to read Secrets, this says whether it was.
pub(super) fn of(family: &'static FamilyEntry, read_secrets: bool) -> impl Iterator<Item = Permission> {
    let told = move |kind: &&'static ObjectKind| read_secrets || kind.extent != Extent::OnlyIfTold;
    let read = |kind: &'static ObjectKind| Permission::read(kind.group, std::slice::from_ref(&kind.plural), kind.why);
    family.reads.iter().filter(told).map(read).chain(family.needs.iter().copied())
}

/// Everything that a run of all families asks of the API server.
fn all(read_secrets: bool) -> impl Iterator<Item = Permission> {
    let of = move |family: &'static FamilyEntry| of(family, read_secrets);
    PERMISSIONS.iter().copied().chain(FAMILIES.iter().flat_map(of))
}

/// What is asked for.
#[must_use]
pub(super) fn printed(args: &PermissionsArgs) -> String {
    #[cfg(feature = "aws")]
    if args.aws {
        let policy = iam::policy();
        // JSON is YAML.
        return if args.kubernetes { format!("{}---\n{policy}", cluster_role(args)) } else { policy };
    }
    cluster_role(args)
}

/// The permissions as a ClusterRole in YAML, each rule with its reason.
fn cluster_role(args: &PermissionsArgs) -> String {
    use std::fmt::Write as _;
    let never = if args.read_secrets {
        "No exec, attach, port-forward or proxy."
    } else {
        "No exec, attach, port-forward, proxy or Secret."
    };
    let mut yaml = format!(
        "# What a run of tenantproof asks of the API server. {never}\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: tenantproof\nrules:\n",
    );
    let told = [(args.impersonate, IMPERSONATE), (args.request_tokens, REQUEST_TOKENS)];
    let told = told.into_iter().filter_map(|(told, permission)| told.then_some(permission));
    for permission in all(args.read_secrets).chain(told) {
        // Writing to a String can't fail.
        let _ = write!(
            yaml,
            "- apiGroups: [\"{}\"] # {}\n  resources: [{}]\n  verbs: [{}]\n",
            permission.group,
            permission.why,
            quoted(permission.resources),
            permission.verbs.join(", "),
        );
    }
    yaml
}

/// Resources in a YAML list: an asterisk would begin an alias.
fn quoted(resources: &[&str]) -> String {
    let quoted = |one: &&str| if one.contains('*') { format!("\"{one}\"") } else { (*one).to_owned() };
    resources.iter().map(quoted).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{PermissionsArgs, all, cluster_role};

    #[test]
    fn no_rule_grants_what_no_security_team_grants() {
        for permission in all(false) {
            for resource in permission.resources {
                let subresource = resource.split_once('/').map(|(_, sub)| sub);
                assert!(matches!(subresource, None | Some("log")), "{resource} must not be asked for");
                assert!(!resource.starts_with("secrets"), "{resource} must not be asked for");
                // Gatekeeper's constraints are kinds that the cluster's owner named, and hold no secret.
                let of_policies =
                    permission.group == "constraints.gatekeeper.sh" && permission.verbs == ["get", "list"];
                assert!(!resource.contains('*') || of_policies, "{resource} must be named");
            }
            for verb in permission.verbs {
                assert!(["get", "list", "create", "patch", "delete"].contains(verb), "{verb} must not be asked for");
            }
        }
    }

    #[test]
    fn secrets_are_in_it_only_where_the_run_is_told_to_read_them() {
        let told: Vec<_> = all(true).filter(|permission| permission.resources == ["secrets"]).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].verbs, ["get", "list"]);
        assert_eq!(all(true).count(), all(false).count() + 1, "the flag adds nothing else");
    }

    #[cfg(feature = "aws")]
    #[test]
    fn both_are_documents_of_one_stream() {
        let [kubernetes, aws, both] = [(true, false), (false, true), (true, true)].map(|(kubernetes, aws)| {
            super::printed(&PermissionsArgs { kubernetes, aws, ..PermissionsArgs::default() })
        });
        assert_eq!(both, format!("{kubernetes}---\n{aws}"));
        assert_eq!(super::printed(&PermissionsArgs::default()), kubernetes);
        let policy: serde_json::Value = serde_json::from_str(&aws).unwrap();
        assert_eq!(policy, serde_saphyr::from_str::<serde_json::Value>(&aws).unwrap());
    }

    #[test]
    fn the_cluster_role_is_yaml() {
        for number in 0..8 {
            let [read_secrets, impersonate, request_tokens] = [1, 2, 4].map(|bit| number & bit != 0);
            let args = PermissionsArgs { read_secrets, impersonate, request_tokens, ..PermissionsArgs::default() };
            let role: serde_json::Value = serde_saphyr::from_str(&cluster_role(&args)).unwrap();
            let rules = role["rules"].as_array().unwrap();
            let told = usize::from(impersonate) + usize::from(request_tokens);
            assert_eq!(rules.len(), all(read_secrets).count() + told);
            assert_eq!(rules.iter().any(|rule| rule["verbs"][0] == "impersonate"), impersonate);
            assert_eq!(rules.iter().any(|rule| rule["resources"][0] == "serviceaccounts/token"), request_tokens);
        }
    }
}
