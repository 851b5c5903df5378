//! The registry's HTTP interface: that of Confluent's Schema Registry, which Apicurio, Karapace and Redpanda speak too.

use std::fmt::Write;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

use super::source::{Language, Reference, Source};
use crate::config::Secret;
use crate::config::section::SchemaRegistry;

/// Timeout of one request.
const REQUEST: Duration = Duration::from_secs(5);
/// Largest answer, bytes.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most schemas that one schema may need.
const REFERENCES_MAX: usize = 256;

/// The registry cannot be asked. This is no fault of a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// No answer, or one that says that the registry is not well. Worth another attempt.
    #[error("{0}")]
    Silent(String),
    /// An answer that will not change by itself, such as one about rights.
    #[error("{0}")]
    Refused(String),
}

/// Why there is no schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The registry knows no schema with the id.
    Unknown,
    /// The schema is there and cannot be used, for this reason.
    Unusable(String),
    /// The registry cannot be asked.
    Unavailable(Unavailable),
}

impl From<Unavailable> for Lookup {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

/// A connection to the registry.
pub(super) struct Client {
    agent: Agent,
    url: String,
    authorization: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    schema: String,
    schema_type: Option<String>,
    #[serde(default)]
    references: Option<Vec<Pointer>>,
}

#[derive(Deserialize)]
struct Pointer {
    name: String,
    subject: String,
    version: i64,
}

impl Client {
    /// A client; it connects when it is first used.
    ///
    /// # Errors
    /// If `ca` holds no certificate.
    pub(super) fn new(access: &SchemaRegistry) -> Result<Self, Unavailable> {
        let roots = match access.certificates() {
            None => RootCerts::PlatformVerifier,
            Some(pem) => RootCerts::new_with_certs(&certificates(pem.as_bytes())?),
        };
        let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(roots).build();
        let config = Agent::config_builder().timeout_global(Some(REQUEST)).http_status_as_error(false).tls_config(tls).build();
        let authorization = access.credentials().map(|(user, password)| {
            let encoded = STANDARD.encode(format!("{user}:{}", password.expose()));
            Secret::new(format!("Basic {encoded}"))
        });
        Ok(Self { agent: config.new_agent(), url: access.url.clone(), authorization })
    }

    /// The schema with this id and all that it refers to.
    pub(super) fn schema(&self, id: u32) -> Result<Source, Lookup> {
        let answer = self.get(&format!("schemas/ids/{id}"))?.ok_or(Lookup::Unknown)?;
        let language = Language::of(answer.schema_type.as_deref());
        let language = language.ok_or_else(|| Lookup::Unusable("its language is none of Avro, Protobuf and JSON Schema".to_owned()))?;
        let mut references = Vec::new();
        if language != Language::Json {
            self.collect(answer.references.unwrap_or_default(), &mut references)?;
        }
        Ok(Source { language, text: answer.schema, references })
    }

    /// Asks for something that every registry has, to find out whether it answers.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub(super) fn probe(&self) -> Result<(), Unavailable> {
        self.text("subjects").map(drop)
    }

    /// Appends the schemas that `pointers` name, each after those that it needs itself.
    fn collect(&self, pointers: Vec<Pointer>, into: &mut Vec<Reference>) -> Result<(), Lookup> {
        // On the stack: schemas to fetch, and fetched ones whose own references come first.
        enum Step {
            Fetch(Pointer),
            Add(Reference),
        }
        let mut fetched = 0;
        let mut steps: Vec<Step> = pointers.into_iter().rev().map(Step::Fetch).collect();
        while let Some(step) = steps.pop() {
            match step {
                Step::Add(reference) => {
                    if into.iter().all(|known| known.name != reference.name) {
                        into.push(reference);
                    }
                }
                Step::Fetch(pointer) if into.iter().any(|known| known.name == pointer.name) => {}
                Step::Fetch(pointer) => {
                    fetched += 1;
                    if fetched > REFERENCES_MAX {
                        return Err(Lookup::Unusable(format!("it needs more than {REFERENCES_MAX} other schemas")));
                    }
                    let path = format!("subjects/{}/versions/{}", escaped(&pointer.subject), pointer.version);
                    let missing = || Lookup::Unusable(format!("it refers to `{}`, which the registry does not have", pointer.name));
                    let answer = self.get(&path)?.ok_or_else(missing)?;
                    steps.push(Step::Add(Reference { name: pointer.name, text: answer.schema }));
                    steps.extend(answer.references.unwrap_or_default().into_iter().rev().map(Step::Fetch));
                }
            }
        }
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Option<Answer>, Unavailable> {
        let Some(text) = self.text(path)? else { return Ok(None) };
        let unreadable = |_| Unavailable::Refused(format!("{}/{path} does not answer like a schema registry", self.url));
        serde_json::from_str(&text).map(Some).map_err(unreadable)
    }

    /// The body of the answer; `None` if there is nothing at this path.
    fn text(&self, path: &str) -> Result<Option<String>, Unavailable> {
        let url = format!("{}/{path}", self.url);
        let mut request = self.agent.get(&url).header("Accept", "application/vnd.schemaregistry.v1+json, application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization.expose());
        }
        let mut answer = request.call().map_err(|error| failed(&url, &error))?;
        match answer.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            401 | 403 => return Err(Unavailable::Refused(format!("{url} refuses access: {}", answer.status()))),
            429 | 500..=599 => return Err(Unavailable::Silent(format!("{url} answers {}", answer.status()))),
            _ => return Err(Unavailable::Refused(format!("{url} answers {}", answer.status()))),
        }
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        body.map(Some).map_err(|error| failed(&url, &error))
    }
}

/// Trust and addresses do not mend themselves; everything else may.
fn failed(url: &str, error: &ureq::Error) -> Unavailable {
    let message = format!("{url}: {error}");
    match error {
        ureq::Error::Tls(_) | ureq::Error::NativeTls(_) | ureq::Error::BadUri(_) | ureq::Error::TooManyRedirects => {
            Unavailable::Refused(message)
        }
        _ => Unavailable::Silent(message),
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, Unavailable> {
    let certificates: Vec<_> = parse_pem(pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(Unavailable::Refused("schema_registry.ca holds no certificate in PEM".to_owned()));
    }
    Ok(certificates)
}

/// A subject as one segment of a path.
fn escaped(subject: &str) -> String {
    subject.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_segment_of_a_path() {
        assert_eq!(escaped("shared/item.proto"), "shared%2Fitem.proto");
        assert_eq!(escaped("usage-value_1.~é"), "usage-value_1.~%C3%A9");
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        assert_eq!(certificates(b"nothing").err().unwrap().to_string(), "schema_registry.ca holds no certificate in PEM");
    }
}
