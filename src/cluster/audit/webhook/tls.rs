//! By what the runner is known to the API server.

use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

use super::{Identity, Unable};

const CERTIFICATE: &str = "name a PEM file with the certificate first and then those between it and the authority that the \
                           API server's --audit-webhook-config-file names";
const KEY: &str = "name a PEM file with the key of --audit-webhook-cert";

/// What takes TLS connections.
pub(super) fn acceptor(identity: &Identity) -> Result<TlsAcceptor, Unable> {
    let Identity { certificate, key } = identity;
    let chain = CertificateDer::pem_slice_iter(&read(certificate, CERTIFICATE)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| unable(certificate, &error.to_string(), CERTIFICATE))?;
    if chain.is_empty() {
        return Err(unable(certificate, "it holds no certificate", CERTIFICATE));
    }
    // What is wrong with a key is not told: it could have a part of it.
    let private = PrivateKeyDer::from_pem_slice(&read(key, KEY)?);
    let private = private.map_err(|_| unable(key, "it holds no key that can be read", KEY))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|versions| versions.with_no_client_auth().with_single_cert(chain, private));
    match config {
        Ok(Ok(config)) => Ok(TlsAcceptor::from(Arc::new(config))),
        Ok(Err(error)) | Err(error) => Err(unable(certificate, &error.to_string(), KEY)),
    }
}

fn read(path: &Path, help: &'static str) -> Result<Vec<u8>, Unable> {
    std::fs::read(path).map_err(|error| unable(path, &error.to_string(), help))
}

fn unable(path: &Path, why: &str, help: &'static str) -> Unable {
    Unable { why: format!("{}: {why}", path.display()), help }
}
