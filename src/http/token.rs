//! The bearer token, and the cookie that stands for it: kept as hashes, compared in constant time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A token that requests must carry. Only hashes of it are kept.
#[derive(Clone)]
pub struct Token {
    hash: [u8; 32],
    cookie: Cookie,
}

/// Name and value of the cookie. Browsers share cookies between the ports of a host, so instances with other tokens need other names.
#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
}

impl Token {
    /// The token with this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let hash_of = |purpose: &str| -> [u8; 32] { Sha256::digest(format!("{purpose}{text}")).into() };
        let encoded = |purpose| URL_SAFE_NO_PAD.encode(hash_of(purpose));
        let name = format!("churnwatch-{}", encoded("cookie name:").chars().take(8).collect::<String>());
        Self { hash: hash_of(""), cookie: Cookie { name, value: encoded("cookie value:") } }
    }

    /// The value of a `Set-Cookie` header: the browser sends the cookie back until it is closed, to this host alone, and shows it to no
    /// script. It does not contain the token.
    #[must_use]
    pub fn cookie(&self) -> String {
        let Cookie { name, value } = &self.cookie;
        format!("{name}={value}; HttpOnly; SameSite=Strict")
    }

    /// Whether a `Cookie` header stands for the token.
    #[must_use]
    pub fn admits_cookies(&self, cookies: &[u8]) -> bool {
        let Cookie { name, value } = &self.cookie;
        let pairs = cookies.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let values = pairs.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        values.fold(false, |is_admitted, given| is_admitted | is_same(&Sha256::digest(given).into(), &Sha256::digest(value).into()))
    }

    /// Whether an `Authorization` header carries the token. Timing reveals nothing: hashes of equal length are compared in full.
    #[must_use]
    pub fn admits(&self, authorization: Option<&[u8]>) -> bool {
        let given = authorization.and_then(|value| value.split_at_checked(7)).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
        let Some((_, given)) = given else { return false };
        let hash: [u8; 32] = Sha256::digest(given.trim_ascii()).into();
        is_same(&self.hash, &hash)
    }
}

fn is_same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
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
        let token = Token::new("0123456789abcdef");
        assert!(token.admits(Some(b"Bearer 0123456789abcdef")));
        assert!(token.admits(Some(b"bearer 0123456789abcdef")));
        for wrong in [&b"Bearer 0123456789abcdeF"[..], b"Bearer ", b"Bearer", b"0123456789abcdef", b"Basic 0123456789abcdef", b""] {
            assert!(!token.admits(Some(wrong)), "{wrong:?}");
        }
        assert!(!token.admits(None));
    }

    #[test]
    fn a_cookie_stands_for_the_token_it_was_given_for_and_does_not_contain_it() {
        let token = Token::new("0123456789abcdef");
        let cookie = token.cookie();
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Strict");
        assert!(!cookie.contains("0123456789abcdef"));
        assert!(token.admits_cookies(pair.as_bytes()));
        assert!(token.admits_cookies(format!("theme=dark; {pair} ;x=y").as_bytes()));
        assert!(!Token::new("another").admits_cookies(pair.as_bytes()));
        let (name, value) = pair.split_once('=').unwrap();
        for wrong in ["", "theme=dark", name, &format!("{name}="), &format!("{name}={value}x"), &format!("x{name}={value}")] {
            assert!(!token.admits_cookies(wrong.as_bytes()), "{wrong}");
        }
    }
}
