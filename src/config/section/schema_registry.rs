//! `[schema_registry]`: where the schemas of Avro and Protobuf values are found.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

use crate::config::problem::Origin;
use crate::config::secret::Secret;
use crate::config::source::{self, Variables};
use crate::config::validate::Report;

/// `[schema_registry]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SchemaRegistry {
    /// Base URL without a trailing slash, such as `https://registry.example.com`; empty means none.
    #[serde(deserialize_with = "url")]
    pub url: String,
    /// User name for basic authentication; empty means none.
    username: String,
    #[serde(deserialize_with = "secret")]
    password: Secret,
    /// File with the certificates, in PEM, that vouch for the registry; empty: those that the system trusts.
    ca: PathBuf,
    /// The content of `ca`.
    #[serde(skip)]
    pem: Option<String>,
}

const URL: &str = "schema_registry.url";
const PASSWORD: &str = "schema_registry.password";
const CA: &str = "schema_registry.ca";

impl SchemaRegistry {
    /// Whether there is one.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        !self.url.is_empty()
    }

    /// User name and password, if there are any.
    #[must_use]
    pub fn credentials(&self) -> Option<(&str, &Secret)> {
        (!self.username.is_empty()).then_some((self.username.as_str(), &self.password))
    }

    /// Certificates in PEM that vouch for the registry, if they are given.
    #[must_use]
    pub fn certificates(&self) -> Option<&str> {
        self.pem.as_deref()
    }

    pub(in crate::config) fn validate(&self, report: &mut Report<'_>) {
        let has_password = !self.password.expose().is_empty();
        if self.username.is_empty() == has_password {
            report
                .problem_of_either(["schema_registry.username", PASSWORD], "username and password only work together: set both or neither");
        }
        if has_password && !source::is_reference(self.password.expose()) && matches!(report.origin(PASSWORD), Origin::Option(_)) {
            report.problem(PASSWORD, "every user of this machine can read command-line options: use file:PATH or env:NAME");
        }
        if has_password && self.url.starts_with("http://") {
            report.warning(URL, "the password travels in clear: use https");
        }
        if !self.is_set() && (has_password || !self.username.is_empty() || !self.ca.as_os_str().is_empty()) {
            report.problem(URL, "is missing: without it the other keys of this table have no effect");
        }
    }

    /// Reads the password and the certificates.
    pub(in crate::config) fn read_secrets(&mut self, variables: &Variables, report: &mut Report<'_>) {
        match source::referenced(self.password.expose(), report.origin(PASSWORD), variables) {
            Some(Ok(password)) => self.password = Secret::new(password),
            Some(Err(message)) => report.problem(PASSWORD, message),
            None => {}
        }
        if self.ca.as_os_str().is_empty() {
            return;
        }
        match source::of_file(&self.ca, report.origin(CA)) {
            Ok(pem) if pem.contains("-----BEGIN CERTIFICATE-----") => self.pem = Some(pem),
            Ok(_) => report.problem(CA, "the file holds no certificate in PEM"),
            Err(message) => report.problem(CA, message),
        }
    }
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let trimmed = text.trim_end_matches('/');
    let rest = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"));
    let is_url =
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}@".contains(&byte)));
    if text.is_empty() || is_url {
        return Ok(trimmed.to_owned());
    }
    Err(serde::de::Error::custom(
        "is not the base URL of a schema registry, such as https://registry.example.com: it begins with http:// or https:// and has no \
         credentials, ? or #",
    ))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;

    fn problems(text: &str) -> String {
        let read = Config::of_text(&format!("[schema_registry]\n{text}\n"), Path::new("churnwatch.toml"));
        read.map_or_else(|problems| problems.to_string(), |_| String::new())
    }

    #[test]
    fn a_registry_has_a_url_and_may_have_credentials() {
        assert_eq!(problems("url = 'http://127.0.0.1:8081'"), "");
        assert_eq!(problems("url = 'https://registry.example.com/apis/ccompat/v7/'\nusername = 'u'\npassword = 'env:PASSWORD'"), "");
        for wrong in ["example.com", "ftp://example.com", "https://", "https://u:p@example.com", "https://a b"] {
            assert!(problems(&format!("url = '{wrong}'")).contains("base URL of a schema registry"), "{wrong}");
        }
    }

    #[test]
    fn half_of_it_is_refused() {
        assert!(problems("url = 'https://a'\nusername = 'u'").contains("set both or neither"));
        assert!(problems("url = 'https://a'\npassword = 'env:P'").contains("set both or neither"));
        assert!(problems("username = 'u'\npassword = 'env:P'").contains("schema_registry.url"));
    }
}
