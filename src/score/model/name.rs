//! Names in a model: their ids in stored state, and suggestions for misspelt ones.

/// A 32-bit id of a component or metric name, stable across changes of the model and the program, for stored state.
#[must_use]
pub fn name_id(name: &str) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "half of a 64-bit hash is a 32-bit hash")]
    let id = xxhash_rust::xxh3::xxh3_64(name.as_bytes()) as u32;
    id
}

/// The candidate with the smallest edit distance to a word.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.min_by_key(|candidate| strsim::damerau_levenshtein(word, candidate))
}
