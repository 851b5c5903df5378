//! The report as one HTML page: no script, no file and no host besides itself, light and dark.
//!
//! All text that comes from the data or the configuration goes through [`escape::escaped`].

#![expect(clippy::format_push_string, clippy::format_collect, reason = "a page of a few hundred elements is read more often than built")]

mod components;
mod drawing;
mod escape;
mod frame;
mod legend;
mod page;
mod plots;
mod spells;
mod tables;

pub use page::{PICTURES, page, pictures};
