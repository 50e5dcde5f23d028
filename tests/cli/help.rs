//! Help that teaches, and what only prints.

use clap::CommandFactory as _;
use rstest::rstest;

use super::scene::Scene;

#[rstest]
#[case(&["--help"])]
#[case(&["run", "--help"])]
#[case(&["init", "--help"])]
#[case(&["ask", "network", "--help"])]
#[case(&["ask", "rbac", "--help"])]
#[case(&["mutate", "--help"])]
#[case(&["explain", "--help"])]
#[case(&["list", "--help"])]
#[case(&["checks", "--help"])]
#[case(&["schema", "--help"])]
fn help_teaches(#[case] arguments: &[&str]) {
    let (code, text) = Scene::new().end(arguments);
    assert_eq!(code, 0, "{text}");
    insta::with_settings!({snapshot_suffix => arguments.join("_").replace('-', "")}, { insta::assert_snapshot!("help", text) });
}

#[rstest]
#[case::tenancy(&["schema"], "\"$schema\"")]
#[case::suite(&["schema", "suite"], "doesNotProve")]
#[case::run(&["schema", "run"], "RunRecord")]
#[case::checks(&["checks"], "network.cross-tenant.pod")]
#[case::check(&["checks", "network.cross-tenant.pod"], "Does not prove")]
#[case::permissions(&["permissions"], "kind: ClusterRole")]
#[case::permissions_for_secrets(&["permissions", "--read-secrets"], "resources: [secrets]")]
#[case::permissions_to_impersonate(&["permissions", "--impersonate"], "verbs: [impersonate]")]
#[case::permissions_for_tokens(&["permissions", "--request-tokens"], "resources: [serviceaccounts/token]")]
#[case::permissions_of_aws(&["permissions", "--aws"], "\"logs:FilterLogEvents\"")]
#[case::permissions_of_both(&["permissions", "--aws", "--kubernetes"], "kind: ClusterRole")]
#[case::bash(&["completions", "bash"], "_tenantproof")]
#[case::zsh(&["completions", "zsh"], "#compdef tenantproof")]
#[case::fish(&["completions", "fish"], "complete -c tenantproof")]
fn what_only_prints_prints(#[case] arguments: &[&str], #[case] told: &str) {
    let (code, text) = Scene::new().end(arguments);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(told), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours without a terminal");
}

/// Every command, with the words that lead to it.
fn commands() -> Vec<(Vec<String>, clap::Command)> {
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), tenantproof::cli::Cli::command())];
    while let Some((words, command)) = open.pop() {
        for inner in command.get_subcommands() {
            open.push(([words.clone(), vec![inner.get_name().to_owned()]].concat(), inner.clone()));
        }
        found.push((words, command));
    }
    found
}

#[test]
fn help_has_a_sentence_for_everything() {
    let commands = commands();
    assert!(commands.len() >= 9, "{commands:?}");
    for (words, command) in commands {
        let name = if words.is_empty() { "tenantproof".to_owned() } else { words.join(" ") };
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(is_sentence(&about), "{name}: {about:?}");
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(is_sentence(&help), "{name} {}: {help:?}", argument.get_id());
            // The names of shells speak for themselves.
            for value in argument.get_possible_values().iter().filter(|_| !words.contains(&"completions".to_owned())) {
                let (help, takes) = (value.get_help(), argument.get_action().takes_values());
                assert!(help.is_some() || !takes, "{name} {}: {}", argument.get_id(), value.get_name());
            }
        }
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        let (code, text) = Scene::new().end(&arguments);
        assert_eq!(code, 0, "{name}: {text}");
        assert!(text.contains("Usage: "), "{name}: {text}");
    }
}

fn is_sentence(text: &str) -> bool {
    text.split_whitespace().count() >= 3 && text.starts_with(char::is_uppercase)
}
