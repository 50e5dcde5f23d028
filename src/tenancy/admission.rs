//! What a rule of admission must be beside its shape.

use super::file::{self, TenancyFile};
use super::problem::Problem;
use super::types::PartyKind;
use super::validate::Check;
use crate::document::{NameRule, Path};
use crate::model::Nearest;

impl Check<'_> {
    /// Everything that is wrong with one rule, the one of this number.
    pub(super) fn admission(&mut self, file: &TenancyFile, rule: &file::AdmissionRule, index: usize) {
        let rules = Path::root().key("admission");
        let path = rules.item(index);
        self.name(&rule.id, NameRule::Id, &path.key("id"));
        let earlier = file.admission.iter().flatten().take(index).position(|other| other.id == rule.id);
        if let Some(earlier) = earlier {
            let first = rules.item(earlier);
            let problem = Problem::Duplicate { name: rule.id.clone(), what: "id", first: first.clone() };
            self.add_beside(&path.key("id"), "again here", (&first.key("id"), "first here"), problem);
        }
        for (index, id) in rule.tenants.iter().flatten().enumerate() {
            self.tenant(file, id, &path.key("tenants").item(index));
        }
        if let Some(pods) = &rule.pods {
            self.labels(pods, &path.key("pods"));
            if rule.require.bucket.is_some() {
                let path = path.key("pods");
                self.add(&path, "of no bucket", Problem::PodsOfBuckets { path: path.clone() });
            }
        }
        self.requirement(&rule.require, &path.key("require"));
    }

    fn tenant(&mut self, file: &TenancyFile, id: &str, path: &Path) {
        if file.tenants.iter().any(|tenant| tenant.id == id) {
            return;
        }
        let kind = PartyKind::Tenant;
        let problem = if file.shared.iter().flatten().any(|shared| shared.id == id) {
            Problem::WrongKind { path: path.clone(), id: id.to_owned(), kind }
        } else {
            let expected: Vec<String> = file.tenants.iter().map(|tenant| tenant.id.clone()).collect();
            let nearest = Nearest::of(id, expected.iter().map(String::as_str));
            Problem::UnknownParty { path: path.clone(), id: id.to_owned(), kind, nearest, expected }
        };
        self.add(path, "not declared", problem);
    }

    fn requirement(&mut self, require: &file::Require, path: &Path) {
        let file::Require { run_as_non_root, pod_security, registries, labels, bucket } = require;
        let asks_something = |bucket: &file::Bucket| bucket.tags.is_some() || bucket.public_access_block == Some(true);
        let given = [
            *run_as_non_root == Some(true),
            pod_security.is_some(),
            registries.is_some(),
            labels.is_some(),
            bucket.as_ref().is_some_and(asks_something),
        ];
        let given = given.into_iter().filter(|given| *given).count();
        if given != 1 {
            let problem = Problem::AmbiguousRequirement { path: path.clone(), several: given > 1 };
            self.add(path, if given > 1 { "several" } else { "nothing" }, problem);
        }
        for (index, mark) in labels.iter().flatten().enumerate() {
            let path = path.key("labels").item(index);
            self.name(&mark.key, NameRule::LabelKey, &path.key("key"));
            if let Some(value) = &mark.value {
                self.name(value, NameRule::LabelValue, &path.key("value"));
            }
        }
    }
}
