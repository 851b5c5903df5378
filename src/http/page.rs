//! The live page: one self-contained file with a content security policy that only allows requests to this server.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("page.html");

/// Allows only the page's own script and style, and requests to this server only.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |open, close| inline(open, close).map(|text| STANDARD.encode(Sha256::digest(text))).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash("<script>", "</script>"),
        hash("<style>", "</style>"),
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// `GET /` and `GET /accounts/{id}`: the script reads the id from the path.
pub async fn page() -> Response {
    let mut response = Html(PAGE).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

/// The text between two tags of the page.
fn inline(open: &str, close: &str) -> Option<&'static str> {
    let (_, rest) = PAGE.split_once(open)?;
    Some(rest.split_once(close)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_only_the_script_and_style_of_the_page() {
        let policy = POLICY.to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        let digest = STANDARD.encode(Sha256::digest(inline("<style>", "</style>").unwrap()));
        assert!(policy.contains(&format!("style-src 'sha256-{digest}'")) && digest.ends_with('='), "{policy}");
    }

    #[test]
    fn the_page_has_one_script_and_one_style_and_loads_nothing_from_elsewhere() {
        assert_eq!((PAGE.matches("<script").count(), PAGE.matches("<style").count()), (1, 1));
        for forbidden in ["http://", "https://", "src=", "@import", "url(", "innerHTML", "style=", "onclick"] {
            assert!(!PAGE.contains(forbidden), "{forbidden}");
        }
    }
}
