//! A record that is to be written, and its size.

/// A record to write.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition; `None` means that the partitioner chooses it by key.
    pub partition: Option<i32>,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers.
    pub headers: &'a [(String, Option<Vec<u8>>)],
    /// The record's timestamp, epoch ms; `None`: when it is sent.
    pub timestamp: Option<i64>,
    /// Whether [`Commit::last`](super::Commit::last) is to know its offset; true for changelog records.
    pub remember: bool,
}

/// Upper bound of what a record takes besides key, value and headers, bytes.
const RECORD_OVERHEAD: usize = 256;

impl Outgoing<'_> {
    /// The serialised size, bytes; an upper bound.
    #[must_use]
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len) + 16).sum();
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len) + headers + RECORD_OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_includes_headers_and_overhead() {
        let headers = [("name".to_owned(), Some(vec![0; 10]))];
        let record = Outgoing {
            topic: "t",
            partition: None,
            key: Some(b"key"),
            value: Some(&[0; 100]),
            headers: &headers,
            timestamp: None,
            remember: false,
        };
        assert_eq!(record.size(), 3 + 100 + 4 + 10 + 16 + RECORD_OVERHEAD);
    }
}
