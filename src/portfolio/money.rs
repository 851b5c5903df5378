//! Revenue: MRR and its movements; accounts won, held and lost; renewals and trials; customer lifetime value.

use super::additive::{Ratio, Sign, additive};
use super::exposed::{Exposed, Exposure};
use super::tally::Tally;
use super::{CostTotals, Figure, Kpi, Kpis, Number, Period, Split};
use crate::account::Account;
use crate::account::billing::{Ledger, LossKind, Movement, Terms};
use crate::metric::MovementKind;

const MONTHS: f64 = 12.0;
const YEAR_DAYS: f64 = 365.0;
/// A ticket within this many days before a loss counts as related to it.
const SUPPORT_DAYS: i64 = 28;
/// The reason of a loss without one.
const UNSPECIFIED: &str = "unspecified";

/// Sums of money in minor units of the reporting currency, and of accounts.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Money {
    mrr: i128,
    mrr_at_start: i128,
    /// Accounts paying at the start: their MRR at the end, and the lesser of start and end.
    kept_mrr: i128,
    least_mrr: i128,
    movements: [Movements; MovementKind::ALL.len()],
    /// Churned MRR after a failed payment.
    involuntary_churn: i128,
    present: u64,
    present_at_start: u64,
    held: u64,
    /// Accounts lost after a failed payment.
    involuntarily_lost: u64,
    lifetime_value: i128,
    paid_accounts: u64,
    renewals: Ratio,
    short_renewals: Ratio,
    trials: Ratio,
    #[serde(skip)]
    pub churn_reasons: Tally<u64>,
    lost_after_support: u64,
}

#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Movements {
    count: u64,
    sum: i128,
}

impl Money {
    /// The contribution of one account.
    pub fn of(account: &Account, ledger: &Ledger<'_>, period: &Period) -> Self {
        let (start, end) = (ledger.mrr_at(period.from), ledger.mrr_at(period.to));
        let (present_at_start, present) = (start > 0, end > 0);
        let kept = if present_at_start { end } else { 0 };
        let (_, paid) = ledger.invoices(period.to);
        let renewals = ledger.renewals(period.from, period.to);
        let trials = ledger.trials(period.from, period.to);
        let mut sums = Self {
            mrr: end.into(),
            mrr_at_start: start.into(),
            kept_mrr: kept.into(),
            least_mrr: kept.min(start).into(),
            present: u64::from(present),
            present_at_start: u64::from(present_at_start),
            held: u64::from(present_at_start && present),
            lifetime_value: paid.sum.into(),
            paid_accounts: u64::from(paid.count > 0),
            renewals: renewed(renewals.long),
            short_renewals: renewed(renewals.short),
            trials: Ratio { some: trials.converted, all: trials.ended },
            ..Self::default()
        };
        ledger.movements(period.from, period.to).for_each(|movement| sums.moved(movement, ledger));
        if present_at_start && !present {
            sums.lose(account, ledger, period);
        }
        sums
    }

    fn moved(&mut self, movement: Movement, ledger: &Ledger<'_>) {
        let amount = i128::from(movement.amount);
        if let Some(own) = self.movements.get_mut(movement.kind as usize) {
            own.count += 1;
            own.sum += amount;
        }
        if movement.kind == MovementKind::Churn && ledger.loss_kind(movement.at) == LossKind::Involuntary {
            self.involuntary_churn += amount;
        }
    }

    fn lose(&mut self, account: &Account, ledger: &Ledger<'_>, period: &Period) {
        self.churn_reasons.change(ledger.newest_reason(period.to).unwrap_or(UNSPECIFIED), Sign::Plus, |lost| *lost += 1);
        let Some(loss) = ledger.last_loss(period.to) else { return };
        let had_ticket = account.support().had_ticket_in(loss.minus_days(SUPPORT_DAYS), loss, period.to);
        self.lost_after_support += u64::from(had_ticket);
        self.involuntarily_lost += u64::from(ledger.loss_kind(loss) == LossKind::Involuntary);
    }

    /// Number of accounts won.
    pub fn won(&self) -> u64 {
        self.movements(MovementKind::New).count
    }

    const fn lost(&self) -> u64 {
        self.present_at_start - self.held
    }

    /// Lost accounts by [`LossKind::ALL`].
    const fn lost_by_kind(&self) -> [u64; 2] {
        [self.lost() - self.involuntarily_lost, self.involuntarily_lost]
    }

    /// Churned MRR by [`LossKind::ALL`].
    fn churned_by_kind(&self) -> [i128; 2] {
        [self.movements(MovementKind::Churn).sum - self.involuntary_churn, self.involuntary_churn]
    }

    fn movements(&self, kind: MovementKind) -> Movements {
        self.movements.get(kind as usize).copied().unwrap_or_default()
    }

    /// Sets the revenue KPIs.
    pub fn write(&self, costs: Option<CostTotals>, period: &Period, labels: usize, out: &mut Kpis) {
        self.write_mrr(out);
        self.write_accounts(period, out);
        self.write_value(costs, out);
        out.ratio(Kpi::RenewalRate, self.renewals.some, self.renewals.all);
        out.ratio(Kpi::RenewalRateShort, self.short_renewals.some, self.short_renewals.all);
        out.ratio(Kpi::TrialConversion, self.trials.some, self.trials.all);
        let reasons = self.churn_reasons.labelled(labels).into_iter().map(|(reason, lost)| (reason, Number::from(lost)));
        out.set(Kpi::ChurnReasons, Figure::table(reasons.collect()));
        out.ratio(Kpi::ChurnedAfterSupport, self.lost_after_support, self.lost());
    }

    fn write_mrr(&self, out: &mut Kpis) {
        let sum = |kind| self.movements(kind).sum;
        let (new, expansion) = (sum(MovementKind::New), sum(MovementKind::Expansion));
        out.count(Kpi::Mrr, self.mrr);
        out.count(Kpi::Arr, 12 * self.mrr);
        out.count(Kpi::OpeningMrr, sum(MovementKind::Opening));
        out.count(Kpi::NewMrr, new);
        out.count(Kpi::ExpansionMrr, expansion);
        out.count(Kpi::ContractionMrr, sum(MovementKind::Contraction));
        out.set(Kpi::ChurnedMrr, by_loss_kind(sum(MovementKind::Churn), self.churned_by_kind()));
        out.count(Kpi::ReactivationMrr, sum(MovementKind::Reactivation));
        out.count(Kpi::FxMrr, sum(MovementKind::Fx));
        out.ratio(Kpi::ExpansionRate, expansion, self.mrr_at_start);
        out.ratio(Kpi::ExpansionShare, expansion, expansion + new);
        out.ratio(Kpi::Nrr, self.kept_mrr, self.mrr_at_start);
        out.ratio(Kpi::Grr, self.least_mrr, self.mrr_at_start);
        let growth = expansion + sum(MovementKind::Reactivation) - sum(MovementKind::Contraction) - sum(MovementKind::Churn);
        out.count(Kpi::PortfolioGrowth, growth);
        out.ratio(Kpi::PortfolioGrowthRate, growth, self.mrr_at_start);
        out.ratio(Kpi::Arpa, self.mrr, self.present);
    }

    /// MRR / active users.
    pub fn write_arpu(&self, users: u64, out: &mut Kpis) {
        out.ratio(Kpi::Arpu, self.mrr, users);
    }

    fn write_accounts(&self, period: &Period, out: &mut Kpis) {
        out.count(Kpi::NewAccounts, self.won());
        out.set(Kpi::LostAccounts, by_loss_kind(self.lost(), self.lost_by_kind()));
        out.count(Kpi::AccountsPresent, self.present);
        out.ratio(Kpi::RetentionRate, self.held, self.present_at_start);
        let Some(churn) = Figure::ratio(self.lost(), self.present_at_start) else { return };
        let share = churn.real().unwrap_or_default();
        let over = |days: f64| 1.0 - (1.0 - share).powf(days / f64::from(period.days()));
        let monthly = if period.is_month { share } else { over(YEAR_DAYS / MONTHS) };
        out.set(Kpi::LogoChurnYearly, churn.clone().with_value(over(YEAR_DAYS)));
        out.set(Kpi::LogoChurnMonthly, churn.with_value(monthly));
        if self.lost() > 0 {
            out.count(Kpi::MeanLifespanMonths, 1.0 / monthly);
        }
    }

    /// Lifetime value, and acquisition and retention cost per account.
    fn write_value(&self, costs: Option<CostTotals>, out: &mut Kpis) {
        if let Some(costs) = costs {
            out.ratio(Kpi::Cac, costs.acquisition, self.won());
            out.ratio(Kpi::RetentionCost, costs.retention, self.held);
        }
        out.ratio(Kpi::ClvHistoric, self.lifetime_value, self.paid_accounts);
        let (Some(arpa), Some(lifespan)) = (out.real(Kpi::Arpa), out.real(Kpi::MeanLifespanMonths)) else { return };
        let clv = arpa * lifespan;
        out.count(Kpi::Clv, clv);
        let Some(cac) = out.real(Kpi::Cac) else { return };
        out.ratio(Kpi::ClvToCac, clv, cac);
        if let Some(retention_cost) = out.real(Kpi::RetentionCost) {
            out.count(Kpi::ClvNet, clv - cac - retention_cost);
        }
    }
}

impl Money {
    /// Exposes the sums, money in minor units.
    pub fn expose(&self, costs: Option<CostTotals>, out: &mut Exposure<'_>) {
        for (family, minor) in [
            (Exposed::Mrr, self.mrr),
            (Exposed::MrrAtStart, self.mrr_at_start),
            (Exposed::MrrKept, self.kept_mrr),
            (Exposed::MrrKeptAtMost, self.least_mrr),
            (Exposed::LifetimeValue, self.lifetime_value),
        ] {
            out.number(family, &[], minor as f64);
        }
        for (family, count) in [
            (Exposed::PayingAccounts, self.present),
            (Exposed::PayingAccountsAtStart, self.present_at_start),
            (Exposed::HeldAccounts, self.held),
            (Exposed::NewAccounts, self.won()),
            (Exposed::LostAfterSupport, self.lost_after_support),
            (Exposed::AccountsWithPaidInvoice, self.paid_accounts),
            (Exposed::TrialsEnded, self.trials.all),
            (Exposed::TrialsConverted, self.trials.some),
        ] {
            out.count(family, count);
        }
        self.expose_labelled(costs, out);
    }

    fn expose_labelled(&self, costs: Option<CostTotals>, out: &mut Exposure<'_>) {
        for kind in MovementKind::ALL {
            out.number(Exposed::MrrMovements, &[kind.name()], self.movements(kind).sum as f64);
        }
        for ((kind, lost), churned) in LossKind::ALL.into_iter().zip(self.lost_by_kind()).zip(self.churned_by_kind()) {
            out.number(Exposed::LostAccounts, &[kind.name()], lost as f64);
            out.number(Exposed::ChurnedMrr, &[kind.name()], churned as f64);
        }
        for (term, renewals) in [("long", self.renewals), ("short", self.short_renewals)] {
            out.number(Exposed::TermsEnded, &[term], renewals.all as f64);
            out.number(Exposed::TermsRenewed, &[term], renewals.some as f64);
        }
        if let Some(costs) = costs {
            out.number(Exposed::Costs, &["acquisition"], costs.acquisition as f64);
            out.number(Exposed::Costs, &["retention"], costs.retention as f64);
        }
        if out.whole {
            for (reason, lost) in self.churn_reasons.labelled(out.settings.limits.label_values) {
                out.number(Exposed::ChurnReasons, &[&reason], lost as f64);
            }
        }
    }
}

/// A number broken down by kind of loss; both kinds are always present.
fn by_loss_kind<N: Into<Number>>(all: N, by_kind: [N; 2]) -> Figure {
    let rows = LossKind::ALL.into_iter().zip(by_kind).map(|(kind, part)| (kind.name().to_owned(), Figure::number(part)));
    Figure::number(all).split(Split::Kind, rows.collect())
}

const fn renewed(terms: Terms) -> Ratio {
    Ratio { some: terms.renewed, all: terms.ended }
}

additive!(Money {
    mrr,
    mrr_at_start,
    kept_mrr,
    least_mrr,
    movements,
    involuntary_churn,
    present,
    present_at_start,
    held,
    involuntarily_lost,
    lifetime_value,
    paid_accounts,
    renewals,
    short_renewals,
    trials,
    churn_reasons,
    lost_after_support
});

additive!(Movements { count, sum });
