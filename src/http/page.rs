//! The live page: one self-contained file with a content security policy that only allows requests to this server.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The parts of the script, in the order in which they are joined.
const SCRIPTS: [&str; 10] = [
    include_str!("page/dom.js"),
    include_str!("page/format.js"),
    include_str!("page/server.js"),
    include_str!("page/chart.js"),
    include_str!("page/portfolio.js"),
    include_str!("page/list.js"),
    include_str!("page/facts.js"),
    include_str!("page/account.js"),
    include_str!("page/pipeline.js"),
    include_str!("page/main.js"),
];

static SCRIPT: LazyLock<String> = LazyLock::new(|| format!("\"use strict\";\n{}", SCRIPTS.concat()));

const STYLE: &str = include_str!("page/style.css");

static PAGE: LazyLock<String> = LazyLock::new(|| {
    let page = include_str!("page/page.html");
    let page = page.replace("<style></style>", &format!("<style>{STYLE}</style>"));
    page.replace("<script></script>", &format!("<script>{}</script>", *SCRIPT))
});

/// Allows only the page's own script and style, and requests to this server only.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(&SCRIPT),
        hash(STYLE),
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// `GET /` and `GET /accounts/{id}`: the script reads the id from the path.
pub async fn page() -> Response {
    let mut response = Html(PAGE.as_str()).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_only_the_script_and_style_of_the_page() {
        let policy = POLICY.to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        let inline = |open, close| PAGE.split_once(open).unwrap().1.split_once(close).unwrap().0;
        let digest = STANDARD.encode(Sha256::digest(inline("<style>", "</style>")));
        assert!(policy.contains(&format!("style-src 'sha256-{digest}'")) && digest.ends_with('='), "{policy}");
        let digest = STANDARD.encode(Sha256::digest(inline("<script>", "</script>")));
        assert!(policy.contains(&format!("script-src 'sha256-{digest}'")), "{policy}");
    }

    #[test]
    fn the_page_has_one_script_and_one_style_and_loads_nothing_from_elsewhere() {
        assert_eq!((PAGE.matches("<script").count(), PAGE.matches("<style").count()), (1, 1));
        for forbidden in ["http://", "https://", "src=", "@import", "url(", "innerHTML", "style=", "onclick"] {
            assert!(!PAGE.contains(forbidden), "{forbidden}");
        }
    }
}
