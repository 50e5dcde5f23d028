//! Connections: TLS and whom it trusts, IPv6.

use std::io::{self, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tenantproof::probe::wire::cloud::{Class, NetworkFault};

use super::scene::{KEY_ID, SECRET, Scene, calls, classes, list, s3};
use super::stand_in::StandIn;
use crate::harness::free_port;

#[test]
fn plain_text_where_tls_should_be_is_a_failure_of_tls() {
    let server = StandIn::start(s3);
    let report = Scene::with_keys(&format!("https://127.0.0.1:{}", server.port)).order(1, calls([list("tenant-1")]));
    let fault = &report.calls[0].class;
    let faults = [NetworkFault::Tls, NetworkFault::Closed, NetworkFault::Timeout].map(Class::Network);
    assert!(faults.contains(fault), "{fault:?}");
    assert!(server.seen().is_empty());
}

#[test]
fn ipv6_is_spoken() {
    if TcpListener::bind("[::1]:0").is_err() {
        let _ = writeln!(io::stderr(), "not tested: no IPv6 here");
        return;
    }
    let server = StandIn::start_at("::1", s3);
    let report = Scene::with_keys(&format!("http://[::1]:{}", server.port)).order(1, calls([list("tenant-1")]));
    assert_eq!(classes(&report), [&Class::Allowed]);
    assert_eq!(server.seen()[0].header("host"), Some(format!("[::1]:{}", server.port).as_str()));
}

struct Tls(Child);

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// OpenSSL's own server, with a certificate that an authority of this test's signed; `None` where there is no OpenSSL.
fn tls(folder: &Path, port: u16) -> Option<Tls> {
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=stand-in-authority \
                  -addext basicConstraints=critical,CA:TRUE && \
                  openssl req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=stand-in && \
                  printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' > extensions && \
                  openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem";
    let made = Command::new("sh").args(["-c", script]).current_dir(folder).output().ok()?;
    if !made.status.success() {
        let _ = writeln!(io::stderr(), "not tested: no OpenSSL that makes certificates here");
        return None;
    }
    let server = Command::new("openssl")
        .args(["s_server", "-quiet", "-www", "-cert", "cert.pem", "-key", "key.pem", "-accept", &port.to_string()])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
        .map(Tls)?;
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "it listens");
        thread::sleep(Duration::from_millis(20));
    }
    Some(server)
}

/// Behind TLS there is a page of OpenSSL's: that it is read shows that the certificate was accepted.
#[test]
fn a_certificate_is_accepted_from_an_authority_that_is_known_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let Some(_server) = tls(folder.path(), port) else { return };
    let endpoint = format!("https://127.0.0.1:{port}");
    let authority = folder.path().join("ca.pem");
    let of = |bundle: &str| {
        let scene = Scene::new(&[
            ("AWS_ACCESS_KEY_ID", KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("AWS_CA_BUNDLE", bundle),
        ]);
        scene.order(1, calls([list("tenant-1")])).calls.remove(0)
    };
    let unknown = of("");
    assert_eq!(unknown.class, Class::Network(NetworkFault::Tls), "{unknown:?}");
    assert!(unknown.said.is_some_and(|said| said.contains("certificate")));
    let known = of(authority.to_str().expect("UTF-8"));
    assert_eq!(known.class, Class::Foreign, "{known:?}");
    let broken = of("/no/such/file");
    assert_eq!(broken.class, Class::Network(NetworkFault::Local), "{broken:?}");
}
