//! What is known of every request that a workload's session makes to S3: the keys of its context.
//!
//! Sources: the IAM User Guide, `reference_policies_condition-keys`; the EKS User Guide, `pod-id-abac`.

use super::{AssociationDetail, Estate, RoleInfo, ServiceAccount};
use crate::semantics::iam::arn::{AccountId, Arn};
use crate::semantics::iam::context::Context;
use crate::semantics::iam::pod_identity::SESSION_TAGS;

/// Keys that a request with a role's session never has: they are for users, for federation, and for requests that a service
/// makes in somebody's name or by itself.
const NEVER: [&str; 9] = [
    "aws:username",
    "aws:FederatedProvider",
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:SourceAccount",
    "aws:SourceArn",
];

impl Estate {
    /// The context of a request by a session of this association. What the caller knows beside it comes with `told`; all
    /// else that depends on the request itself is untold: addresses, times, headers, tags of objects.
    pub(super) fn context(
        &self,
        of: ServiceAccount<'_>,
        association: &AssociationDetail,
        role: Option<&RoleInfo>,
        told: &[(&str, &str)],
    ) -> Context {
        let mut context = of_role(association.effective_role());
        for key in NEVER {
            context.set_absent(key);
        }
        // Nothing is tagged by reading and writing objects.
        for beginning in ["aws:RequestTag/", "aws:PrincipalTag/"] {
            context.set_all_told(beginning);
        }
        self.tags(&mut context, of, association, role);
        for (key, value) in told {
            context.set(key, [*value]);
        }
        context
    }

    /// The tags of the session, which win over those of its role. A role of which nothing was read may have any.
    fn tags(
        &self,
        context: &mut Context,
        of: ServiceAccount<'_>,
        association: &AssociationDetail,
        role: Option<&RoleInfo>,
    ) {
        let name = Arn::parse(&self.cluster)
            .and_then(|arn| arn.resource().split_once('/').map(|(_, name)| name.to_owned()))
            .unwrap_or_default();
        let values = [Some(self.cluster.as_str()), Some(&name), Some(of.namespace), Some(of.name), None, None];
        let mut of_session = Vec::new();
        if !association.tags_off {
            for (tag, value) in SESSION_TAGS.iter().zip(values) {
                let key = format!("aws:PrincipalTag/{tag}");
                match value {
                    Some(value) => context.set(&key, [value]),
                    // The pod's name and UID: there, and not known.
                    None => context.set_untold(&key),
                }
                of_session.push(tag.to_ascii_lowercase());
            }
        }
        let Some(role) = role else { return };
        for (tag, value) in &role.tags {
            if !of_session.contains(&tag.to_ascii_lowercase()) {
                context.set(&format!("aws:PrincipalTag/{tag}"), [value.as_str()]);
            }
        }
    }
}

/// What is known of every request by a session of a role; all else is untold.
pub(super) fn of_role(role: &str) -> Context {
    let mut context = Context::open();
    context.set("aws:PrincipalArn", [role]);
    context.set("aws:PrincipalType", ["AssumedRole"]);
    if let Some(account) = AccountId::of_arn(role) {
        context.set("aws:PrincipalAccount", [account.to_string()]);
    }
    context.set("aws:SecureTransport", ["true"]);
    context.set("aws:ViaAWSService", ["false"]);
    context.set("aws:PrincipalIsAWSService", ["false"]);
    context
}
