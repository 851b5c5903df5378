//! The input files of `replay`, `explain` and `backtest`: the same options, read in the same way.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::progress::{Progress, Unit};
use super::{Globals, UsageError};
use crate::config::Config;
use crate::config::section::{FormatName, Streams};
use crate::event::{Format, PerStream, Stream};
use crate::file;
use crate::replay::{self, Division, InputFile, Reading};
use crate::settings::Settings;
use crate::time::{DAY_MS, Timestamp};

/// The files of a history, one per stream.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct InputArgs {
    /// Usage records; a stream without a file counts as not configured
    #[arg(long, value_name = "FILE")]
    pub usage: Option<PathBuf>,
    /// Billing records
    #[arg(long, value_name = "FILE")]
    pub billing: Option<PathBuf>,
    /// Support records
    #[arg(long, value_name = "FILE")]
    pub support: Option<PathBuf>,
    /// Feedback records
    #[arg(long, value_name = "FILE")]
    pub feedback: Option<PathBuf>,
    /// Account profiles
    #[arg(long, value_name = "FILE")]
    pub accounts: Option<PathBuf>,
    /// Format of the usage file, such as segment; default: the one of the configuration
    #[arg(long, requires = "usage", value_name = "FORMAT", value_parser = super::format)]
    pub format_usage: Option<FormatName>,
    /// Format of the billing file
    #[arg(long, requires = "billing", value_name = "FORMAT", value_parser = super::format)]
    pub format_billing: Option<FormatName>,
    /// Format of the support file
    #[arg(long, requires = "support", value_name = "FORMAT", value_parser = super::format)]
    pub format_support: Option<FormatName>,
    /// Format of the feedback file
    #[arg(long, requires = "feedback", value_name = "FORMAT", value_parser = super::format)]
    pub format_feedback: Option<FormatName>,
    /// Format of the accounts file
    #[arg(long, requires = "accounts", value_name = "FORMAT", value_parser = super::format)]
    pub format_accounts: Option<FormatName>,
    /// Format of what is inside an envelope in the usage file, with --format-usage cloudevents
    #[arg(long, requires = "usage", value_name = "FORMAT", value_parser = super::inner_format)]
    pub inner_format_usage: Option<FormatName>,
    /// Format inside an envelope in the billing file
    #[arg(long, requires = "billing", value_name = "FORMAT", value_parser = super::inner_format)]
    pub inner_format_billing: Option<FormatName>,
    /// Format inside an envelope in the support file
    #[arg(long, requires = "support", value_name = "FORMAT", value_parser = super::inner_format)]
    pub inner_format_support: Option<FormatName>,
    /// Format inside an envelope in the feedback file
    #[arg(long, requires = "feedback", value_name = "FORMAT", value_parser = super::inner_format)]
    pub inner_format_feedback: Option<FormatName>,
    /// Format inside an envelope in the accounts file
    #[arg(long, requires = "accounts", value_name = "FORMAT", value_parser = super::inner_format)]
    pub inner_format_accounts: Option<FormatName>,
    /// Mapping of the usage file instead of a format: a shipped one, such as amplitude, or the path of a file
    #[arg(long, requires = "usage", value_name = "MAPPING")]
    pub mapping_usage: Option<String>,
    /// Mapping of the billing file
    #[arg(long, requires = "billing", value_name = "MAPPING")]
    pub mapping_billing: Option<String>,
    /// Mapping of the support file
    #[arg(long, requires = "support", value_name = "MAPPING")]
    pub mapping_support: Option<String>,
    /// Mapping of the feedback file
    #[arg(long, requires = "feedback", value_name = "MAPPING")]
    pub mapping_feedback: Option<String>,
    /// Mapping of the accounts file
    #[arg(long, requires = "accounts", value_name = "MAPPING")]
    pub mapping_accounts: Option<String>,
    /// Native account profiles that are read for their aliases only; those in --accounts need not be repeated
    #[arg(long, value_name = "FILE")]
    pub aliases: Option<PathBuf>,
}

/// The options that name mappings, in the order of streams.
const MAPPING_OPTIONS: [&str; 5] =
    ["--mapping-usage", "--mapping-billing", "--mapping-support", "--mapping-feedback", "--mapping-accounts"];

/// A longer history than this is not plausible: a record whose clock was wrong would decide the time of scoring.
const MAX_SPAN_DAYS: i64 = 100 * 366;

/// The files as read, and the settings by which they were.
pub(super) struct Input {
    /// The settings: only the streams with a file are configured.
    pub(super) settings: Arc<Settings>,
    /// The files, in the order of streams.
    pub(super) files: Vec<InputFile>,
}

impl InputArgs {
    /// Whether any file is named.
    pub(super) fn is_given(&self) -> bool {
        self.paths().next().is_some()
    }

    /// The named files, by stream.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn named(&self) -> Result<Vec<(Stream, &Path)>, UsageError> {
        let named: Vec<_> = self.paths().collect();
        if named.is_empty() {
            return Err(UsageError("name at least one input file: --usage, --billing, --support, --feedback, --accounts".into()));
        }
        Ok(named)
    }

    /// Reads every file.
    ///
    /// # Errors
    /// If a mapping cannot be used or a file cannot be read.
    pub(super) fn read(&self, config: &Config, division: Division, globals: &Globals) -> anyhow::Result<Input> {
        let named = self.named()?;
        let streams: Vec<Stream> = named.iter().map(|(stream, _)| *stream).collect();
        let settings = replay::settings_for(&streams, config.settings());
        let formats = self.formats(&config.streams)?;
        let bytes = named.iter().filter_map(|(_, path)| path.metadata().ok()).map(|file| file.len()).sum();
        let mut progress = Progress::new("reading", bytes, Unit::Bytes, globals.quiet);
        let read = |(stream, path): &(Stream, &Path)| {
            InputFile::read((*stream, formats.of(*stream)), path, &settings, division, |bytes| progress.advance(bytes)).map_err(|error| {
                anyhow::anyhow!("cannot read the {} file {}: {}", stream.name(), path.display(), file::cannot_read(path, &error))
            })
        };
        let mut files = named.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        if self.accounts.is_some() || self.aliases.is_some() {
            self.resolve(&mut files, &settings, division)?;
        }
        Ok(Input { settings, files })
    }

    /// Looks accounts up among the aliases that the files declare, as the service does if it reads profiles.
    fn resolve(&self, files: &mut [InputFile], settings: &Settings, division: Division) -> anyhow::Result<()> {
        let extra = self.aliases.as_deref().map(|path| read_aliases(path, settings, division)).transpose()?;
        if files.iter().all(|file| file.format.is_native()) {
            return Ok(());
        }
        let all: Vec<&InputFile> = files.iter().chain(&extra).collect();
        let (table, noted) = replay::aliases_of(&all, settings);
        if table.disputed() > 0 {
            let disputed = table.disputed();
            tracing::warn!(disputed, "aliases are declared by several accounts; the newest declaration has each");
        }
        if noted.cyclic > 0 {
            tracing::warn!(cyclic = noted.cyclic, "accounts have each other's ids as aliases; aliases of aliases are not followed");
        }
        anyhow::ensure!(noted.refused == 0, "the files declare more than {} aliases: raise limits.aliases", settings.limits.aliases);
        replay::resolve(files, table, settings, division);
        Ok(())
    }

    /// Every file that is read.
    pub(super) fn all_paths(&self) -> impl Iterator<Item = &Path> {
        self.paths().map(|(_, path)| path).chain(self.aliases.as_deref())
    }

    fn paths(&self) -> impl Iterator<Item = (Stream, &Path)> {
        let given = [&self.usage, &self.billing, &self.support, &self.feedback, &self.accounts];
        Stream::ALL.into_iter().zip(given).filter_map(|(stream, path)| Some((stream, path.as_deref()?)))
    }

    /// The format of each stream's file.
    fn formats(&self, streams: &Streams) -> anyhow::Result<PerStream<Arc<Format>>> {
        let given = PerStream([self.format_usage, self.format_billing, self.format_support, self.format_feedback, self.format_accounts]);
        let inner = PerStream([
            self.inner_format_usage,
            self.inner_format_billing,
            self.inner_format_support,
            self.inner_format_feedback,
            self.inner_format_accounts,
        ]);
        let mut formats = PerStream::from_fn(|stream| streams.format(stream, *given.of(stream), *inner.of(stream)));
        let mappings = [&self.mapping_usage, &self.mapping_billing, &self.mapping_support, &self.mapping_feedback, &self.mapping_accounts];
        for ((stream, written), option) in Stream::ALL.into_iter().zip(mappings).zip(MAPPING_OPTIONS) {
            if let Some(written) = written {
                *formats.of_mut(stream) = super::mapping(written, option, stream, (*given.of(stream), *inner.of(stream)))?;
            }
        }
        for stream in Stream::ALL {
            super::check_inner(formats.of(stream), *inner.of(stream), &format!("--inner-format-{}", stream.name()))?;
        }
        Ok(formats)
    }
}

/// Reads profiles, all of which must be valid: an alias that is overlooked would turn records into dead letters.
fn read_aliases(path: &Path, settings: &Settings, division: Division) -> anyhow::Result<InputFile> {
    let file = InputFile::read((Stream::Accounts, &Arc::default()), path, settings, division, |_| ());
    let file =
        file.map_err(|error| anyhow::anyhow!("cannot read the aliases in {}: {}", path.display(), file::cannot_read(path, &error)))?;
    match file.first_refused(settings) {
        Some((line, rejection)) => Err(anyhow::anyhow!("{}, line {line}: not an account profile: {rejection}", path.display())),
        None => Ok(file),
    }
}

impl Input {
    /// The time of the newest record, for a command without `--as-of`. One record of the year 5138 would otherwise make every account
    /// silent, and ask for the KPIs of 37,000 months. Without a valid record, any time will do: nothing will be scored.
    ///
    /// # Errors
    /// If the records span more time than is plausible.
    pub(super) fn newest(&self) -> anyhow::Result<Timestamp> {
        let Some((earliest, newest)) = Reading::span(&self.files) else { return Ok(Timestamp::MAX) };
        anyhow::ensure!(
            newest.since(earliest) <= MAX_SPAN_DAYS * DAY_MS,
            "the records span more than 100 years, from {earliest} to {newest}, so at least one time is wrong: set --as-of, and later \
             records become dead letters, `future_time`"
        );
        Ok(newest)
    }
}
