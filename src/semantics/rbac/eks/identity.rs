//! As whom the API server knows an IAM principal.

use super::aws_auth::Mapping;
use super::entry::{Access, AuthenticationMode, ConfigMap, Entry};
use super::template::Template;
use crate::model::Principal;
use crate::semantics::rbac::Subject;

/// What lets a principal in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    /// Its access entry; a mapping of `aws-auth` beside it is not in force.
    Entry(&'a Entry),
    /// A mapping of `aws-auth`.
    Mapping(&'a Mapping),
    /// `aws-auth` lets all principals of its account in, each by its own ARN.
    Account(String),
    /// Nothing: it is not let in.
    Nothing,
    /// What was read does not tell, and why.
    Unknown(String),
}

/// A user and groups, with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAs {
    /// The user.
    pub username: Template,
    /// The groups, without those that the API server adds.
    pub groups: Vec<Template>,
}

impl KnownAs {
    /// The subject in a session of this name.
    #[must_use]
    pub fn in_session(&self, session: &str) -> Subject {
        Subject::user(&self.username.in_session(session), self.groups.iter().map(|group| group.in_session(session)))
    }
}

impl Identity<'_> {
    /// The user and groups, of a principal that is let in.
    #[must_use]
    pub fn known_as(&self, principal: &Principal) -> Option<KnownAs> {
        let (username, groups): (Template, &[Template]) = match self {
            Self::Entry(entry) => (entry.username.clone(), &entry.groups),
            Self::Mapping(mapping) => (mapping.username.clone(), &mapping.groups),
            Self::Account(_) => (Template::new(principal.canonical()), &[]),
            Self::Nothing | Self::Unknown(_) => return None,
        };
        Some(KnownAs {
            username: username.of(principal),
            groups: groups.iter().map(|group| group.of(principal)).collect(),
        })
    }
}

impl Access {
    /// What lets a principal in: its access entry, or else `aws-auth` ("Migrating existing aws-auth ConfigMap entries to
    /// access entries", Amazon EKS User Guide).
    #[must_use]
    pub fn identity(&self, principal: &Principal) -> Identity<'_> {
        if self.mode.has_entries()
            && let Some(entry) = self.entries.iter().find(|entry| entry.is_of(principal))
        {
            return Identity::Entry(entry);
        }
        let by_config_map = self.in_config_map(principal);
        match &self.mode {
            AuthenticationMode::Other(mode) if by_config_map == Identity::Nothing => {
                Identity::Unknown(format!("authentication mode {mode} is not known"))
            }
            AuthenticationMode::ConfigMap if by_config_map == Identity::Nothing => Identity::Unknown(HIDDEN.to_owned()),
            _ => by_config_map,
        }
    }

    /// Whether an access entry is in force in the place of a mapping of `aws-auth`.
    #[must_use]
    pub fn overrides(&self, mapping: &Mapping) -> bool {
        let principals = self.entries.iter().filter_map(Entry::as_principal);
        self.mode.has_entries() && principals.into_iter().any(|principal| mapping.is_of(&principal))
    }

    /// What of `aws-auth` lets a principal in where no access entry does.
    #[must_use]
    pub fn in_config_map(&self, principal: &Principal) -> Identity<'_> {
        let auth = match &self.config_map {
            _ if !self.mode.has_config_map() => return Identity::Nothing,
            Some(ConfigMap::Absent) => return Identity::Nothing,
            Some(ConfigMap::Read(auth)) => auth,
            Some(ConfigMap::Unread(why)) => {
                return Identity::Unknown(format!("ConfigMap kube-system/aws-auth was not read: {why}"));
            }
            None => return Identity::Unknown("ConfigMap kube-system/aws-auth was not read".to_owned()),
        };
        if let Some(mapping) = auth.mapping_of(principal) {
            return Identity::Mapping(mapping);
        }
        if auth.accounts.iter().any(|account| account == principal.account()) {
            return Identity::Account(principal.account().to_owned());
        }
        match auth.faults.first() {
            Some(fault) => Identity::Unknown(format!("ConfigMap kube-system/aws-auth can't be understood: {fault}")),
            None => Identity::Nothing,
        }
    }
}

/// Why in the mode `CONFIG_MAP` it is never known that a principal is not let in.
const HIDDEN: &str = "in authentication mode CONFIG_MAP the principal that created the cluster is a member of \
                      system:masters and in no configuration that can be read";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::{Access, AuthenticationMode, ConfigMap, Identity};
    use crate::model::Principal;
    use crate::semantics::rbac::eks::{AwsAuth, Cluster, Entry, EntryType, Template};

    const ROLES: &str = "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: mapped, groups: [old]}";

    fn access(mode: &str, entries: &[&str], config_map: Option<ConfigMap>) -> Access {
        let entry = |arn: &&str| Entry {
            principal: (*arn).to_owned(),
            kind: EntryType::Standard,
            username: Template::new("arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}}"),
            groups: vec![Template::new("developers")],
            policies: Vec::new(),
        };
        Access {
            cluster: Cluster::default(),
            mode: AuthenticationMode::of(mode),
            entries: entries.iter().map(entry).collect(),
            config_map,
        }
    }

    #[allow(clippy::unnecessary_wraps, reason = "it stands where none may be")]
    fn mapped(lists: &[(&str, &str)]) -> Option<ConfigMap> {
        let data: BTreeMap<String, String> =
            lists.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        Some(ConfigMap::Read(AwsAuth::read(&data)))
    }

    fn principal(arn: &str) -> Principal {
        arn.parse().unwrap()
    }

    fn word(identity: &Identity<'_>) -> &'static str {
        match identity {
            Identity::Entry(_) => "entry",
            Identity::Mapping(_) => "mapping",
            Identity::Account(_) => "account",
            Identity::Nothing => "nothing",
            Identity::Unknown(_) => "unknown",
        }
    }

    const DEV: &str = "arn:aws:iam::111122223333:role/eng/dev";

    #[rstest]
    #[case::entry("API", &[DEV], None, "entry")]
    #[case::entry_without_the_path("API", &["arn:aws:iam::111122223333:role/dev"], None, "entry")]
    #[case::entry_of_another("API", &["arn:aws:iam::111122223333:role/ops"], None, "nothing")]
    #[case::entry_before_the_map("API_AND_CONFIG_MAP", &[DEV], mapped(&[("mapRoles", ROLES)]), "entry")]
    #[case::the_map_where_there_is_no_entry("API_AND_CONFIG_MAP", &[], mapped(&[("mapRoles", ROLES)]), "mapping")]
    #[case::no_map_in_this_mode("API", &[], mapped(&[("mapRoles", ROLES)]), "nothing")]
    #[case::an_entry_in_a_mode_without("CONFIG_MAP", &[DEV], mapped(&[("mapRoles", ROLES)]), "mapping")]
    #[case::account("API_AND_CONFIG_MAP", &[], mapped(&[("mapAccounts", "['111122223333']")]), "account")]
    #[case::another_account("API_AND_CONFIG_MAP", &[], mapped(&[("mapAccounts", "['444455556666']")]), "nothing")]
    #[case::map_absent("API_AND_CONFIG_MAP", &[], Some(ConfigMap::Absent), "nothing")]
    #[case::map_unread("API_AND_CONFIG_MAP", &[], Some(ConfigMap::Unread("forbidden".to_owned())), "unknown")]
    #[case::map_not_looked_at("API_AND_CONFIG_MAP", &[], None, "unknown")]
    #[case::map_not_understood("API_AND_CONFIG_MAP", &[], mapped(&[("mapRoles", "x: 1")]), "unknown")]
    #[case::who_made_the_cluster("CONFIG_MAP", &[], Some(ConfigMap::Absent), "unknown")]
    #[case::another_mode("LATER", &[], Some(ConfigMap::Absent), "unknown")]
    #[case::an_entry_in_another_mode("LATER", &[DEV], Some(ConfigMap::Absent), "entry")]
    fn a_principal_is_let_in_by_what_comes_first(
        #[case] mode: &str,
        #[case] entries: &[&str],
        #[case] config_map: Option<ConfigMap>,
        #[case] by: &str,
    ) {
        let access = access(mode, entries, config_map);
        assert_eq!(word(&access.identity(&principal(DEV))), by);
    }

    #[test]
    fn who_is_let_in_is_a_subject_with_the_groups_that_the_api_server_adds() {
        let access = access("API", &[DEV], None);
        let dev = principal(DEV);
        let subject = access.identity(&dev).known_as(&dev).unwrap().in_session("ann");
        assert_eq!(subject.user_name(), Some("arn:aws:sts::111122223333:assumed-role/dev/ann"));
        assert_eq!(subject.groups(), ["developers", "system:authenticated"]);
        let by_account = super::Identity::Account("111122223333".to_owned()).known_as(&dev).unwrap();
        assert_eq!(by_account.username.as_str(), "arn:aws:iam::111122223333:role/dev");
    }
}
