//! What a fit was made from, for `[risk.evidence]` of the model file.

use sha2::{Digest, Sha256};

use super::example::Example;

/// `sha256:` and 64 hex digits of examples in the order of [`Example::sort`]: instants, accounts, outcomes and inputs.
#[must_use]
pub fn data_hash(sorted: &[Example]) -> String {
    let mut hash = Sha256::new();
    for example in sorted {
        hash.update(example.instant.millis().to_le_bytes());
        hash.update(example.account.to_le_bytes());
        hash.update([u8::from(example.churned)]);
        hash.update((example.inputs.len() as u64).to_le_bytes());
        for input in &example.inputs {
            hash.update([u8::from(input.is_some())]);
            hash.update(input.unwrap_or_default().to_le_bytes());
        }
    }
    format!("sha256:{:x}", hash.finalize())
}
