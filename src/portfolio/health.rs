//! Health of the portfolio: scores, bands and money at risk.

use super::additive::{additive, from_trillionths, trillionths};
use super::exposed::{Exposed, Exposure, Spread};
use super::{Figure, Kpi, Kpis, Number};
use crate::engine::Share;
use crate::score::Band;

/// Sums over accounts as they were last scored.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    scored: u64,
    score_trillionths: i128,
    with_risk: u64,
    mrr_at_risk_trillionths: i128,
    /// In the order of [`Band::ALL`].
    bands: [InBand; Band::ALL.len()],
}

#[derive(Clone, Copy, Debug, Default)]
struct InBand {
    accounts: u64,
    mrr: i128,
}

impl Health {
    /// What one account adds; one that was never scored is in band `unknown`.
    pub fn of(share: Option<&Share>, mrr: i64) -> Self {
        let mut sums = Self::default();
        let band = share.map_or(Band::Unknown, |share| share.band);
        if let Some(place) = sums.bands.get_mut(band as usize) {
            *place = InBand { accounts: 1, mrr: mrr.into() };
        }
        // A churned account keeps its last score and risk; neither describes today.
        let share = share.filter(|_| band != Band::Churned);
        if let Some(score) = share.and_then(|share| share.health) {
            sums.scored = 1;
            sums.score_trillionths = trillionths(score);
        }
        if let Some(risk) = share.and_then(|share| share.risk) {
            sums.with_risk = 1;
            sums.mrr_at_risk_trillionths = trillionths(risk.probability * mrr as f64);
        }
        sums
    }

    /// Sets the KPIs of health; bands without an account are left out, and so is MRR at risk where no account has a risk.
    pub fn write(&self, out: &mut Kpis) {
        out.ratio(Kpi::HealthMean, from_trillionths(self.score_trillionths), self.scored);
        let bands = || Band::ALL.iter().zip(self.bands).filter(|(_, sums)| sums.accounts > 0);
        let table = |of: fn(InBand) -> Number| Figure::table(bands().map(|(band, sums)| (band.name().to_owned(), of(sums))).collect());
        out.set(Kpi::AccountsByBand, table(|sums| sums.accounts.into()));
        out.set(Kpi::MrrByBand, table(|sums| sums.mrr.into()));
        if self.with_risk > 0 {
            out.count(Kpi::MrrAtRisk, from_trillionths(self.mrr_at_risk_trillionths));
        }
    }
}

impl Health {
    /// Hands over the sums, money in minor units.
    pub fn expose(&self, out: &mut Exposure<'_>) {
        let scores = Spread::new(self.scored, from_trillionths(self.score_trillionths), std::iter::empty());
        out.spread(Exposed::Health, &[], scores);
        for (band, sums) in Band::ALL.iter().zip(self.bands) {
            out.number(Exposed::AccountsByBand, &[band.name()], sums.accounts as f64);
            out.number(Exposed::MrrByBand, &[band.name()], sums.mrr as f64);
        }
        if self.with_risk > 0 {
            out.number(Exposed::MrrAtRisk, &[], from_trillionths(self.mrr_at_risk_trillionths));
        }
    }
}

additive!(Health { scored, score_trillionths, with_risk, mrr_at_risk_trillionths, bands });

additive!(InBand { accounts, mrr });
