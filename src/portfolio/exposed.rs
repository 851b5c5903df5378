//! The sums as exposed to Prometheus: numerators and denominators, which can be added across instances.

use super::{CostTotals, Scope, Sums};
use crate::event::Stream;
use crate::settings::Settings;

/// The unit of a metric family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// As the name says.
    Plain,
    /// Minor units of the reporting currency.
    Money,
    /// A histogram.
    Distribution,
}

macro_rules! exposed {
    ($($variant:ident $name:literal $unit:ident [$($label:literal)*] [$($stream:ident)*] $help:literal;)*) => {
        /// A metric family.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Exposed { $(#[doc = $help] $variant,)* }

        impl Exposed {
            /// Every family.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in Prometheus, without prefix.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => concat!("churnwatch_portfolio_", $name),)* }
            }

            /// The unit.
            #[must_use]
            pub const fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)* }
            }

            /// Labels in addition to the scope.
            #[must_use]
            pub const fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($label,)*],)* }
            }

            /// Absent unless all of these streams are configured.
            const fn streams(self) -> &'static [Stream] {
                match self { $(Self::$variant => &[$(Stream::$stream,)*],)* }
            }

            /// The help text.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

exposed! {
    Accounts "accounts" Plain [] [] "Accounts that were scored.";
    Mrr "mrr" Money [] [Billing] "Monthly recurring revenue.";
    MrrAtStart "mrr_at_start" Money [] [Billing] "Monthly recurring revenue 28 days ago.";
    MrrKept "mrr_kept" Money [] [Billing] "Monthly recurring revenue of the accounts that paid 28 days ago.";
    MrrKeptAtMost "mrr_kept_without_growth" Money [] [Billing] "The same, counting no account above its revenue of 28 days ago.";
    MrrMovements "mrr_movements" Money ["kind"] [Billing] "Movements of monthly recurring revenue in 28 days; fx is signed.";
    PayingAccounts "paying_accounts" Plain [] [Billing] "Accounts that pay.";
    PayingAccountsAtStart "paying_accounts_at_start" Plain [] [Billing] "Accounts that paid 28 days ago.";
    HeldAccounts "held_accounts" Plain [] [Billing] "Accounts that paid 28 days ago and still pay.";
    NewAccounts "new_accounts" Plain [] [Billing] "Accounts won in 28 days.";
    ReferredAccounts "referred_accounts" Plain [] [Accounts Billing] "Accounts won in 28 days that were referred.";
    LostAccounts "lost_accounts" Plain ["kind"] [Billing] "Accounts that paid 28 days ago and no longer pay, voluntary or involuntary.";
    ChurnedMrr "churned_mrr" Money ["kind"] [Billing] "MRR churned in 28 days, voluntary or involuntary.";
    LostAfterSupport "lost_accounts_after_ticket" Plain [] [Billing Support] "Lost accounts with a ticket in the 28 days before their loss.";
    ChurnReasons "lost_accounts_by_reason" Plain ["reason"] [Billing] "Lost accounts by the latest reason given.";
    LifetimeValue "lifetime_value" Money [] [Billing] "Sum of all paid invoices.";
    AccountsWithPaidInvoice "accounts_with_paid_invoice" Plain [] [Billing] "Accounts that ever paid an invoice.";
    Costs "costs" Money ["category"] [Billing] "Costs in 28 days: acquisition or retention.";
    TermsEnded "terms_ended" Plain ["term"] [Billing] "Terms of paying accounts that ended in 28 days; long means 180 days or more.";
    TermsRenewed "terms_renewed" Plain ["term"] [Billing] "Ended terms that were renewed.";
    TrialsEnded "trials_ended" Plain [] [Billing] "Trials that ended or converted in 28 days.";
    TrialsConverted "trials_converted" Plain [] [Billing] "Ended trials that converted.";
    Users "active_users" Plain ["window"] [Usage] "Users active in 1, 7 or 28 days.";
    FeatureUses "feature_uses" Plain [] [Usage] "Feature uses in 28 days.";
    AccountDates "account_dates" Plain [] [Usage] "Accounts times 28 dates: the denominator of usage rates.";
    ActiveDates "active_dates" Plain [] [Usage] "Active dates out of 28, summed over accounts.";
    Sessions "sessions" Plain [] [Usage] "Sessions that ended in 28 days.";
    SessionSeconds "session_duration_seconds" Plain [] [Usage] "Total length of those sessions.";
    Adoption "adoption_ratio" Distribution [] [Usage] "Share of entitled features used in 28 days.";
    Breadth "seat_utilisation_ratio" Distribution [] [Usage] "Users active in 28 days per seat.";
    Depth "features_used" Distribution [] [Usage] "Number of features used in 28 days.";
    FeatureAdopters "feature_adopters" Plain ["feature"] [Usage] "Accounts that used a feature of the catalogue in 28 days.";
    Health "health_score" Distribution [] [] "Health scores, 0 to 100.";
    AccountsByBand "accounts_by_band" Plain ["band"] [] "Accounts in each band.";
    MrrByBand "mrr_by_band" Money ["band"] [Billing] "Monthly recurring revenue in each band.";
    MrrAtRisk "mrr_at_risk" Money [] [Billing] "Sum of monthly recurring revenue x churn risk.";
    NpsAnswers "nps_answers" Plain ["class"] [Feedback] "NPS answers in 28 days by class.";
    NpsAnswersBefore "nps_answers_before" Plain ["class"] [Feedback] "NPS answers in the previous 28 days by class.";
    Ratings "satisfaction_ratings" Plain ["class"] [] "CSAT answers and ticket ratings in 28 days by class.";
    Effort "effort_ratio" Distribution [] [Feedback] "CES answers in 28 days, 0 to 1.";
    SurveyAnswers "survey_answers" Plain ["kind"] [Feedback] "Survey answers in 28 days by kind.";
    SurveysSent "surveys_sent" Plain ["kind"] [Feedback] "Surveys sent in 28 days by kind.";
    ThemeAnswers "theme_answers" Plain ["theme" "kind" "class"] [Feedback] "Answers in 28 days with a theme, by kind of survey and class: positive, neutral or negative.";
    Referrals "referrals" Plain [] [Feedback] "Referrals made in 28 days.";
    Advocacy "advocacy_acts" Plain ["kind"] [Feedback] "Acts of advocacy in 28 days by kind.";
    Onboarded "onboarded_accounts" Plain [] [Accounts] "Accounts that finished onboarding in 28 days.";
    Tickets "tickets" Plain ["state" "priority"] [Support] "Tickets opened or first resolved in 28 days, and open ones, by priority.";
    ProductTickets "product_tickets" Plain ["state" "product"] [Support] "The same by product.";
    CategoryTickets "category_tickets" Plain ["state" "category"] [Support] "The same by category.";
    ChannelTickets "channel_tickets" Plain ["state" "channel"] [Support] "The same by channel.";
    Reopened "reopened_tickets" Plain [] [Support] "Tickets first resolved in 28 days and reopened since.";
    FirstContactKnown "first_contact_tickets" Plain [] [Support] "Tickets for which it is known whether the first contact resolved them.";
    FirstContactResolved "first_contact_resolved_tickets" Plain [] [Support] "Tickets resolved by the first contact.";
    Resolution "resolution_seconds" Distribution ["priority"] [Support] "Time to first resolution, for tickets resolved in 28 days.";
    AgentResolution "agent_resolution_seconds" Distribution ["priority"] [Support] "The same, excluding time pending or on hold.";
    FirstReply "first_reply_seconds" Distribution ["priority"] [Support] "Time to the first public agent reply in 28 days.";
    BusinessResolution "business_resolution_seconds" Distribution ["priority"] [Support] "Business hours to first resolution in 28 days; absent unless business hours are configured.";
    BusinessFirstReply "business_first_reply_seconds" Distribution ["priority"] [Support] "Business hours to the first public agent reply in 28 days; absent unless business hours are configured.";
}

/// A histogram with cumulative buckets.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Number of values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Cumulative counts by bound.
    pub up_to: Vec<(f64, u64)>,
}

impl Spread {
    pub(super) fn new(count: u64, sum: f64, bounded: impl Iterator<Item = (f64, u64)>) -> Self {
        Self { count, sum, up_to: bounded.collect() }
    }

    /// Without its buckets.
    fn unbounded(mut self) -> Self {
        self.up_to.clear();
        self
    }
}

/// Receives the exposed sums of one scope.
pub trait Sink {
    /// A number with its label values.
    fn number(&mut self, family: Exposed, labels: &[&str], value: f64);

    /// A histogram with its label values.
    fn spread(&mut self, family: Exposed, labels: &[&str], spread: Spread);
}

/// Filters the sums of one scope on their way to the sink.
pub(super) struct Exposure<'a> {
    pub settings: &'a Settings,
    /// Whether the scope is all accounts. Other scopes get no buckets and no labels from user data, to limit series.
    pub whole: bool,
    pub sink: &'a mut dyn Sink,
}

impl Exposure<'_> {
    /// A number with its label values.
    pub fn number(&mut self, family: Exposed, labels: &[&str], value: f64) {
        if self.is_there(family) {
            self.sink.number(family, labels, value);
        }
    }

    /// A count without labels.
    pub fn count(&mut self, family: Exposed, count: u64) {
        self.number(family, &[], count as f64);
    }

    /// A histogram with its label values.
    pub fn spread(&mut self, family: Exposed, labels: &[&str], spread: Spread) {
        if self.is_there(family) {
            self.sink.spread(family, labels, if self.whole { spread } else { spread.unbounded() });
        }
    }

    fn is_there(&self, family: Exposed) -> bool {
        let configured = |stream: &Stream| *self.settings.configured.of(*stream);
        family.streams().iter().all(configured)
    }
}

impl Sums {
    /// Exposes all sums of a scope, with its costs.
    pub fn expose(&self, scope: &Scope, costs: Option<CostTotals>, settings: &Settings, sink: &mut dyn Sink) {
        let mut out = Exposure { settings, whole: *scope == Scope::All, sink };
        out.count(Exposed::Accounts, self.accounts);
        out.count(Exposed::Onboarded, self.onboarded);
        out.count(Exposed::ReferredAccounts, self.referred);
        self.money.expose(costs, &mut out);
        self.usage.expose(self.accounts, &mut out);
        self.health.expose(&mut out);
        self.feedback.expose(self.support.ratings(), &mut out);
        self.support.expose(&mut out);
    }
}
