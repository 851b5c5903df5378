//! Comparison of two models: which accounts change band, and counts by pair of bands.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use crate::engine::Comparison;
use crate::file::Output;
use crate::money::Currency;
use crate::portfolio::AccountScore;
use crate::score::{Band, Direction, Level, Model, Status};
use crate::time::Timestamp;

/// All accounts at an instant, scored by two models.
#[derive(Debug)]
pub struct Comparisons<'a> {
    /// The instant.
    pub as_of: Timestamp,
    /// The reporting currency.
    pub currency: Currency,
    /// The model in force.
    pub from: &'a Model,
    /// The model to compare it with.
    pub to: &'a Model,
    /// Every account, highest MRR first.
    pub accounts: &'a [Comparison],
}

/// The accounts with the same pair of bands under the two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Crossing {
    /// Band under the model in force.
    pub from: Band,
    /// Band under the other model.
    pub to: Band,
    /// Number of accounts.
    pub accounts: usize,
    /// Their MRR, minor units.
    pub mrr_minor: i64,
}

/// The accounts of one segment, and those of them that change band.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SegmentChange<'a> {
    /// Segment; `None` for accounts without one.
    pub segment: Option<&'a str>,
    /// All of them.
    pub all: Share,
    /// Those that move to a worse band.
    pub down: Share,
    /// Those that move to a better band.
    pub up: Share,
    /// Those that move to or from `unknown`, which is neither.
    pub other: Share,
}

/// Some accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// How many.
    pub accounts: usize,
    /// Their MRR, minor units.
    pub mrr_minor: i64,
}

impl Share {
    const fn add(&mut self, mrr_minor: i64) {
        self.accounts += 1;
        self.mrr_minor += mrr_minor;
    }
}

#[derive(Serialize)]
struct AccountLine<'a> {
    account_id: &'a str,
    name: Option<&'a str>,
    segment: Option<&'a str>,
    csm: Option<&'a str>,
    mrr_minor: i64,
    currency: &'a str,
    direction: Option<Direction>,
    from: Scores,
    to: Scores,
}

#[derive(Serialize)]
struct Scores {
    health: Health,
    risk: Risk,
}

#[derive(Serialize)]
struct Health {
    score: Option<f64>,
    band: Band,
}

#[derive(Serialize)]
struct Risk {
    probability: Option<f64>,
    level: Option<Level>,
}

#[derive(Serialize)]
struct SummaryLine<'a> {
    summary: Summary<'a>,
}

#[derive(Serialize)]
struct Summary<'a> {
    as_of: String,
    from: ModelName<'a>,
    to: ModelName<'a>,
    accounts: usize,
    changed: usize,
    currency: &'a str,
    bands: Vec<Crossing>,
    segments: Vec<SegmentChange<'a>>,
}

#[derive(Serialize)]
struct ModelName<'a> {
    name: &'a str,
    hash: &'a str,
}

impl Comparison {
    /// Whether the two models put the account into different bands.
    #[must_use]
    pub fn changes_band(&self) -> bool {
        self.from.band != self.to.band
    }

    /// Whether the other model puts the account into a better or worse band; `None` if neither, as to or from `unknown`.
    #[must_use]
    pub fn band_direction(&self) -> Option<Direction> {
        if self.to.band.is_worse_than(self.from.band) {
            Some(Direction::Down)
        } else {
            self.from.band.is_worse_than(self.to.band).then_some(Direction::Up)
        }
    }

    /// Whether the account does better or worse under the other model.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        let status = |score: &AccountScore| Status { score: score.health, band: score.band, risk: score.risk };
        Direction::between(&status(&self.from), &status(&self.to))
    }
}

impl Comparisons<'_> {
    /// The accounts whose band differs, highest MRR first.
    pub fn changed(&self) -> impl Iterator<Item = &Comparison> {
        self.accounts.iter().filter(|account| account.changes_band())
    }

    /// Every pair of bands that occurs, in band order.
    #[must_use]
    pub fn crossings(&self) -> Vec<Crossing> {
        let mut crossings: BTreeMap<(Band, Band), Crossing> = BTreeMap::new();
        for account in self.accounts {
            let (from, to) = (account.from.band, account.to.band);
            let crossing = crossings.entry((from, to)).or_insert(Crossing { from, to, accounts: 0, mrr_minor: 0 });
            crossing.accounts += 1;
            crossing.mrr_minor += account.to.mrr_minor;
        }
        crossings.into_values().collect()
    }

    /// Who changes band, and how much MRR, in each segment; by name, accounts without one first.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentChange<'_>> {
        let mut segments: BTreeMap<Option<&str>, SegmentChange<'_>> = BTreeMap::new();
        for account in self.accounts {
            let name = account.segment.as_deref();
            let none = Share::default();
            let segment =
                segments.entry(name).or_insert_with(|| SegmentChange { segment: name, all: none, down: none, up: none, other: none });
            segment.all.add(account.to.mrr_minor);
            if account.changes_band() {
                let side = match account.band_direction() {
                    Some(Direction::Down) => &mut segment.down,
                    Some(Direction::Up) => &mut segment.up,
                    None => &mut segment.other,
                };
                side.add(account.to.mrr_minor);
            }
        }
        segments.into_values().collect()
    }

    /// Writes one line per account whose band differs, then one with the counts.
    ///
    /// # Errors
    /// If a line cannot be written.
    pub fn write(&self, output: &mut Output) -> io::Result<()> {
        for account in self.changed() {
            output.line(&serde_json::to_vec(&self.line(account))?)?;
        }
        output.line(&serde_json::to_vec(&SummaryLine { summary: self.summary() })?)
    }

    fn line<'a>(&'a self, account: &'a Comparison) -> AccountLine<'a> {
        AccountLine {
            account_id: &account.account_id,
            name: account.name.as_deref(),
            segment: account.segment.as_deref(),
            csm: account.csm.as_deref(),
            mrr_minor: account.to.mrr_minor,
            currency: self.currency.code(),
            direction: account.direction(),
            from: Scores::of(&account.from),
            to: Scores::of(&account.to),
        }
    }

    fn summary(&self) -> Summary<'_> {
        Summary {
            as_of: self.as_of.to_string(),
            from: ModelName { name: &self.from.name, hash: &self.from.hash },
            to: ModelName { name: &self.to.name, hash: &self.to.hash },
            accounts: self.accounts.len(),
            changed: self.changed().count(),
            currency: self.currency.code(),
            bands: self.crossings(),
            segments: self.segments(),
        }
    }
}

impl Scores {
    fn of(score: &AccountScore) -> Self {
        let (probability, level) = (score.risk.map(|risk| risk.probability), score.risk.map(|risk| risk.level));
        Self { health: Health { score: score.health, band: score.band }, risk: Risk { probability, level } }
    }
}
