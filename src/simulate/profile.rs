//! Who an account is, and its profile event.

use serde::Serialize;

use super::kind::Kind;
use super::options::Options;
use super::random::{Random, whole};
use crate::time::{DAY_MS, Timestamp};

/// The features of the simulated product, most popular first.
pub const FEATURES: [&str; 24] = [
    "dashboard_viewed",
    "search_run",
    "report_created",
    "comment_added",
    "file_uploaded",
    "report_exported",
    "invite_sent",
    "alert_created",
    "workflow_run",
    "api_called",
    "import_started",
    "template_used",
    "board_shared",
    "filter_saved",
    "integration_connected",
    "tag_edited",
    "schedule_created",
    "audit_log_viewed",
    "bulk_edit_run",
    "webhook_created",
    "role_changed",
    "sandbox_opened",
    "forecast_run",
    "sso_configured",
];

/// Length of a trial.
pub const TRIAL_DAYS: i64 = 14;

const NAMES: [&str; 16] = [
    "Alder", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Gale", "Harbour", "Indigo", "Juniper", "Kestrel", "Larch", "Meadow", "Nimbus",
    "Orchard", "Pine",
];
const TRADES: [&str; 12] =
    ["Analytics", "Books", "Clinics", "Foods", "Freight", "Insurance", "Labs", "Media", "Robotics", "Schools", "Studios", "Travel"];
const CSMS: [&str; 6] = ["dana", "eli", "femi", "grace", "hugo", "ines"];

/// A segment and its typical values.
#[derive(Clone, Copy, Debug)]
struct Segment {
    name: &'static str,
    seats: (i64, i64),
    plans: [Plan; 2],
}

/// A plan: its price per seat and month, and its features.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Name.
    pub name: &'static str,
    /// Price of one seat for one month, minor units.
    pub seat_price: i64,
    /// Number of features included, most popular first.
    pub features: usize,
}

const STARTER: Plan = Plan { name: "starter", seat_price: 1_900, features: 10 };
const TEAM: Plan = Plan { name: "team", seat_price: 3_900, features: 15 };
const BUSINESS: Plan = Plan { name: "business", seat_price: 5_900, features: 20 };
const ENTERPRISE: Plan = Plan { name: "enterprise", seat_price: 8_900, features: 24 };

const SMB: Segment = Segment { name: "smb", seats: (3, 20), plans: [STARTER, TEAM] };
const MID_MARKET: Segment = Segment { name: "mid-market", seats: (20, 80), plans: [TEAM, BUSINESS] };
const LARGE: Segment = Segment { name: "enterprise", seats: (80, 250), plans: [BUSINESS, ENTERPRISE] };

/// The constant facts of an account.
#[derive(Clone, Debug)]
pub struct Traits {
    /// Account id and record key.
    pub account_id: String,
    /// Its plan.
    pub plan: Plan,
    /// Seats now.
    pub seats: u32,
    /// Number of users at usage level 1, an ordinary day.
    pub users: f64,
    /// Start of tenure.
    pub signed_up_at: Timestamp,
    /// UTC offset of its working day, hours.
    pub utc_offset_hours: i64,
    /// Whether it is won during the run.
    pub is_new: bool,
    /// When it begins to pay; the start of the run if it has been a customer before.
    pub paid_from: Timestamp,
    /// Whether the product does not quite fit it.
    pub poor_fit: bool,
    name: String,
    segment: &'static str,
    csm: &'static str,
    region: &'static str,
    referred: bool,
    onboarding_days: i64,
}

impl Traits {
    /// Draws an account.
    pub fn draw(index: u32, kind: Kind, options: &Options, random: &mut Random) -> Self {
        let segment = random.pick(&[SMB, SMB, SMB, SMB, SMB, SMB, SMB, MID_MARKET, MID_MARKET, LARGE]);
        let (least, most) = segment.seats;
        let seats = u32::try_from(random.between(least, most)).unwrap_or(1);
        let (region, utc_offset_hours) = random.pick(&[("us", -6), ("us", -8), ("eu", 1), ("eu", 2), ("apac", 8)]);
        let is_new = kind == Kind::Trial || (kind == Kind::Growing && random.chance(0.2));
        let first_days = if is_new { -random.between(DAY_MS, DAY_MS * i64::from(options.story_days.max(2) / 2)) } else { 0 };
        let tenure = if is_new { first_days } else { random.between(120 * DAY_MS, 1_100 * DAY_MS) };
        let signed_up_at = options.start.plus(-tenure);
        let trial_days = if kind == Kind::Trial { TRIAL_DAYS } else { 0 };
        let poor_fit = random.chance(kind.poor_fit());
        let used = if poor_fit { 0.45 + 0.3 * random.unit() } else { 0.75 + 0.25 * random.unit() };
        Self {
            account_id: format!("acct-{index:06}"),
            plan: random.pick(&segment.plans),
            seats,
            users: f64::from(seats) * used,
            signed_up_at,
            paid_from: signed_up_at.max(options.start).plus(trial_days * DAY_MS),
            poor_fit,
            utc_offset_hours,
            is_new,
            name: format!("{} {} {index}", random.pick(&NAMES), random.pick(&TRADES)),
            segment: segment.name,
            csm: random.pick(&CSMS),
            region,
            referred: random.chance(0.15),
            onboarding_days: random.between(7, 60),
        }
    }

    /// Number of users at a usage level: follows the level, and never exceeds the seats by much.
    pub fn users_at(&self, level: f64) -> u32 {
        whole((self.users * level.max(0.3)).min(f64::from(self.seats) * 1.05)).max(1)
    }

    /// The features included in its plan.
    pub fn entitled(&self) -> &'static [&'static str] {
        FEATURES.get(..self.plan.features).unwrap_or(&FEATURES)
    }

    /// When onboarding was finished, if it has been.
    fn onboarded_at(&self, at: Timestamp) -> Option<Timestamp> {
        let done = self.signed_up_at.plus(self.onboarding_days * DAY_MS);
        (done <= at).then_some(done)
    }

    /// When the profile must be written again because onboarding ends.
    pub fn onboarding_ends(&self) -> Timestamp {
        self.signed_up_at.plus(self.onboarding_days * DAY_MS + 1)
    }

    /// The fields of the profile event.
    pub fn body(&self, at: Timestamp) -> Body<'_> {
        Body {
            name: &self.name,
            segment: self.segment,
            plan: self.plan.name,
            csm: self.csm,
            region: self.region,
            seats: self.seats,
            signed_up_at: self.signed_up_at,
            onboarded_at: self.onboarded_at(at).map(|done| done.to_string()),
            entitled_features: self.entitled(),
            referred_by: self.referred.then_some("partner-programme"),
        }
    }
}

/// The fields of `account_profile`.
#[derive(Serialize)]
pub struct Body<'a> {
    name: &'a str,
    segment: &'static str,
    plan: &'static str,
    csm: &'static str,
    region: &'static str,
    seats: u32,
    #[serde(serialize_with = "crate::time::rfc3339")]
    signed_up_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    onboarded_at: Option<String>,
    entitled_features: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    referred_by: Option<&'static str>,
}
