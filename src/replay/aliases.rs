//! The aliases that the files of a history declare. All of them are known before the first record is resolved, so a history is read as if
//! each alias had been declared before its first use, which is what a redrive would come to. The newest declaration of an alias holds for
//! the whole history, and those of accounts that were deleted since hold as well.

use std::sync::Arc;

use super::digest::Kind;
use super::file::InputFile;
use super::parallel::Division;
use crate::alias::{Aliases, Noted};
use crate::event::{AccountProfile, Event, Record, Stream};
use crate::settings::Settings;

/// The table, and what is wrong with the declarations.
pub type Declared = (Aliases, Noted);

/// What the profiles in these files declare. Profiles under an alias come last, when their accounts are known.
#[must_use]
pub fn aliases_of(files: &[&InputFile], settings: &Settings) -> Declared {
    let (mut table, mut noted) = (Aliases::new(settings.limits.aliases), Noted::default());
    for is_alias in [false, true] {
        for file in files {
            each_profile(file, settings, |record, profile| {
                let (Some(account), true) = (record.account.as_deref(), record.account_system.is_some() == is_alias) else { return };
                let known = record.account_system.as_deref().map(|system| table.account(system, account).map(str::to_owned));
                let account = known.unwrap_or_else(|| Some(account.to_owned()));
                if let Some(account) = account.filter(|_| !profile.deleted) {
                    noted = noted.and(table.note(&account, record.occurred_at, record.id.as_deref(), profile));
                }
            });
        }
    }
    (table, noted)
}

/// Resolves the records of all files that can name accounts by their aliases.
pub fn resolve(files: &mut [InputFile], table: Aliases, settings: &Settings, division: Division) {
    let table = Arc::new(table);
    for file in files.iter_mut().filter(|file| !file.format.is_native()) {
        file.resolve(&table, settings, division);
    }
}

fn each_profile(file: &InputFile, settings: &Settings, mut take: impl FnMut(&Record<'_>, &AccountProfile<'_>)) {
    let context = settings.decode_context();
    for block in &file.blocks {
        let digests = block.digests().iter().filter(|digest| digest.stream == Stream::Accounts);
        for digest in digests.filter(|digest| matches!(digest.kind, Kind::Record { .. })) {
            let Ok(decoded) = file.source().decode(block.line(digest.span), None, &context) else { continue };
            if let Some(record) = decoded.records().get(usize::from(digest.event.index))
                && let Event::Profile(profile) = &record.event
            {
                take(record, profile);
            }
        }
    }
}
