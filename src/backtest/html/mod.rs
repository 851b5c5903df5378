//! The report as one HTML page: no script, no file and no host besides itself, light and dark.
//!
//! All text that comes from the data or the configuration goes through [`escape::escaped`].

mod components;
mod escape;
mod frame;
mod legend;
mod page;
mod plots;
mod spells;
mod tables;

pub use page::page;
