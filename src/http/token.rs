//! The bearer token: read from a file, kept as a hash, compared in constant time.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The shortest token that is accepted, bytes.
const LENGTH_MIN: usize = 16;

/// A token that requests must carry. Only its hash is kept.
#[derive(Clone)]
pub struct Token([u8; 32]);

/// A token file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error("cannot read the token file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds too little to be a secret.
    #[error("the token in {} is shorter than {LENGTH_MIN} bytes", path.display())]
    TooShort {
        /// The file.
        path: PathBuf,
    },
}

impl Token {
    /// Reads a token from a file; white space around it does not count.
    ///
    /// # Errors
    /// When the file cannot be read, or holds fewer than 16 bytes.
    pub fn from_file(path: &Path) -> Result<Self, TokenError> {
        let text = std::fs::read_to_string(path).map_err(|source| TokenError::Unreadable { path: path.to_owned(), source })?;
        Self::new(&text).ok_or_else(|| TokenError::TooShort { path: path.to_owned() })
    }

    fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.len() >= LENGTH_MIN).then(|| Self(Sha256::digest(text.as_bytes()).into()))
    }

    /// Whether an `Authorization` header carries the token. Takes as long for any wrong token: hashes of one length are compared,
    /// without leaving early.
    #[must_use]
    pub fn admits(&self, authorization: Option<&[u8]>) -> bool {
        let given = authorization.and_then(|value| value.split_at_checked(7)).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
        let Some((_, given)) = given else { return false };
        let hash: [u8; 32] = Sha256::digest(given.trim_ascii()).into();
        self.0.iter().zip(hash).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_admitted() {
        let token = Token::new("  0123456789abcdef\n").unwrap();
        assert!(token.admits(Some(b"Bearer 0123456789abcdef")));
        assert!(token.admits(Some(b"bearer 0123456789abcdef")));
        for wrong in [&b"Bearer 0123456789abcdeF"[..], b"Bearer ", b"Bearer", b"0123456789abcdef", b"Basic 0123456789abcdef", b""] {
            assert!(!token.admits(Some(wrong)), "{wrong:?}");
        }
        assert!(!token.admits(None));
    }

    #[test]
    fn a_short_token_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "secret\n").unwrap();
        assert!(matches!(Token::from_file(file.path()), Err(TokenError::TooShort { .. })));
    }
}
