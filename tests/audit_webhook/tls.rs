//! The webhook with TLS, and what of its files can't be used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rstest::rstest;
use tempfile::TempDir;
use tenantproof::cluster::audit::{AuditLog, AuditSource, Identity, Webhook};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::posts::{MARK, event, free, list};

fn files(folder: &Path) -> (Identity, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let identity = Identity { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&identity.certificate, cert.pem()).unwrap();
    std::fs::write(&identity.key, signing_key.serialize_pem()).unwrap();
    (identity, cert.der().clone())
}

#[tokio::test]
async fn it_is_known_by_its_certificate() {
    let folder = TempDir::new().unwrap();
    let (identity, certificate) = files(folder.path());
    let address = free().await;
    let webhook = Webhook { address, identity: Some(identity), token: None };
    let mut log = AuditLog::open(&[AuditSource::Webhook(webhook)], MARK).await.unwrap();

    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let post = async |roots: RootCertStore| {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect("127.0.0.1".try_into().unwrap(), stream).await?;
        let body = list(&[event(1, "ResponseComplete")]);
        let head = format!("POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = post(roots).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(log.look().await.len(), 1);
    assert!(log.reading().refused.is_empty());
    // Who does not know it breaks off, and is counted: an API server would be lost.
    assert!(post(RootCertStore::empty()).await.is_err());
    let mut tries = 0;
    while log.reading().refused.is_empty() && tries < 50 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        log.look().await;
        tries += 1;
    }
    assert_eq!(log.reading().refused.get("its TLS handshake failed"), Some(&1));
}

type Spoil = fn(&mut Identity, &mut Option<PathBuf>, &Path);

#[rstest]
#[case::no_certificate(|identity: &mut Identity, _: &mut Option<PathBuf>, folder: &Path| identity.certificate = folder.join("none"), "none")]
#[case::no_key(|identity: &mut Identity, _: &mut Option<PathBuf>, folder: &Path| identity.key = folder.join("none"), "none")]
#[case::a_key_for_a_certificate(|identity: &mut Identity, _: &mut Option<PathBuf>, _: &Path| identity.certificate = identity.key.clone(), "it holds no certificate")]
#[case::a_certificate_for_a_key(|identity: &mut Identity, _: &mut Option<PathBuf>, _: &Path| identity.key = identity.certificate.clone(), "no key that can be read")]
#[case::anothers_key(|identity: &mut Identity, _: &mut Option<PathBuf>, folder: &Path| {
    std::fs::create_dir(folder.join("other")).unwrap();
    identity.key = files(&folder.join("other")).0.key;
}, "cert.pem")]
#[case::no_token(|_: &mut Identity, token: &mut Option<PathBuf>, folder: &Path| *token = Some(folder.join("none")), "the token file")]
#[case::a_token_that_could_be_guessed(|_: &mut Identity, token: &mut Option<PathBuf>, folder: &Path| {
    std::fs::write(folder.join("token"), "0123").unwrap();
    *token = Some(folder.join("token"));
}, "no token of at least 16")]
#[tokio::test]
async fn a_file_that_cannot_be_used_is_told_without_what_is_in_it(#[case] spoil: Spoil, #[case] told: &str) {
    let folder = TempDir::new().unwrap();
    let (mut identity, _) = files(folder.path());
    let mut token = None;
    spoil(&mut identity, &mut token, folder.path());
    let webhook = Webhook { address: free().await, identity: Some(identity), token };
    let error = AuditLog::open(&[AuditSource::Webhook(webhook)], MARK).await.unwrap_err().to_string();
    assert!(error.contains(told), "{error}");
    assert!(!error.contains("BEGIN") && !error.contains("0123"), "{error}");
}
