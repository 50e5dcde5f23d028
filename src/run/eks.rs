//! The EKS API beside the cluster that is judged: that it is asked about that very cluster.

use super::error::RunError;
use crate::aws::{Aws, Described, Eks};
use crate::cluster::{Connection, read_aws_auth};
use crate::semantics::rbac::eks::Access;

/// Reads who is let into the cluster of this name, which must be the one that is connected to.
pub(super) async fn read(name: &str, connection: &Connection) -> Result<Access, RunError> {
    let aws = Aws::load().await?;
    let eks = Eks::new(&aws, name);
    let described = eks.describe().await?;
    if !is_same(&described, connection) {
        return Err(RunError::OtherCluster {
            cluster: described.cluster.to_string(),
            endpoint: described.endpoint,
            context: connection.context.clone(),
            server: connection.server.clone(),
        });
    }
    let Described { cluster, mode, .. } = described;
    // In a mode without them the API refuses to list any.
    let entries = if mode.has_entries() { eks.entries().await? } else { Vec::new() };
    let config_map = if mode.has_config_map() { Some(read_aws_auth(&connection.client).await) } else { None };
    Ok(Access { cluster, mode, entries, config_map })
}

/// Whether a cluster that the EKS API describes is the one that is connected to: by its address, or, where the way there
/// is another (from inside it, through a proxy), by an authority that is its own.
fn is_same(described: &Described, connection: &Connection) -> bool {
    let address = address(&described.endpoint);
    let by_address = address.is_some() && address == self::address(&connection.server);
    by_address || described.authorities.iter().any(|authority| connection.authorities.contains(authority))
}

/// Host and port of a URL; none where it has no host.
fn address(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let usual = if scheme.eq_ignore_ascii_case("http") { 80 } else { 443 };
    let (host, port) = match authority.rsplit_once(':') {
        // The last colon may be one of an IPv6 address.
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, usual),
    };
    (!host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::address;

    #[rstest]
    #[case::eks("https://AB12.gr7.eu-west-1.eks.amazonaws.com", "https://ab12.gr7.eu-west-1.eks.amazonaws.com/", true)]
    #[case::with_its_port("https://ab12.example", "https://ab12.example:443", true)]
    #[case::another_host("https://ab12.example", "https://cd34.example", false)]
    #[case::another_port("https://127.0.0.1:6443", "https://127.0.0.1:6444", false)]
    #[case::six("https://[::1]:6443/", "https://[::1]:6443", true)]
    #[case::six_without_a_port("https://[::1]", "https://[::1]:443/", true)]
    #[case::without_tls("http://127.0.0.1:80", "http://127.0.0.1/", true)]
    fn one_address_is_one_cluster(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        assert!(address(one).is_some());
        assert_eq!(address(one) == address(other), same);
    }

    #[rstest]
    #[case("")]
    #[case("https://")]
    #[case("https://host:port")]
    fn what_is_no_address_is_nobodys(#[case] url: &str) {
        assert_eq!(address(url), None);
    }
}
