//! TLS, with Mozilla's roots or those that the pod was given.

use std::fs;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::surroundings::Surroundings;

/// What opens connections with TLS.
///
/// # Errors
///
/// Why there can be none: the file that `AWS_CA_BUNDLE` names holds no certificates, say.
pub(super) fn connector(around: Surroundings) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    match around.get("AWS_CA_BUNDLE") {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let bundle = fs::read(&path).map_err(|error| format!("AWS_CA_BUNDLE can't be read: {error}"))?;
            let certificates = CertificateDer::pem_slice_iter(&bundle).filter_map(Result::ok);
            let (added, _) = roots.add_parsable_certificates(certificates);
            if added == 0 {
                return Err("AWS_CA_BUNDLE holds no certificate".to_owned());
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
