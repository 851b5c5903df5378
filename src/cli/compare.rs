//! The summary of `replay --compare`: which accounts another model moves to a different band.

use std::fmt;
use std::path::Path;

use super::Globals;
use crate::config::{self, Config, Problems};
use crate::engine::Comparison;
use crate::money::Currency;
use crate::portfolio::AccountScore;
use crate::replay::{Comparisons, Share};
use crate::score::{Band, Direction, Model};

/// Most accounts in the summary; the data output has all of them.
const SHOWN: usize = 10;

/// Loads the model of another configuration, or of a model file, with the same environment and options.
///
/// # Errors
/// Every problem in that configuration.
pub(super) fn load(path: &Path, globals: &Globals, current: &Config) -> Result<Model, Problems> {
    let other = Config::load_offline(Some(path), &globals.settings(), config::environment())?;
    let differences = current.differences_besides_model(&other);
    if !other.is_model_alone() && !differences.is_empty() {
        tracing::warn!(keys = differences.join(", "), "only the models are compared, but these keys differ as well");
    }
    if other.model.id == current.model.id {
        tracing::warn!(hash = other.model.hash, "both configurations have the same model");
    }
    Ok(other.model)
}

/// The comparison as text.
pub(super) struct Report<'a>(pub &'a Comparisons<'a>);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparisons { as_of, from, to, accounts, .. } = self.0;
        let changed: Vec<_> = self.0.changed().collect();
        let way = |way| changed.iter().filter(|account| account.direction() == Some(way)).count();
        let (down, up) = (way(Direction::Down), way(Direction::Up));
        writeln!(f, "{} of {} accounts change band as of {as_of}: {down} down, {up} up\n", changed.len(), accounts.len())?;
        writeln!(f, "  from  {}  {}\n  to    {}  {}\n", from.name, from.hash, to.name, to.hash)?;
        self.bands(f)?;
        self.segments(f)?;
        if changed.is_empty() {
            return Ok(());
        }
        let (shown, currency) = (changed.len().min(SHOWN), self.0.currency);
        writeln!(f, "\n{:<24} {:>14}  {:<15}  {:<15}  risk", format!("the first {shown} by MRR"), currency.code(), "from", "to")?;
        changed.iter().take(SHOWN).try_for_each(|account| row(f, account, currency))
    }
}

impl Report<'_> {
    /// One row per segment: how many accounts change band, and how much MRR they have.
    fn segments(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let currency = self.0.currency;
        let code = currency.code();
        let (all, down, up) = (format!("{code} of all"), format!("{code} down"), format!("{code} up"));
        writeln!(f, "\n{:<20} {:>8} {all:>16} {:>7} {down:>16} {:>7} {up:>16}", "segment", "accounts", "down", "up")?;
        self.0.segments().iter().try_for_each(|segment| {
            let name = segment.segment.unwrap_or("(none)");
            let units = |share: &Share| units(share.mrr_minor, currency);
            let (all, down, up) = (units(&segment.all), units(&segment.down), units(&segment.up));
            let [accounts, fallen, risen] = [&segment.all, &segment.down, &segment.up].map(|share| share.accounts);
            writeln!(f, "{name:<20} {accounts:>8} {all:>16} {fallen:>7} {down:>16} {risen:>7} {up:>16}")
        })
    }

    /// One row per band of the first model, one column per band of the other.
    fn bands(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let crossings = self.0.crossings();
        write!(f, "{:<12}", "from \\ to")?;
        Band::ALL.iter().try_for_each(|to| write!(f, "{:>10}", to.name()))?;
        for from in Band::ALL.iter().filter(|from| crossings.iter().any(|crossing| crossing.from == **from)) {
            write!(f, "\n{:<12}", from.name())?;
            for to in Band::ALL {
                let count = crossings.iter().find(|crossing| crossing.from == *from && crossing.to == to).map_or(0, |found| found.accounts);
                write!(f, "{count:>10}")?;
            }
        }
        writeln!(f)
    }
}

/// An amount in major units, with the digits of the currency.
fn units(minor: i64, currency: Currency) -> String {
    let digits = usize::try_from(currency.exponent()).unwrap_or_default();
    format!("{:.digits$}", minor as f64 / 10_f64.powi(i32::try_from(currency.exponent()).unwrap_or_default()))
}

fn row(f: &mut fmt::Formatter<'_>, account: &Comparison, currency: Currency) -> fmt::Result {
    let score = |share: &AccountScore| share.health.map_or("-".to_owned(), |score| format!("{score:.1}"));
    let risk = |share: &AccountScore| share.risk.map_or("-".to_owned(), |risk| format!("{:.3}", risk.probability));
    let (from, to) = (&account.from, &account.to);
    let units = units(to.mrr_minor, currency);
    writeln!(
        f,
        "{:<24} {units:>14}  {:<9} {:>5}  {:<9} {:>5}  {} -> {}",
        account.account_id,
        from.band.name(),
        score(from),
        to.band.name(),
        score(to),
        risk(from),
        risk(to)
    )
}
