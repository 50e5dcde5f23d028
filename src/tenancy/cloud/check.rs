//! The rules for what a tenancy file says of AWS: names, and whose is what.

use super::file::{CloudBucketFile, CloudServiceAccount, CloudTableFile, TenantCloud, lifetime};
use crate::document::{NameRule, Path};
use crate::model::Nearest;
use crate::tenancy::file::{self, TenancyFile};
use crate::tenancy::problem::Problem;
use crate::tenancy::validate::Check;

/// Something of AWS that a tenant claims.
struct Claim {
    tenant: String,
    path: Path,
    what: &'static str,
    name: String,
    /// What of it: everything under this prefix, or under this value.
    part: Option<String>,
}

impl Claim {
    /// Whether both claim the same, or a part of it.
    fn overlaps(&self, other: &Self) -> bool {
        let nested = match (self.part.as_deref(), other.part.as_deref()) {
            (Some(one), Some(two)) if self.what == BUCKET => one.starts_with(two) || two.starts_with(one),
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        self.what == other.what && self.name == other.name && nested
    }
}

const BUCKET: &str = "bucket";
const TABLE: &str = "table";
const KEY: &str = "key";
const ACCOUNT: &str = "service account";

impl Check<'_> {
    /// Everything that is wrong with what is said of AWS.
    pub(in crate::tenancy) fn cloud(&mut self, file: &TenancyFile) {
        let root = Path::root();
        if let Some(cloud) = &file.cloud
            && lifetime(&cloud.credentials.longest).is_none()
        {
            let path = root.key("cloud").key("credentials").key("longest");
            self.cloud_name(
                &cloud.credentials.longest,
                false,
                "a time from one minute to twelve hours, such as `1h`",
                &path,
            );
        }
        let mut claims: Vec<Claim> = Vec::new();
        for (index, tenant) in file.tenants.iter().enumerate() {
            let Some(cloud) = &tenant.cloud else { continue };
            let path = root.key("tenants").item(index).key("cloud");
            for claim in self.tenant_cloud(tenant, cloud, &path) {
                match claims.iter().find(|earlier| earlier.overlaps(&claim)) {
                    Some(earlier) => {
                        let problem = if earlier.tenant == claim.tenant {
                            Problem::ListedTwice { word: claim.name, path: path.clone() }
                        } else {
                            let (first, second) = (earlier.tenant.clone(), claim.tenant);
                            Problem::CloudClaimedTwice { what: claim.what, name: claim.name, first, second }
                        };
                        self.add_beside(&claim.path, "again here", (&earlier.path, "first here"), problem);
                    }
                    None => claims.push(claim),
                }
            }
        }
    }

    fn tenant_cloud(&mut self, tenant: &file::Tenant, cloud: &TenantCloud, path: &Path) -> Vec<Claim> {
        let mut claims = Vec::new();
        let mut claim = |what, path: Path, name: &str, part: Option<&String>| {
            let (tenant, name, part) = (tenant.id.clone(), name.to_owned(), part.cloned());
            claims.push(Claim { tenant, path, what, name, part });
        };
        for (index, account) in cloud.service_accounts.iter().enumerate() {
            let path = path.key("serviceAccounts").item(index);
            let namespace = self.service_account(tenant, account, &path);
            claim(ACCOUNT, path.key("name"), &format!("{namespace}/{}", account.name), None);
        }
        for (index, CloudBucketFile { name, prefix, account }) in cloud.buckets.iter().flatten().enumerate() {
            let path = path.key("buckets").item(index);
            self.cloud_name(name, is_bucket(name), BUCKET_NAME, &path.key("name"));
            if let Some(prefix) = prefix {
                self.cloud_name(prefix, is_prefix(prefix), PREFIX, &path.key("prefix"));
            }
            if let Some(account) = account {
                self.cloud_name(account, is_account(account), "an account: twelve digits", &path.key("account"));
            }
            claim(BUCKET, path.key("name"), name, prefix.as_ref());
        }
        for (index, CloudTableFile { name, leading, .. }) in cloud.tables.iter().flatten().enumerate() {
            let path = path.key("tables").item(index).key("name");
            self.cloud_name(name, is_table(name), TABLE_NAME, &path);
            claim(TABLE, path, name, leading.as_ref());
        }
        for (index, arn) in cloud.keys.iter().flatten().enumerate() {
            let path = path.key("keys").item(index);
            self.cloud_name(arn, is_key_arn(arn), KEY_ARN, &path);
            claim(KEY, path, arn, None);
        }
        claims
    }

    /// The namespace that it lies in; empty where that can't be told.
    fn service_account(&mut self, tenant: &file::Tenant, account: &CloudServiceAccount, path: &Path) -> String {
        self.cloud_name(&account.name, is_service_account(&account.name), SERVICE_ACCOUNT, &path.key("name"));
        let (names, labels) = tenant.namespaces.clone().into_parts();
        let by_name_alone = labels.is_empty();
        match (&account.namespace, names.as_slice()) {
            (Some(namespace), names) => {
                let place = path.key("namespace");
                self.name(namespace, NameRule::Namespace, &place);
                if by_name_alone && !names.contains(namespace) {
                    let nearest = Nearest::of(namespace, names.iter().map(String::as_str));
                    let (namespace, party, expected) = (namespace.clone(), tenant.id.clone(), names.to_vec());
                    let problem =
                        Problem::ForeignNamespace { path: place.clone(), namespace, party, nearest, expected };
                    self.add(&place, "not the tenant's", problem);
                }
                namespace.clone()
            }
            (None, [only]) if by_name_alone => only.clone(),
            (None, _) => {
                let problem = Problem::NamespaceNeeded { path: path.clone(), party: tenant.id.clone() };
                self.add(path, "in which namespace?", problem);
                String::new()
            }
        }
    }

    fn cloud_name(&mut self, text: &str, accepted: bool, expected: &'static str, path: &Path) {
        if !accepted {
            let problem = Problem::NotOfCloud { text: text.to_owned(), path: path.clone(), expected };
            self.add(path, "not valid", problem);
        }
    }
}

const BUCKET_NAME: &str =
    "the name of a bucket: 3 to 63 lower-case letters, digits, `.` or `-`, with a letter or digit at both ends";
const PREFIX: &str = "a prefix that ends with a slash, such as `tenant-1/`, without `.`, `..` or empty parts";
const TABLE_NAME: &str = "the name of a table (3 to 255 letters, digits, `_`, `-` or `.`) or its ARN";
const KEY_ARN: &str = "the ARN of a key, such as `arn:aws:kms:eu-west-1:111122223333:key/…`; an alias is none";
const SERVICE_ACCOUNT: &str = "the name of a service account: lower-case letters, digits, `-` or `.`";

fn is_bucket(name: &str) -> bool {
    let edge = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| edge(byte) || matches!(byte, b'-' | b'.'))
        && bytes.first().is_some_and(edge)
        && bytes.last().is_some_and(edge)
        && !name.contains("..")
}

fn is_prefix(prefix: &str) -> bool {
    let parts = prefix.strip_suffix('/').map(|rest| rest.split('/'));
    // With the marker behind it a key of S3 still has room.
    prefix.len() <= 512 && parts.is_some_and(|mut parts| parts.all(|part| !matches!(part, "" | "." | "..")))
}

fn is_account(account: &str) -> bool {
    account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_table(name: &str) -> bool {
    let plain = |name: &str| {
        (3..=255).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    };
    plain(name) || arn_of(name, "dynamodb").and_then(|rest| rest.strip_prefix("table/")).is_some_and(plain)
}

/// Whether it is the ARN of a key, and of no alias.
pub(super) fn is_key_arn(arn: &str) -> bool {
    let id = arn_of(arn, "kms").and_then(|rest| rest.strip_prefix("key/"));
    id.is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

/// The resource of a regional ARN of this service.
fn arn_of<'a>(arn: &'a str, service: &str) -> Option<&'a str> {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next();
    let (scheme, partition, of, region, account, resource) = (next()?, next()?, next()?, next()?, next()?, next()?);
    let region_is_one = region.len() >= 2
        && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    (scheme == "arn" && partition.starts_with("aws") && of == service && region_is_one && is_account(account))
        .then_some(resource)
}

fn is_service_account(name: &str) -> bool {
    let part = |part: &str| NameRule::Namespace.accepts(part);
    name.len() <= 253 && name.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{is_bucket, is_key_arn, is_prefix, is_table};
    use crate::tenancy::cloud::file::lifetime;

    #[rstest]
    #[case("tenant-1-data", true)]
    #[case("a.b", true)]
    #[case("ab", false)]
    #[case("Tenant", false)]
    #[case("a..b", false)]
    #[case("-abc", false)]
    #[case("s3://abc", false)]
    fn buckets(#[case] name: &str, #[case] accepted: bool) {
        assert_eq!(is_bucket(name), accepted);
    }

    #[rstest]
    #[case("tenant-1/", true)]
    #[case("a/b/", true)]
    #[case("tenant-1", false)]
    #[case("/", false)]
    #[case("/a/", false)]
    #[case("a//", false)]
    #[case("../a/", false)]
    fn prefixes(#[case] prefix: &str, #[case] accepted: bool) {
        assert_eq!(is_prefix(prefix), accepted);
    }

    #[rstest]
    #[case("arn:aws:kms:eu-west-1:111122223333:key/mrk-1234", true)]
    #[case("arn:aws:kms:eu-west-1:111122223333:alias/a", false)]
    #[case("arn:aws:kms::111122223333:key/a", false)]
    #[case("arn:aws:s3:eu-west-1:111122223333:key/a", false)]
    #[case("1234abcd", false)]
    fn keys(#[case] arn: &str, #[case] accepted: bool) {
        assert_eq!(is_key_arn(arn), accepted);
    }

    #[rstest]
    #[case("orders", true)]
    #[case("arn:aws:dynamodb:eu-west-1:111122223333:table/orders", true)]
    #[case("arn:aws:dynamodb:eu-west-1:111122223333:table/orders/index/a", false)]
    #[case("a b", false)]
    fn tables(#[case] name: &str, #[case] accepted: bool) {
        assert_eq!(is_table(name), accepted);
    }

    #[rstest]
    #[case("6h", Some(21600))]
    #[case("60s", Some(60))]
    #[case("59s", None)]
    #[case("13h", None)]
    #[case("1d", None)]
    fn lifetimes(#[case] text: &str, #[case] seconds: Option<u64>) {
        assert_eq!(lifetime(text).map(|time| time.as_secs()), seconds);
    }
}
