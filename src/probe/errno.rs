//! What an error of the kernel says of a target.

use std::io;

use super::wire::Outcome;

/// Linux's numbers for errors that [`io::ErrorKind`] has no name for; the same on x86-64 and ARM64.
const ENONET: i32 = 64;
const EPROTONOSUPPORT: i32 = 93;
const ESOCKTNOSUPPORT: i32 = 94;
const EAFNOSUPPORT: i32 = 97;
const EHOSTDOWN: i32 = 112;

/// Classifies an error that came back from connecting, sending or receiving.
///
/// Everything that the network can say has an outcome of its own; what only the probe's own host
/// can say (no ports, no memory, no such address) is a probe error, for it tells nothing of the
/// target. A packet that the probe's own node throws away comes back as `EPERM` or `EACCES`.
pub(super) fn classify(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Outcome::Refused,
        io::ErrorKind::ConnectionReset => Outcome::Reset,
        io::ErrorKind::TimedOut => Outcome::Timeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::PermissionDenied => {
            Outcome::NoRoute
        }
        _ => match error.raw_os_error() {
            Some(ENONET | EHOSTDOWN) => Outcome::NoRoute,
            _ => Outcome::ProbeError(error.to_string()),
        },
    }
}

/// Classifies an error from making a socket: nothing was sent yet, so it is never a denial.
pub(super) fn classify_creation(error: &io::Error) -> Outcome {
    if is_unsupported(error) { Outcome::Unsupported } else { Outcome::ProbeError(format!("no socket: {error}")) }
}

/// Whether the kernel lacks the protocol.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(EPROTONOSUPPORT | ESOCKTNOSUPPORT))
}

/// Whether the kernel, or this network namespace, has no IPv6.
pub(super) fn lacks_ipv6(error: &io::Error) -> bool {
    error.raw_os_error() == Some(EAFNOSUPPORT) || error.kind() == io::ErrorKind::AddrNotAvailable
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::econnrefused(111, Outcome::Refused)]
    #[case::econnreset(104, Outcome::Reset)]
    #[case::etimedout(110, Outcome::Timeout)]
    #[case::ehostunreach(113, Outcome::NoRoute)]
    #[case::enetunreach(101, Outcome::NoRoute)]
    #[case::enonet(64, Outcome::NoRoute)]
    #[case::ehostdown(112, Outcome::NoRoute)]
    #[case::eacces(13, Outcome::NoRoute)]
    #[case::eperm(1, Outcome::NoRoute)]
    fn the_network_has_spoken(#[case] errno: i32, #[case] outcome: Outcome) {
        assert_eq!(classify(&io::Error::from_raw_os_error(errno)), outcome);
    }

    #[rstest]
    #[case::emfile(24)]
    #[case::enobufs(105)]
    #[case::eaddrnotavail(99)]
    #[case::enetdown(100)]
    #[case::einval(22)]
    #[case::enoprotoopt(92)]
    fn the_probe_itself_failed(#[case] errno: i32) {
        let outcome = classify(&io::Error::from_raw_os_error(errno));
        assert!(matches!(&outcome, Outcome::ProbeError(reason) if !reason.is_empty()), "{outcome:?}");
        assert!(!outcome.is_denial());
    }

    #[rstest]
    #[case::eprotonosupport(93, Outcome::Unsupported)]
    #[case::esocktnosupport(94, Outcome::Unsupported)]
    fn the_kernel_lacks_it(#[case] errno: i32, #[case] outcome: Outcome) {
        assert_eq!(classify_creation(&io::Error::from_raw_os_error(errno)), outcome);
    }

    #[rstest]
    #[case::eacces(13)]
    #[case::eperm(1)]
    #[case::emfile(24)]
    fn no_socket_is_never_a_denial(#[case] errno: i32) {
        assert!(matches!(classify_creation(&io::Error::from_raw_os_error(errno)), Outcome::ProbeError(_)));
    }
}
