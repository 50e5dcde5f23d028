//! The ConfigMap `aws-auth`, as the authenticator reads it (`ParseMap`, `pkg/mapper/configmap/configmap.go` of
//! `aws-iam-authenticator` at 81b1dab).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::template::Template;
use crate::model::{Principal, PrincipalKind};

/// What `aws-auth` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsAuth {
    /// `mapRoles`, then `mapUsers`.
    pub mappings: Vec<Mapping>,
    /// `mapAccounts`: accounts each of whose principals is let in by its own ARN, in no group.
    pub accounts: Vec<String>,
    /// What of it could not be understood: whom that would let in is not known.
    pub faults: Vec<String>,
}

/// Who is let in as whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The role's or user's ARN. Of a role it has no path, or it is nobody's.
    pub arn: String,
    /// As which user.
    pub username: Template,
    /// In which groups.
    pub groups: Vec<Template>,
}

impl Mapping {
    /// Whether it lets a principal in. Of a user the path is not looked at: the tenancy may leave it out.
    #[must_use]
    pub fn is_of(&self, principal: &Principal) -> bool {
        match self.arn.parse::<Principal>() {
            Ok(own) if own.kind() == PrincipalKind::Role => {
                self.arn.eq_ignore_ascii_case(&own.canonical()) && own.is(principal)
            }
            Ok(own) => own.is(principal),
            Err(_) => self.arn.eq_ignore_ascii_case(&principal.canonical()),
        }
    }
}

/// Groups that nodes and pods on Fargate are in, and nobody else need be.
const OF_NODES: [&str; 4] = ["system:bootstrappers", "system:nodes", "system:node-proxier", "eks:kube-proxy-windows"];

impl Mapping {
    /// Whether it lets nodes in: by the groups, and by a name that the Node authorizer knows.
    #[must_use]
    pub fn is_of_nodes(&self) -> bool {
        self.username.as_str().starts_with("system:node:")
            && !self.groups.is_empty()
            && self.groups.iter().all(|group| OF_NODES.contains(&group.as_str()))
    }
}

impl AwsAuth {
    /// Reads the data of the ConfigMap. What is wrong in one list hinders no other.
    #[must_use]
    pub fn read(data: &BTreeMap<String, String>) -> Self {
        let mut read = Self::default();
        for (key, arn_key) in [("mapRoles", "rolearn"), ("mapUsers", "userarn")] {
            let Some(items) = read.list(data, key) else { continue };
            for (index, item) in items.iter().enumerate() {
                match mapping(item, arn_key) {
                    Ok(mapping) => read.mappings.push(mapping),
                    Err(why) => read.faults.push(format!("{key}[{index}]: {why}")),
                }
            }
        }
        if let Some(items) = read.list(data, "mapAccounts") {
            for (index, item) in items.iter().enumerate() {
                match item {
                    Value::String(account) => read.accounts.push(account.clone()),
                    // Not quoted; with leading zeros YAML makes another number of it.
                    Value::Number(account) if account.as_u64().is_some_and(|number| number >= 100_000_000_000) => {
                        read.accounts.push(account.to_string());
                    }
                    Value::Number(account) => {
                        read.faults.push(format!("mapAccounts[{index}]: {account} is no account; it is to be quoted"));
                    }
                    _ => read.faults.push(format!("mapAccounts[{index}]: not an account")),
                }
            }
        }
        read
    }

    /// The items of a list that is itself a text of YAML; `None` where there is none.
    fn list(&mut self, data: &BTreeMap<String, String>, key: &str) -> Option<Vec<Value>> {
        let text = data.get(key).map(|text| text.trim())?;
        // `isSkippable`.
        if matches!(text, "" | "``" | "\"\"" | "''") {
            return None;
        }
        match serde_saphyr::from_str::<Value>(text) {
            Ok(Value::Array(items)) => Some(items),
            Ok(Value::Null) => None,
            Ok(_) => {
                self.faults.push(format!("{key}: not a list"));
                None
            }
            Err(_) => {
                self.faults.push(format!("{key}: not YAML"));
                None
            }
        }
    }

    /// The mapping that lets a principal in: roles come before users, and of two for one ARN the last counts.
    #[must_use]
    pub fn mapping_of(&self, principal: &Principal) -> Option<&Mapping> {
        self.mappings.iter().rev().find(|mapping| mapping.is_of(principal))
    }
}

/// Keys are read whatever their case, as Go's `encoding/json` does.
fn mapping(item: &Value, arn_key: &str) -> Result<Mapping, String> {
    let fields = item.as_object().ok_or("not a mapping")?;
    let field = |name: &str| {
        fields
            .get(name)
            .or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
    };
    let text = |name: &str| match field(name) {
        Some(Value::String(text)) => Ok(Some(text.clone())),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(format!("`{name}` is not a text")),
    };
    let Some(arn) = text(arn_key)?.filter(|arn| !arn.is_empty()) else {
        let also =
            if field("sso").is_some() { "; `sso` matches roles by a pattern, which is not modelled" } else { "" };
        return Err(format!("no `{arn_key}`{also}"));
    };
    let groups = match field("groups") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(groups)) => {
            let group = |group: &Value| group.as_str().map(Template::new).ok_or("a group is not a text");
            groups.iter().map(group).collect::<Result<_, _>>()?
        }
        Some(_) => return Err("`groups` is not a list".to_owned()),
    };
    Ok(Mapping { arn, username: Template::new(text("username")?.unwrap_or_default()), groups })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{ProptestConfig, proptest};
    use rstest::rstest;

    use super::{AwsAuth, Template};
    use crate::model::Principal;

    fn read(lists: &[(&str, &str)]) -> AwsAuth {
        let data: BTreeMap<String, String> =
            lists.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        AwsAuth::read(&data)
    }

    fn principal(arn: &str) -> Principal {
        arn.parse().unwrap()
    }

    const ROLES: &str = "
- rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
- RoleARN: arn:aws:iam::111122223333:role/Dev
  username: dev
- rolearn: arn:aws:iam::111122223333:role/eng/path
  username: nobody
";

    #[test]
    fn mappings_are_read_as_the_authenticator_reads_them() {
        let users =
            "- userarn: arn:aws:iam::111122223333:user/eng/ann\n  username: ann\n  groups:\n  - system:masters\n";
        let read = read(&[
            ("mapRoles", ROLES),
            ("mapUsers", users),
            ("mapAccounts", "- \"444455556666\"\n- 777788889999\n- \"000011112222\"\n"),
        ]);
        assert_eq!(read.faults, Vec::<String>::new());
        assert_eq!(read.accounts, ["444455556666", "777788889999", "000011112222"]);
        let of = |arn: &str| read.mapping_of(&principal(arn)).map(|mapping| mapping.username.as_str());
        assert_eq!(of("arn:aws:iam::111122223333:role/dev"), Some("dev"), "ARNs are compared whatever their case");
        assert_eq!(of("arn:aws:iam::111122223333:role/eng/dev"), Some("dev"), "a session's ARN has no path");
        assert_eq!(of("arn:aws:iam::111122223333:role/eng/path"), None, "a role with a path is nobody's");
        assert_eq!(of("arn:aws:iam::111122223333:user/eng/ann"), Some("ann"));
        assert_eq!(of("arn:aws:iam::444455556666:role/dev"), None);
        let ann = read.mapping_of(&principal("arn:aws:iam::111122223333:user/eng/ann")).unwrap();
        assert_eq!(ann.groups, [Template::new("system:masters")]);
    }

    #[test]
    fn of_two_mappings_of_one_role_the_last_counts() {
        let twice = format!("{ROLES}- {{rolearn: 'arn:aws:iam::111122223333:role/dev', username: later}}\n");
        let read = read(&[("mapRoles", &twice)]);
        let mapping = read.mapping_of(&principal("arn:aws:iam::111122223333:role/dev")).unwrap();
        assert_eq!(mapping.username.as_str(), "later");
    }

    #[rstest]
    #[case::no_yaml("- a: [", "mapRoles: not YAML")]
    #[case::no_list("rolearn: x", "mapRoles: not a list")]
    #[case::no_arn("- username: x", "mapRoles[0]: no `rolearn`")]
    #[case::sso("- sso: {permissionSetName: x}\n  username: x", "not modelled")]
    #[case::no_mapping("- x", "mapRoles[0]: not a mapping")]
    #[case::groups("- {rolearn: r, groups: x}", "`groups` is not a list")]
    #[case::group("- {rolearn: r, groups: [[]]}", "a group is not a text")]
    #[case::name("- {rolearn: r, username: {}}", "`username` is not a text")]
    fn what_is_not_understood_is_told_and_hinders_nothing_else(#[case] roles: &str, #[case] fault: &str) {
        let users = "- {userarn: 'arn:aws:iam::111122223333:user/ann', username: ann}";
        let read = read(&[("mapRoles", roles), ("mapUsers", users)]);
        assert_eq!(read.faults.len(), 1, "{:?}", read.faults);
        assert!(read.faults[0].contains(fault), "{:?}", read.faults);
        assert_eq!(read.mappings.len(), 1);
    }

    #[rstest]
    #[case::nodes("system:node:{{EC2PrivateDNSName}}", "[system:bootstrappers, system:nodes]", true)]
    #[case::fargate("system:node:{{SessionName}}", "[system:nodes, system:node-proxier]", true)]
    #[case::more_than_nodes("system:node:{{EC2PrivateDNSName}}", "[system:nodes, system:masters]", false)]
    #[case::a_person("ann", "[system:nodes]", false)]
    #[case::no_group("system:node:{{EC2PrivateDNSName}}", "[]", false)]
    fn nodes_are_told_by_their_names_and_groups(#[case] username: &str, #[case] groups: &str, #[case] nodes: bool) {
        let role = format!("- {{rolearn: r, username: '{username}', groups: {groups}}}");
        assert_eq!(read(&[("mapRoles", &role)]).mappings[0].is_of_nodes(), nodes);
    }

    #[rstest]
    #[case("")]
    #[case("``")]
    #[case(" '' ")]
    #[case("# nothing")]
    fn a_list_that_is_left_blank_is_none(#[case] roles: &str) {
        assert_eq!(read(&[("mapRoles", roles)]), AwsAuth::default());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn no_text_is_a_trouble(text in "\\PC{0,40}") {
            let _ = read(&[("mapRoles", &text), ("mapUsers", &text), ("mapAccounts", &text)]);
        }
    }
}
