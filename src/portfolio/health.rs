//! Portfolio health: scores, bands and MRR at risk.

use super::additive::{Additive, additive, from_trillionths, trillionths};
use super::exposed::{Exposed, Exposure, Spread};
use super::{AccountScore, Figure, Kpi, Kpis, Number};
use crate::score::Band;

/// Sums over accounts by their last score, in the order of [`Band::ALL`].
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    bands: [BandSums; Band::ALL.len()],
}

/// Sums over the accounts of one band.
#[derive(Clone, Copy, Debug, Default)]
pub struct BandSums {
    accounts: u64,
    mrr: i128,
    scored: u64,
    score_trillionths: i128,
    with_risk: u64,
    mrr_at_risk_trillionths: i128,
}

impl BandSums {
    /// Number of accounts.
    #[must_use]
    pub const fn accounts(&self) -> u64 {
        self.accounts
    }

    /// Their MRR, minor units.
    #[must_use]
    pub const fn mrr_minor(&self) -> i128 {
        self.mrr
    }

    /// Sum of MRR x risk, minor units; `None` where no account has a risk.
    #[must_use]
    pub fn mrr_at_risk_minor(&self) -> Option<f64> {
        (self.with_risk > 0).then(|| from_trillionths(self.mrr_at_risk_trillionths))
    }

    /// Accounts with a score.
    #[must_use]
    pub const fn scored(&self) -> u64 {
        self.scored
    }

    /// Sum of their scores.
    #[must_use]
    pub fn score_sum(&self) -> f64 {
        from_trillionths(self.score_trillionths)
    }
}

impl Health {
    /// The contribution of one account; without a score it is in band `unknown`.
    pub fn of(score: Option<&AccountScore>, mrr: i64) -> Self {
        let mut sums = Self::default();
        let band = score.map_or(Band::Unknown, |score| score.band);
        let Some(place) = sums.bands.get_mut(band as usize) else { return sums };
        *place = BandSums { accounts: 1, mrr: mrr.into(), ..BandSums::default() };
        if let Some(health) = score.and_then(|score| score.health) {
            place.scored = 1;
            place.score_trillionths = trillionths(health);
        }
        if let Some(risk) = score.and_then(|score| score.risk) {
            place.with_risk = 1;
            place.mrr_at_risk_trillionths = trillionths(risk.probability * mrr as f64);
        }
        sums
    }

    /// The sums of each band.
    pub fn bands(&self) -> impl Iterator<Item = (Band, &BandSums)> {
        Band::ALL.into_iter().zip(&self.bands)
    }

    /// The sums over all accounts except churned ones, whose frozen score and risk no longer apply.
    fn today(&self) -> BandSums {
        let mut whole = BandSums::default();
        self.bands().filter(|(band, _)| *band != Band::Churned).for_each(|(_, sums)| whole.add(sums));
        whole
    }

    /// Sets the health KPIs. Empty bands are omitted, and so is MRR at risk if no account has a risk.
    pub fn write(&self, out: &mut Kpis) {
        let today = self.today();
        out.ratio(Kpi::HealthMean, today.score_sum(), today.scored);
        let bands = || Band::ALL.iter().zip(self.bands).filter(|(_, sums)| sums.accounts > 0);
        let table = |of: fn(BandSums) -> Number| Figure::table(bands().map(|(band, sums)| (band.name().to_owned(), of(sums))).collect());
        out.set(Kpi::AccountsByBand, table(|sums| sums.accounts.into()));
        out.set(Kpi::MrrByBand, table(|sums| sums.mrr.into()));
        if let Some(minor) = today.mrr_at_risk_minor() {
            out.count(Kpi::MrrAtRisk, minor);
        }
    }
}

impl Health {
    /// Exposes the sums, money in minor units.
    pub fn expose(&self, out: &mut Exposure<'_>) {
        let today = self.today();
        let scores = Spread::new(today.scored, today.score_sum(), std::iter::empty());
        out.spread(Exposed::Health, &[], scores);
        for (band, sums) in Band::ALL.iter().zip(self.bands) {
            out.number(Exposed::AccountsByBand, &[band.name()], sums.accounts as f64);
            out.number(Exposed::MrrByBand, &[band.name()], sums.mrr as f64);
        }
        if let Some(minor) = today.mrr_at_risk_minor() {
            out.number(Exposed::MrrAtRisk, &[], minor);
        }
    }
}

additive!(Health { bands });

additive!(BandSums { accounts, mrr, scored, score_trillionths, with_risk, mrr_at_risk_trillionths });
