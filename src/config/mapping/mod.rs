//! Mapping files: `config/mappings/<provider>.toml`, shipped with the program or given by path, checked and compiled.
//!
//! `file` reads a whole file, `field` what a native field is made of, `condition` its conditions, `case` what is required and refused,
//! `constant` constants and tables, and `report` collects the problems, each with its line and key.

mod case;
mod condition;
mod constant;
mod field;
mod file;
mod report;
mod shipped;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

pub use shipped::SHIPPED;

use super::nearest;
use super::problem::{Origin, Problem, Problems};
use super::source;
use crate::event::mapping::Mapping;
use crate::event::{Format, Stream};

/// Compiles the text of a mapping. `name` stands for it in messages, `path` where it is.
///
/// # Errors
/// Every problem at once.
pub fn of_text(text: &str, name: &str, path: &Path) -> Result<Mapping, Problems> {
    file::compile(text, name, path).map_err(Problems::sorted)
}

/// The mapping that is named: a shipped one, or a file, whose path is relative to the file that names it.
///
/// # Errors
/// Every problem at once; `origin` and `key` say where it is named.
pub fn named(written: &str, origin: &Origin, key: &str) -> Result<Mapping, Problems> {
    let is_path = written.contains(['/', '\\']) || Path::new(written).extension().is_some_and(|extension| extension == "toml");
    if !is_path {
        return match SHIPPED.iter().find(|(name, _)| *name == written) {
            Some((name, text)) => of_text(text, name, &Path::new("config/mappings").join(format!("{name}.toml"))),
            None => Err(Problems(vec![unknown(written, origin, key)])),
        };
    }
    let path = source::resolve(Path::new(written), origin);
    let text = source::read(&path)
        .map_err(|reason| Problems(vec![Problem::new(origin.clone(), key, format!("cannot read {}: {reason}", path.display()))]))?;
    let name = path.file_stem().map_or_else(|| written.to_owned(), |stem| stem.to_string_lossy().into_owned());
    of_text(&text, &name, &path)
}

/// What is wrong with a mapping that makes no event of a stream; `None` if it makes one.
#[must_use]
pub fn unsuited(mapping: &Mapping, stream: Stream) -> Option<String> {
    let events = &mapping.rules().events;
    let names: BTreeSet<&str> = events.iter().map(|event| event.target.name).collect();
    let makes_one = events.iter().any(|event| event.target.stream == stream);
    (!makes_one)
        .then(|| format!("makes no event of the {} stream, only {}", stream.name(), names.into_iter().collect::<Vec<_>>().join(", ")))
}

/// Whether a mapping of this name is part of the program.
#[must_use]
pub fn is_shipped(name: &str) -> bool {
    SHIPPED.iter().any(|(shipped, _)| *shipped == name)
}

fn unknown(written: &str, origin: &Origin, key: &str) -> Problem {
    if Format::NAMES.contains(&written) || written == "rudderstack" {
        // Options and keys for formats have the names of those for mappings.
        let instead = match origin {
            Origin::Option(option) => format!("{} {written}", option.replace("mapping", "format")),
            _ => format!("format = \"{written}\""),
        };
        return Problem::new(origin.clone(), key, format!("`{written}` is a format, not a mapping: write {instead}"));
    }
    let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    let message = format!("`{written}` is no mapping: give the path of a file, such as mappings/own.toml, or one of {}", names.join(", "));
    let nearest = nearest::within_reach(written, names).map(str::to_owned);
    Problem { nearest, ..Problem::new(origin.clone(), key, message) }
}
