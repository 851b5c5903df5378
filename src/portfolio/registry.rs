//! Every KPI in one table: its name (a public contract), the streams it requires, and a description.

use crate::event::Stream;

macro_rules! kpis {
    ($($variant:ident $name:literal [$($stream:ident)*] $doc:literal;)*) => {
        /// A KPI of the portfolio.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kpi { $(#[doc = $doc] $variant,)* }

        impl Kpi {
            /// Every KPI, in the order of outputs.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in outputs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Absent unless all of these streams are configured.
            #[must_use]
            pub const fn streams(self) -> &'static [Stream] {
                match self { $(Self::$variant => &[$(Stream::$stream,)*],)* }
            }

            /// A one-line description.
            #[must_use]
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

kpis! {
    Mrr "mrr" [Billing] "monthly recurring revenue";
    Arr "arr" [Billing] "annual recurring revenue, 12 x MRR";
    OpeningMrr "opening_mrr" [Billing] "MRR of old customers seen for the first time";
    NewMrr "new_mrr" [Billing] "first MRR of accounts";
    ExpansionMrr "expansion_mrr" [Billing] "MRR that accounts added";
    ContractionMrr "contraction_mrr" [Billing] "MRR that accounts gave up while they kept paying";
    ChurnedMrr "churned_mrr" [Billing] "MRR of accounts that stopped paying";
    ReactivationMrr "reactivation_mrr" [Billing] "MRR of accounts that pay again";
    FxMrr "fx_mrr" [Billing] "MRR moved by exchange rates, with its sign";
    ExpansionRate "expansion_rate" [Billing] "expansion / MRR at start";
    ExpansionShare "expansion_share" [Billing] "expansion / (expansion + new)";
    Nrr "nrr" [Billing] "net revenue retention: MRR at end of the accounts present at start / their MRR at start";
    Grr "grr" [Billing] "gross revenue retention: the same without growth";
    PortfolioGrowth "portfolio_growth" [Billing] "expansion + reactivation - contraction - churn";
    PortfolioGrowthRate "portfolio_growth_rate" [Billing] "portfolio growth / MRR at start";
    Arpa "arpa" [Billing] "MRR / paying accounts";
    Arpu "arpu" [Billing Usage] "MRR / users active in 28 d";
    NewAccounts "new_accounts" [Billing] "accounts won";
    LostAccounts "lost_accounts" [Billing] "accounts that paid at start and do not at end";
    AccountsPresent "accounts_present" [Billing] "paying accounts";
    LogoChurnMonthly "logo_churn_monthly" [Billing] "lost / present at start, over a month";
    LogoChurnYearly "logo_churn_yearly" [Billing] "lost / present at start, over a year";
    MeanLifespanMonths "mean_lifespan_months" [Billing] "1 / monthly logo churn";
    RetentionRate "retention_rate" [Billing] "accounts that paid at start and end / present at start";
    Clv "clv" [Billing] "customer lifetime value: ARPA x mean lifespan";
    ClvHistoric "clv_historic" [Billing] "paid invoices / accounts with a paid invoice";
    ClvNet "clv_net" [Billing] "CLV less acquisition and retention cost of an account";
    ClvToCac "clv_to_cac" [Billing] "CLV / acquisition cost of an account";
    Cac "cac" [Billing] "acquisition costs / accounts won";
    RetentionCost "retention_cost" [Billing] "retention costs / accounts held";
    RenewalRate "renewal_rate" [Billing] "renewed / ended terms of at least 180 d";
    RenewalRateShort "renewal_rate_short" [Billing] "renewed / ended terms of less than 180 d";
    TrialConversion "trial_conversion" [Billing] "converted / trials that ended or converted";
    Dau "dau" [Usage] "users active in 24 h";
    Wau "wau" [Usage] "users active in 7 d";
    Mau "mau" [Usage] "users active in 28 d";
    DauMau "dau_mau" [Usage] "DAU / MAU";
    UsageRate "usage_rate" [Usage] "feature uses for each account and day";
    UsageFrequency "usage_frequency" [Usage] "active days of an account";
    SessionSeconds "session_seconds" [Usage] "mean length of a session";
    Adoption "adoption" [Usage] "mean share of the entitled features used in 28 d";
    Breadth "breadth" [Usage] "mean seat utilisation";
    Depth "depth" [Usage] "mean number of features used in 28 d";
    FeatureAdopters "feature_adopters" [Usage] "accounts that used each feature";
    HealthMean "health_mean" [] "mean health score";
    AccountsByBand "accounts_by_band" [] "accounts in each band";
    MrrByBand "mrr_by_band" [Billing] "MRR in each band";
    MrrAtRisk "mrr_at_risk" [Billing] "sum of MRR x churn risk";
    Nps "nps" [Feedback] "net promoter score, -100 to 100";
    NpsTrend "nps_trend" [Feedback] "net promoter score less that of the period before";
    Csat "csat" [] "satisfied / rated, ticket ratings and answers together";
    CsatHighlySatisfied "csat_highly_satisfied" [] "highly satisfied / rated";
    CsatDissatisfied "csat_dissatisfied" [] "dissatisfied / rated";
    Ces "ces" [Feedback] "mean customer effort answer, 0 to 1";
    SurveyResponseRate "survey_response_rate" [Feedback] "answers / surveys sent";
    FeedbackThemes "feedback_themes" [Feedback] "answers by the theme that they name, with how many are positive and negative";
    TicketsOpened "tickets_opened" [Support] "tickets opened";
    TicketsResolved "tickets_resolved" [Support] "tickets resolved for the first time";
    TicketsOpen "tickets_open" [Support] "tickets open at the end";
    ResolutionHoursP50 "resolution_hours_p50" [Support] "median time to the first resolution";
    ResolutionHoursMean "resolution_hours_mean" [Support] "mean time to the first resolution";
    ResolutionHoursP90 "resolution_hours_p90" [Support] "90th percentile of the time to the first resolution";
    ResolutionHoursAgentP50 "resolution_hours_agent_p50" [Support] "median time to the first resolution less the time spent waiting";
    FirstReplyMinutesP50 "first_reply_minutes_p50" [Support] "median time to the first public agent reply";
    ResolutionBusinessHoursP50 "resolution_business_hours_p50" [Support] "median business hours to the first resolution";
    FirstReplyBusinessMinutesP50 "first_reply_business_minutes_p50" [Support] "median business minutes to the first public agent reply";
    ReopenRate "reopen_rate" [Support] "reopened / resolved";
    Fcr "fcr" [Support] "first-contact resolution";
    FcrSimple "fcr_simple" [Support] "tickets resolved and not reopened / tickets opened";
    Onboarded "onboarded" [Accounts] "accounts that finished onboarding";
    Referrals "referrals" [Feedback] "referrals made";
    ReferredAccounts "referred_accounts" [Accounts Billing] "accounts won that were referred";
    Advocacy "advocacy" [Feedback] "acts of advocacy";
    ChurnReasons "churn_reasons" [Billing] "lost accounts by their newest given reason";
    ChurnedAfterSupport "churned_after_support" [Billing Support] "lost accounts with a ticket in the 28 days before / lost accounts";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_in_snake_case() {
        let names: BTreeSet<&str> = Kpi::ALL.iter().map(|kpi| kpi.name()).collect();
        assert_eq!(names.len(), Kpi::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit())));
    }
}
