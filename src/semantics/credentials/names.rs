//! Names that say that a credential stands under them.

/// What a name says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// A password: people choose it, so that it need not look drawn by lot.
    Password,
    /// A secret, token or key: drawn by lot where it is real.
    Secret,
    /// An AWS secret access key.
    AwsSecret,
    /// An AWS session token.
    AwsSession,
    /// Nothing.
    Nothing,
}

const PASSWORDS: &[&str] = &["password", "passwd", "passphrase", "pwd", "pass"];
const SECRETS: &[&str] = &[
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "authtoken",
    "accesstoken",
    "clientsecret",
    "secretaccesskey",
    "credential",
    "credentials",
];
/// Words that make a secret of the word `key` behind them.
const KEYS_OF: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "signing",
    "encryption",
    "auth",
    "account",
    "master",
    "shared",
    "webhook",
    "deploy",
    "service",
    "storage",
    "hmac",
    "jwt",
    "session",
];
/// Words at the end of a name that say nothing.
const NOISE: &[&str] =
    &["value", "base64", "b64", "plain", "plaintext", "default", "prod", "production", "dev", "staging"];

/// What a name says of its value. The last word counts: `TOKEN_URL` and `password-min-length` say nothing.
pub(super) fn says(name: &str) -> Says {
    let words = words(name);
    let mut words = words.as_slice();
    while let [rest @ .., last] = words {
        if NOISE.contains(&last.as_str()) || last.bytes().all(|byte| byte.is_ascii_digit()) {
            words = rest;
        } else {
            break;
        }
    }
    let [before @ .., last] = words else { return Says::Nothing };
    let joined = words.concat();
    if joined.ends_with("secretaccesskey") || (joined.contains("aws") && joined.ends_with("secretkey")) {
        return Says::AwsSecret;
    }
    if joined.ends_with("awssessiontoken") || joined == "sessiontoken" {
        return Says::AwsSession;
    }
    if PASSWORDS.contains(&last.as_str()) || ["password", "passwd"].iter().any(|word| last.ends_with(word)) {
        return Says::Password;
    }
    let key_of = last == "key" && before.last().is_some_and(|word| KEYS_OF.contains(&word.as_str()));
    if SECRETS.contains(&last.as_str()) || key_of { Says::Secret } else { Says::Nothing }
}

/// The words of a name, in small letters: cut at signs, and where a capital begins a word.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && small) {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        }
        small = c.is_lowercase() || c.is_ascii_digit();
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("DB_PASSWORD", Says::Password)]
    #[case("dbPassword", Says::Password)]
    #[case("PGPASSWORD", Says::Password)]
    #[case("spring.datasource.password", Says::Password)]
    #[case("--admin-pass", Says::Password)]
    #[case("API_KEY", Says::Secret)]
    #[case("apiKey", Says::Secret)]
    #[case("STRIPE_API_KEY_PROD", Says::Secret)]
    #[case("client-secret", Says::Secret)]
    #[case("GITHUB_TOKEN", Says::Secret)]
    #[case("token1", Says::Nothing)]
    #[case("TOKEN_1", Says::Secret)]
    #[case("AWS_SECRET_ACCESS_KEY", Says::AwsSecret)]
    #[case("aws_secret_key", Says::AwsSecret)]
    #[case("secretAccessKey", Says::AwsSecret)]
    #[case("AWS_SESSION_TOKEN", Says::AwsSession)]
    #[case("TOKEN_URL", Says::Nothing)]
    #[case("PASSWORD_MIN_LENGTH", Says::Nothing)]
    #[case("secretName", Says::Nothing)]
    #[case("cache-key", Says::Nothing)]
    #[case("PUBLIC_KEY", Says::Nothing)]
    #[case("BYPASS", Says::Nothing)]
    #[case("", Says::Nothing)]
    fn the_last_word_says_it(#[case] name: &str, #[case] expected: Says) {
        assert_eq!(says(name), expected, "{name}");
    }
}
