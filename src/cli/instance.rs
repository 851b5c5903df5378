//! The running instance that a command asks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

use super::{Globals, health};
use crate::file;
use crate::http::client;

/// Longest wait for an answer.
const LIMIT: Duration = Duration::from_secs(10);

/// Which instance is asked.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct InstanceArgs {
    /// The instance; default: the one on this machine that uses this configuration's `http.listen`
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// File with the instance's bearer token; default: this configuration's `http.token_file`
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// An instance that can be asked.
#[derive(Debug)]
pub(super) struct Instance {
    pub url: String,
    token: Option<String>,
    /// Whether the user named it.
    is_named: bool,
}

impl InstanceArgs {
    /// Whether an option names an instance.
    pub(super) const fn is_given(&self) -> bool {
        self.url.is_some() || self.token_file.is_some()
    }

    /// The instance that is meant.
    ///
    /// # Errors
    /// Problems in the configuration, or a token file that cannot be read.
    pub(super) fn instance(&self, globals: &Globals) -> anyhow::Result<Instance> {
        let config = globals.load_offline()?;
        let url = self.url.clone().unwrap_or_else(|| format!("http://{}", health::reachable(config.http.listen)));
        let configured = config.http.token_file().filter(|_| self.token_file.is_none());
        let configured = configured.map(|path| globals.config.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).join(path));
        let token = self.token_file.clone().or(configured).map(|path| read_token(&path)).transpose()?;
        Ok(Instance { url, token, is_named: self.url.is_some() })
    }
}

impl Instance {
    /// Asks for a path. The body is `null` if it is not JSON.
    ///
    /// # Errors
    /// No response; `otherwise` says what to do instead of naming an instance, if none was named.
    pub(super) fn ask(&self, path: &str, otherwise: &str) -> anyhow::Result<(StatusCode, Value)> {
        let (status, body) = match client::get_with_token(&self.url, path, self.token.as_deref(), LIMIT) {
            Err(client::RequestError::Connect { .. }) if !self.is_named => {
                anyhow::bail!("no instance answers at {}: name one with --url{otherwise}", self.url)
            }
            answer => answer?,
        };
        if status == StatusCode::UNAUTHORIZED {
            anyhow::bail!("{} requires a token: name its file with --token-file", self.url);
        }
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// What is wrong with a status that this version does not expect.
    pub(super) fn unexpected(&self, path: &str, status: StatusCode, body: &Value) -> anyhow::Error {
        let text = |field: &str| body.get(field).and_then(Value::as_str);
        if let Some((error, hint)) = text("error").zip(text("hint")) {
            return anyhow::anyhow!("{} answered {path} with {status}: {error}; {hint}", self.url);
        }
        anyhow::anyhow!("{} answered {path} with {status}; is it churnwatch, of this version or newer?", self.url)
    }
}

fn read_token(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path);
    let text =
        text.map_err(|error| anyhow::anyhow!("cannot read the token file {}: {}", path.display(), file::cannot_read(path, &error)))?;
    Ok(text.trim().to_owned())
}

/// A text as a segment or a value in a URL.
pub(super) fn percent_encoded(id: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    id.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_encoded_as_one_segment() {
        assert_eq!(percent_encoded("acme-1.eu_~"), "acme-1.eu_~");
        assert_eq!(percent_encoded("a/b c?é"), "a%2Fb%20c%3F%C3%A9");
    }
}
