//! Where requests go.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

use super::encode;
use super::surroundings::Surroundings;

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    S3,
    Sts,
    Kms,
    Dynamodb,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) https: bool,
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

/// A server, and a path there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) place: Place,
    /// Encoded; begins with a slash.
    pub(super) path: String,
    /// Encoded.
    pub(super) query: Option<String>,
}

impl Service {
    /// As scopes of signatures and hosts have it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Sts => "sts",
            Self::Kms => "kms",
            Self::Dynamodb => "dynamodb",
        }
    }

    /// As variables have it.
    const fn variable(self) -> &'static str {
        match self {
            Self::S3 => "S3",
            Self::Sts => "STS",
            Self::Kms => "KMS",
            Self::Dynamodb => "DYNAMODB",
        }
    }

    /// Where the service is asked in a region; `None` where the endpoint that was configured is none.
    pub(super) fn url(self, region: &str, around: Surroundings) -> Option<Url> {
        match around.endpoint(self.variable()) {
            Some(endpoint) => Url::parse(&endpoint),
            None => Some(Url::at(host(self, region, around))),
        }
    }

    /// Where an object of a bucket is asked for, or the bucket itself: by the bucket's own host where it can have one,
    /// by a path where an endpoint is configured or the bucket's name is none of a host.
    pub(super) fn object(region: &str, bucket: &str, key: &str, around: Surroundings) -> Option<Url> {
        let key = encode::path(key);
        if let Some(endpoint) = around.endpoint(Self::S3.variable()) {
            let mut url = Url::parse(&endpoint)?;
            url.path = format!("{}/{bucket}/{key}", url.path.trim_end_matches('/'));
            return Some(url);
        }
        let host = host(Self::S3, region, around);
        // A dot in a bucket's name would be one more level than the certificate covers.
        let is_host = bucket.len() <= 63
            && bucket.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let (host, path) =
            if is_host { (format!("{bucket}.{host}"), format!("/{key}")) } else { (host, format!("/{bucket}/{key}")) };
        Some(Url { path, ..Url::at(host) })
    }
}

/// The service's host in a region, in AWS' partitions that have one form of it.
fn host(service: Service, region: &str, around: Surroundings) -> String {
    let name = service.name();
    let is_china = region.starts_with("cn-");
    match (around.is_true("AWS_USE_DUALSTACK_ENDPOINT"), service, is_china) {
        (true, Service::S3, false) => format!("s3.dualstack.{region}.amazonaws.com"),
        (true, Service::S3, true) => format!("s3.dualstack.{region}.amazonaws.com.cn"),
        (true, _, false) => format!("{name}.{region}.api.aws"),
        (true, _, true) => format!("{name}.{region}.api.amazonwebservices.com.cn"),
        (false, _, false) => format!("{name}.{region}.amazonaws.com"),
        (false, _, true) => format!("{name}.{region}.amazonaws.com.cn"),
    }
}

impl Place {
    /// As a `Host` header has it.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.https { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }

    /// The address, where the host is one. `localhost` is, without being looked up.
    pub(super) fn address(&self) -> Option<IpAddr> {
        if self.host == "localhost" {
            return Some(Ipv4Addr::LOCALHOST.into());
        }
        self.host.parse().ok()
    }

    /// Whether it is the pod itself, or one of the addresses at which ECS and EKS Pod Identity give credentials.
    pub(super) fn is_agent(&self) -> bool {
        const ECS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
        const EKS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 23);
        const EKS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);
        self.address().is_some_and(|address| match address.to_canonical() {
            IpAddr::V4(v4) => v4.is_loopback() || v4 == ECS || v4 == EKS,
            IpAddr::V6(v6) => v6.is_loopback() || v6 == EKS_V6,
        })
    }

    /// Whether it is the pod itself or an address at which instance metadata may be.
    pub(super) fn is_metadata(&self) -> bool {
        const IPV6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
        self.address().is_some_and(|address| match address.to_canonical() {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_loopback() || v6 == IPV6,
        })
    }
}

impl Url {
    fn at(host: String) -> Self {
        Self { place: Place { https: true, host, port: 443 }, path: "/".to_owned(), query: None }
    }

    /// Reads an address; `None` for what is none of HTTP, or has a password in it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = match authority.port_u16() {
            Some(port) => port,
            None if https => 443,
            None => 80,
        };
        let path = match uri.path() {
            "" => "/",
            path => path,
        };
        let query = uri.query().map(str::to_owned);
        (!host.is_empty()).then(|| Self { place: Place { https, host, port }, path: path.to_owned(), query })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn shown(url: Option<Url>) -> String {
        url.map_or_else(String::new, |url| {
            let scheme = if url.place.https { "https" } else { "http" };
            format!("{scheme}://{}{}", url.place.authority(), url.path)
        })
    }

    #[rstest]
    #[case("eu-west-1", "tenant-1", "https://tenant-1.s3.eu-west-1.amazonaws.com/a%20b/c")]
    #[case("eu-west-1", "tenant.1", "https://s3.eu-west-1.amazonaws.com/tenant.1/a%20b/c")]
    #[case("us-east-1", "Tenant_1", "https://s3.us-east-1.amazonaws.com/Tenant_1/a%20b/c")]
    #[case("cn-north-1", "tenant-1", "https://tenant-1.s3.cn-north-1.amazonaws.com.cn/a%20b/c")]
    fn a_bucket_has_a_host_where_it_can(#[case] region: &str, #[case] bucket: &str, #[case] url: &str) {
        let nothing = Surroundings::of(|_| None);
        assert_eq!(shown(Service::object(region, bucket, "a b/c", nothing)), url);
    }

    #[test]
    fn endpoints_are_taken_as_given() {
        let all = Surroundings::of(|name| (name == "AWS_ENDPOINT_URL").then(|| "http://localhost:4566/x/".to_owned()));
        assert_eq!(shown(Service::object("eu-west-1", "tenant-1", "k", all)), "http://localhost:4566/x/tenant-1/k");
        assert_eq!(shown(Service::Kms.url("eu-west-1", all)), "http://localhost:4566/x/");
        let one = Surroundings::of(|name| match name {
            "AWS_ENDPOINT_URL" => Some("http://a".to_owned()),
            "AWS_ENDPOINT_URL_STS" => Some("https://[fd00::1]:8443".to_owned()),
            _ => None,
        });
        assert_eq!(shown(Service::Sts.url("eu-west-1", one)), "https://[fd00::1]:8443/");
        assert_eq!(shown(Service::Dynamodb.url("eu-west-1", one)), "http://a/");
        let ignored = Surroundings::of(|name| match name {
            "AWS_ENDPOINT_URL" => Some("http://a".to_owned()),
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" => Some("true".to_owned()),
            _ => None,
        });
        assert_eq!(shown(Service::Sts.url("eu-west-1", ignored)), "https://sts.eu-west-1.amazonaws.com/");
        let broken = Surroundings::of(|name| (name == "AWS_ENDPOINT_URL").then(|| "ftp://a".to_owned()));
        assert_eq!(Service::Sts.url("eu-west-1", broken), None);
    }

    #[test]
    fn both_families_have_addresses_where_that_is_asked_for() {
        let dual = Surroundings::of(|name| (name == "AWS_USE_DUALSTACK_ENDPOINT").then(|| "true".to_owned()));
        assert_eq!(
            shown(Service::object("eu-west-1", "b-1", "k", dual)),
            "https://b-1.s3.dualstack.eu-west-1.amazonaws.com/k"
        );
        assert_eq!(shown(Service::Sts.url("eu-west-1", dual)), "https://sts.eu-west-1.api.aws/");
    }

    #[rstest]
    #[case("http://169.254.170.23/v1/credentials", true)]
    #[case("http://169.254.170.2/v2/x", true)]
    #[case("http://[fd00:ec2::23]/v1/credentials", true)]
    #[case("http://[::ffff:169.254.170.23]/", true)]
    #[case("http://127.0.0.1:8080/", true)]
    #[case("http://[::1]/", true)]
    #[case("http://localhost/", true)]
    #[case("http://169.254.169.254/", false)]
    #[case("http://10.0.0.1/v1/credentials", false)]
    #[case("http://169.254.170.23.evil.example/", false)]
    #[case("http://localhost.evil.example/", false)]
    fn tokens_go_to_agents_alone(#[case] url: &str, #[case] is: bool) {
        assert_eq!(Url::parse(url).unwrap().place.is_agent(), is);
    }

    #[rstest]
    #[case("http://169.254.169.254", true)]
    #[case("http://[fd00:ec2::254]", true)]
    #[case("http://127.0.0.1:1", true)]
    #[case("http://10.0.0.1", false)]
    fn metadata_is_asked_at_its_addresses_alone(#[case] url: &str, #[case] is: bool) {
        assert_eq!(Url::parse(url).unwrap().place.is_metadata(), is);
    }

    #[rstest]
    #[case("")]
    #[case("/v1/credentials")]
    #[case("ftp://a/b")]
    #[case("http://user:secret@a/b")]
    #[case("http:///b")]
    fn what_is_no_address_is_none(#[case] text: &str) {
        assert_eq!(Url::parse(text), None);
    }
}
