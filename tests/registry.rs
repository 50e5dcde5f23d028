//! Where a registry serves `kindest/node`, the lab takes it from there: tried with a registry on
//! loopback that serves the built image under that name.
//!
//! Takes some four minutes and a container engine, so it runs where `TENANTPROOF_REGISTRY_TEST` is
//! set, as `make test` sets it.

use std::process::{Command, Output};
use std::time::Duration;

use testcontainers::core::{ContainerPort, IntoContainerPort as _};
use testcontainers::runners::SyncRunner as _;
use testcontainers::{GenericImage, ImageExt as _};

const LAB: &str = "registry-test";

fn lab(arguments: &[&str]) -> Output {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/kind-configs/lab");
    Command::new(program).args(arguments).env("NO_COLOR", "1").output().unwrap()
}

fn lab_ok(arguments: &[&str]) -> String {
    let output = lab(arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "lab {arguments:?} should succeed:\n{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// Removes the lab, whatever becomes of the test.
struct TakeDown;

impl Drop for TakeDown {
    fn drop(&mut self) {
        let _ = lab(&["down", "--name", LAB]);
    }
}

#[test]
fn a_lab_comes_up_from_a_registry_that_serves_kindest_node() {
    if std::env::var_os("TENANTPROOF_REGISTRY_TEST").is_none() {
        eprintln!("SKIPPED: TENANTPROOF_REGISTRY_TEST is not set; `make test` sets it");
        return;
    }
    let name = lab_ok(&["registry-image"]);
    let name = name.split_whitespace().last().expect("registry-image prints the image's name");
    let (image, tag) = name.rsplit_once(':').expect("the image has a tag");
    let listening: ContainerPort = 5000.tcp();
    let registry = GenericImage::new(image, tag)
        .with_exposed_port(listening)
        .with_startup_timeout(Duration::from_secs(60))
        .start()
        .expect("the registry starts");
    let address = format!("127.0.0.1:{}", registry.get_host_port_ipv4(listening).unwrap());

    // The registry answers its API before anything is pushed to it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut answered = false;
    for _ in 0..50 {
        let reply = runtime.block_on(async { reqwest::get(format!("http://{address}/v2/")).await });
        answered = reply.is_ok_and(|reply| reply.status().is_success());
        if answered {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(answered, "the registry at {address} should answer");

    lab_ok(&["push", &address]);
    let _guard = TakeDown;
    let up = lab_ok(&["up", "--name", LAB, "--registry", &address, "--without-gatekeeper"]);
    let status = lab_ok(&["status", "--json"]);
    assert!(status.contains(LAB), "the lab should be listed:\n{status}\n{up}");

    // A registry that does not serve it is an error, said at once, and nothing is left half made.
    let refused = lab(&["up", "--name", "registry-none", "--registry", "127.0.0.1:1", "--without-gatekeeper"]);
    assert_eq!(refused.status.code(), Some(1), "a registry that was named and does not answer is an error");

    lab_ok(&["down", "--name", LAB]);
    assert!(!lab_ok(&["status", "--json"]).contains(LAB), "nothing of the lab should remain");
}
