//! Names with placeholders: as whom a session of a role is known.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Principal;

/// A user's or group's name that may have placeholders (`renderTemplate`, `pkg/server/server.go` of
/// `aws-iam-authenticator` at 81b1dab).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(String);

/// A placeholder, and whether whoever assumes the role chooses what stands for it.
const PLACEHOLDERS: [(&str, bool); 4] = [
    ("{{SessionName}}", true),
    ("{{SessionNameRaw}}", true),
    ("{{EC2PrivateDNSName}}", false),
    ("{{AccessKeyID}}", false),
];
const ACCOUNT: &str = "{{AccountID}}";

/// A part of a name: as it is written, or whatever stands for a placeholder.
enum Part<'a> {
    Text(&'a str),
    Anything { chosen: bool },
}

impl Template {
    /// A name as the EKS API or `aws-auth` has it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With what is known of a principal filled in.
    #[must_use]
    pub fn of(&self, principal: &Principal) -> Self {
        Self(self.0.replace(ACCOUNT, principal.account()))
    }

    /// Whether it is always one name.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.parts().iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// Whether whoever assumes the role chooses a part of it: its session's name.
    #[must_use]
    pub fn is_chosen(&self) -> bool {
        self.parts().iter().any(|part| matches!(part, Part::Anything { chosen: true }))
    }

    /// The name in a session of this name; other placeholders stay as they are.
    #[must_use]
    pub fn in_session(&self, session: &str) -> String {
        PLACEHOLDERS
            .iter()
            .filter(|(_, chosen)| *chosen)
            .fold(self.0.clone(), |name, (placeholder, _)| name.replace(placeholder, session))
    }

    /// Whether it may be this name.
    #[must_use]
    pub fn may_be(&self, name: &str) -> bool {
        let parts = self.parts();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return name.is_empty() };
        let mut rest = name;
        let mut parts = parts.as_slice();
        if let Part::Text(text) = first {
            let Some(after) = rest.strip_prefix(text) else { return false };
            rest = after;
            parts = parts.get(1..).unwrap_or_default();
            if parts.is_empty() {
                return rest.is_empty();
            }
        }
        if let Part::Text(text) = last {
            let Some(before) = rest.strip_suffix(text) else { return false };
            rest = before;
            parts = parts.get(..parts.len().saturating_sub(1)).unwrap_or_default();
        }
        // What is between may be anywhere, in its order: the first place is as good as any.
        let mut anything = 0;
        for part in parts {
            match part {
                Part::Anything { .. } => anything += 1,
                Part::Text(text) => match rest.find(text) {
                    Some(at) => rest = rest.get(at + text.len()..).unwrap_or_default(),
                    None => return false,
                },
            }
        }
        anything > 0 || rest.is_empty()
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let mut parts = Vec::new();
        let mut rest = self.0.as_str();
        while !rest.is_empty() {
            let next = PLACEHOLDERS
                .iter()
                .filter_map(|(placeholder, chosen)| Some((rest.find(placeholder)?, *placeholder, *chosen)))
                .min_by_key(|(at, ..)| *at);
            let Some((at, placeholder, chosen)) = next else {
                parts.push(Part::Text(rest));
                break;
            };
            let (before, after) = rest.split_at(at);
            if !before.is_empty() {
                parts.push(Part::Text(before));
            }
            parts.push(Part::Anything { chosen });
            rest = after.strip_prefix(placeholder).unwrap_or_default();
        }
        parts
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, proptest};
    use rstest::rstest;

    use super::Template;

    const OF_A_ROLE: &str = "arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}}";

    #[rstest]
    #[case::plain("admin", "admin", true)]
    #[case::another("admin", "admins", false)]
    #[case::session(OF_A_ROLE, "arn:aws:sts::111122223333:assumed-role/dev/ann", true)]
    #[case::of_another_role(OF_A_ROLE, "arn:aws:sts::111122223333:assumed-role/dev2/ann", false)]
    #[case::with_an_end("dev:{{SessionNameRaw}}:x", "dev:ann@example.com:x", true)]
    #[case::with_another_end("dev:{{SessionNameRaw}}:x", "dev:ann:y", false)]
    #[case::two("{{AccessKeyID}}-{{SessionName}}", "AKIA-ann", true)]
    #[case::two_without_what_is_between("{{AccessKeyID}}-{{SessionName}}", "ann", false)]
    #[case::anybody("{{SessionName}}", "system:masters", true)]
    #[case::begin_and_end_may_not_overlap("ab{{SessionName}}ba", "aba", false)]
    #[case::empty("", "", true)]
    #[case::not_a_placeholder("{{Other}}", "x", false)]
    fn a_template_may_be_a_name(#[case] template: &str, #[case] name: &str, #[case] may: bool) {
        assert_eq!(Template::new(template).may_be(name), may);
    }

    #[rstest]
    #[case("admin", true, false)]
    #[case(OF_A_ROLE, false, true)]
    #[case("system:node:{{EC2PrivateDNSName}}", false, false)]
    fn who_assumes_the_role_chooses_the_sessions_name_alone(
        #[case] template: &str,
        #[case] plain: bool,
        #[case] chosen: bool,
    ) {
        let template = Template::new(template);
        assert_eq!((template.is_plain(), template.is_chosen()), (plain, chosen));
    }

    #[test]
    fn the_account_is_known() {
        let principal = "arn:aws:iam::111122223333:role/dev".parse().unwrap();
        let template = Template::new("{{AccountID}}:{{SessionName}}").of(&principal);
        assert_eq!(template.in_session("ann"), "111122223333:ann");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn each_session_has_a_name_that_it_may_be(
            before in "[a-c:]{0,4}", after in "[a-c:]{0,4}", session in "[a-c@=,.+_-]{2,9}"
        ) {
            for placeholder in ["{{SessionName}}", "{{SessionNameRaw}}"] {
                let template = Template::new(format!("{before}{placeholder}{after}"));
                assert!(template.may_be(&template.in_session(&session)));
            }
        }
    }
}
