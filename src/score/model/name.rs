//! Names of a model: how states remember them, and the nearest one to a misspelt one.

/// A name in 32 bits: how a state remembers components and metrics across changes of the model and of the program.
#[must_use]
pub fn name_id(name: &str) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "half of a 64-bit hash is a 32-bit hash")]
    let id = xxhash_rust::xxh3::xxh3_64(name.as_bytes()) as u32;
    id
}

/// The candidate nearest to a word, by edits.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.min_by_key(|candidate| strsim::damerau_levenshtein(word, candidate))
}
