//! The bearer token that a post must bring.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Unable;

/// A shorter one could be guessed.
const LEAST: usize = 16;
const HELP: &str = "name a file that holds the token and nothing else, as the `user` of the API server's \
                    --audit-webhook-config-file has it: 16 characters at least";

/// The token, as its digest: it can't be shown, and comparing takes the same time whatever is brought.
pub(super) struct Token([u8; 32]);

impl Token {
    /// Reads a token; white space around it is not a part of it.
    pub(super) fn read(path: &Path) -> Result<Self, Unable> {
        let unable = |why: String| Unable { why: format!("the token file {}: {why}", path.display()), help: HELP };
        let text = std::fs::read(path).map_err(|error| unable(error.to_string()))?;
        let token = text.trim_ascii();
        if token.len() < LEAST || token.iter().any(u8::is_ascii_whitespace) {
            return Err(unable(format!("it holds no token of at least {LEAST} characters")));
        }
        Ok(Self(Sha256::digest(token).into()))
    }

    /// Whether an `Authorization` header brings it.
    pub(super) fn is_brought_by(&self, header: &[u8]) -> bool {
        let Some((scheme, rest)) = header.split_at_checked(7) else { return false };
        let brought: [u8; 32] = Sha256::digest(rest.trim_ascii()).into();
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(brought.ct_eq(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Token;

    fn token(text: &str) -> Option<Token> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, text).unwrap();
        Token::read(&path).ok()
    }

    #[rstest]
    #[case::it("Bearer sixteen-letters-x", true)]
    #[case::in_small_letters("bearer sixteen-letters-x", true)]
    #[case::another("Bearer sixteen-letters-y", false)]
    #[case::a_part("Bearer sixteen-letters", false)]
    #[case::more("Bearer sixteen-letters-xx", false)]
    #[case::no_scheme("sixteen-letters-x", false)]
    #[case::another_scheme("Basic  sixteen-letters-x", false)]
    #[case::short("Bear", false)]
    #[case::nothing("", false)]
    fn a_header_brings_the_token_or_not(#[case] header: &str, #[case] brought: bool) {
        assert_eq!(token("sixteen-letters-x\n").unwrap().is_brought_by(header.as_bytes()), brought);
    }

    #[rstest]
    #[case::empty("")]
    #[case::short("fifteen-letters")]
    #[case::two_words("sixteen letters and more")]
    fn what_is_no_token_is_refused(#[case] text: &str) {
        assert!(token(text).is_none());
    }
}
