//! The probe never links the runner's side.

use std::process::Command;

#[test]
fn the_probe_links_nothing_of_the_runner() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--no-default-features", "--edges", "normal", "--prefix", "none"])
        .args(["--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8_lossy(&tree.stdout);
    let linked: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(linked.contains(&"tokio"), "this is the probe's tree: {linked:?}");
    // Of HTTP and TLS it has the least that there is: no pool, no proxy, no SDK, no OpenSSL.
    let runners = [
        "kube",
        "k8s-openapi",
        "aws",
        "reqwest",
        "clap",
        "miette",
        "tower",
        "openssl",
        "native-tls",
        "rustls-native-certs",
        "hyper-rustls",
        "hyper-timeout",
        "jiff",
        "schemars",
        "tracing",
    ];
    for name in linked {
        let is_runners = runners.iter().any(|runner| {
            name.strip_prefix(runner).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
        });
        assert!(!is_runners, "the probe links {name}, which is the runner's");
    }
}
