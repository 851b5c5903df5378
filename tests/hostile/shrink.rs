//! Shrinks an input that shows a difference to a smaller one that still does.

use crate::oracle::Files;

/// Removes lines, in smaller and smaller runs, as long as `fails` holds.
pub fn shrink(mut files: Files, mut fails: impl FnMut(&Files) -> bool) -> Files {
    let streams: Vec<&'static str> = files.keys().copied().collect();
    for stream in &streams {
        let mut run = files[stream].len().max(1);
        while run > 0 {
            let mut from = 0;
            while from < files[stream].len() {
                let mut fewer = files.clone();
                let lines = fewer.get_mut(stream).unwrap();
                let until = (from + run).min(lines.len());
                lines.drain(from..until);
                if fails(&fewer) {
                    files = fewer;
                } else {
                    from += run;
                }
            }
            run /= 2;
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::shrink;

    #[test]
    fn shrinking_keeps_only_the_lines_that_matter() {
        let lines = |text: &str| -> Vec<Vec<u8>> { text.bytes().map(|byte| vec![byte]).collect() };
        let files = BTreeMap::from([("usage", lines("abcdefgh")), ("billing", lines("xyz"))]);
        let left = shrink(files, |files| files["usage"].contains(&vec![b'c']) && files["usage"].contains(&vec![b'g']));
        assert_eq!(left, BTreeMap::from([("usage", lines("cg")), ("billing", lines(""))]));
    }
}
