//! The rules for IAM principals in a tenancy file: each is a role or user, and acts for one party alone.

use super::file::TenancyFile;
use super::problem::Problem;
use super::validate::Check;
use crate::document::Path;
use crate::model::Principal;

impl Check<'_> {
    pub(super) fn principals(&mut self, file: &TenancyFile) {
        let path = Path::root();
        let mut first: Vec<(Principal, String, Path)> = Vec::new();
        for (index, tenant) in file.tenants.iter().enumerate() {
            let arns = tenant.subjects.iter().flat_map(|subjects| subjects.principals.iter().flatten());
            let path = path.key("tenants").item(index).key("subjects").key("principals");
            self.of_one(arns, &format!("`{}`", tenant.id), &path, &mut first);
        }
        let arns = file.operators.iter().flat_map(|operators| &operators.principals);
        self.of_one(arns, "the operators", &path.key("operators").key("principals"), &mut first);
    }

    fn of_one<'a>(
        &mut self,
        arns: impl Iterator<Item = &'a String>,
        party: &str,
        list: &Path,
        first: &mut Vec<(Principal, String, Path)>,
    ) {
        for (index, arn) in arns.enumerate() {
            let path = list.item(index);
            let principal: Principal = match arn.parse() {
                Ok(principal) => principal,
                Err(why) => {
                    let problem = Problem::InvalidPrincipal { arn: arn.clone(), path: path.clone(), why };
                    self.add(&path, "not a role or user", problem);
                    continue;
                }
            };
            if principal.is_service_linked() {
                let problem = Problem::ServiceLinked { arn: arn.clone(), path: path.clone() };
                self.add(&path, "a service's own", problem);
            }
            match first.iter().find(|(known, ..)| known.is(&principal)) {
                Some((known, other, earlier)) => {
                    // The same text twice in one list has been said by its shape.
                    if other == party && known == &principal {
                        continue;
                    }
                    let problem = if other == party {
                        Problem::ListedTwice { word: arn.clone(), path: list.clone() }
                    } else {
                        let (first, second) = (other.clone(), party.to_owned());
                        Problem::PrincipalClaimedTwice { arn: arn.clone(), first, second }
                    };
                    self.add_beside(&path, "again here", (earlier, "first here"), problem);
                }
                None => first.push((principal, party.to_owned(), path)),
            }
        }
    }
}
