//! The report: the held-out part of a history, judged.

use std::collections::{BTreeMap, BTreeSet};

use super::super::baselines::Baselines;
use super::super::fit::{Fit, Part};
use super::super::points::{Past, ScoredPoint};
use super::super::time_split::{Side, TimeSplit};
use super::components::ComponentAlone;
use super::curve;
use super::lead::LeadTime;
use super::leavers::{self, Leaver};
use super::part::Part as Size;
use super::predictor::Predictor;
use super::refusal::{self, TooLittle};
use super::section::{self, Held, Section};
use super::subject::Subject;
use crate::account::AccountKey;
use crate::time::Timestamp;

/// Segments with a section of their own, those with the most points first; the rest share one.
const MAX_SEGMENTS: usize = 50;

/// The curves of a predictor on the held-out part.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// The predictor.
    pub predictor: Predictor,
    /// See [`curve::roc`].
    pub roc: Vec<(f64, f64)>,
    /// See [`curve::lift`].
    pub lift: Vec<(f64, f64)>,
}

/// The report.
#[derive(Clone, Debug)]
pub struct Report {
    /// Name and hash of the model.
    pub model: (String, String),
    /// The borders of the bands: green and yellow.
    pub bands: (f64, f64),
    /// The first record and the end of the history.
    pub span: (Timestamp, Timestamp),
    /// How far ahead churn counts, days.
    pub horizon_days: u32,
    /// Whether the risk was fitted to the earlier part.
    pub is_fitted: bool,
    /// Instants at which accounts became points.
    pub instants: usize,
    /// Instants left out because their horizon ends after the history.
    pub beyond: usize,
    /// Points without a score.
    pub unscored: u64,
    /// Points whose horizon reaches into the held-out part.
    pub between: u64,
    /// Rows of labels that are not points: of unknown accounts, or after the end.
    pub unused_labels: Option<u64>,
    /// The earlier part.
    pub train: Size,
    /// The held-out part.
    pub test: Size,
    /// All accounts.
    pub all: Section,
    /// By segment, with the most points first.
    pub segments: Vec<Section>,
    /// What each component foretold on its own.
    pub components: Vec<ComponentAlone>,
    /// By predictor.
    pub curves: Vec<Curves>,
    /// Some accounts that left during the test, picked at random.
    pub leavers: Vec<Leaver>,
    /// What a reader must know before trusting the figures.
    pub warnings: Vec<String>,
}

impl Report {
    /// Judges a history.
    ///
    /// # Errors
    /// If there is nothing to judge by: no points, or only one outcome.
    pub fn of(past: &Past, subject: &Subject<'_>) -> Result<Self, TooLittle> {
        let split = split(past, subject);
        let sides = Sides::of(past, split, subject.fit);
        let test_begins = subject.fit.and_then(|fit| fit.split.test_begins()).unwrap_or(split.test_begins);
        let test = Size::of(sides.test.iter().map(|held| (held.account, held.point)));
        let train = Size::of(sides.train.iter().map(|held| (held.account, held.point)));
        refusal::refuse(past, &test, subject)?;
        let learned: Vec<&ScoredPoint> = sides.train.iter().map(|held| held.point).collect();
        let judged: Vec<&ScoredPoint> = sides.test.iter().map(|held| held.point).collect();
        let baselines = Baselines::learn(&learned, &judged);
        let predictors = Predictor::usable(&judged, &baselines);
        let lead_time =
            |belongs: &dyn Fn(&ScoredPoint) -> bool| LeadTime::of(past.accounts.values(), (test_begins, subject.span.1), belongs);
        let section = |segment, points: &[Held<'_>], belongs: &dyn Fn(&ScoredPoint) -> bool| {
            Section::of(segment, points, &predictors, &baselines, lead_time(belongs))
        };
        let all = section(None, &sides.test, &|_| true);
        let segments = by_segment(past, &sides.test)
            .into_iter()
            .map(|(name, places, points)| section(Some(name), &points, &|point: &ScoredPoint| places.contains(&point.segment)));
        let curves = predictors.iter().map(|predictor| {
            let points = section::ranked(&sides.test, predictor, &baselines);
            Curves { predictor: *predictor, roc: curve::roc(&points), lift: curve::lift(&points) }
        });
        let points = past.points().count();
        Ok(Self {
            model: (subject.model.name.clone(), subject.model.hash.clone()),
            bands: (subject.model.bands.green, subject.model.bands.yellow),
            span: subject.span,
            horizon_days: subject.horizon_days,
            is_fitted: subject.fit.is_some(),
            instants: subject.schedule.points().count(),
            beyond: subject.schedule.beyond,
            unscored: (points - sides.count()) as u64,
            between: sides.between,
            unused_labels: subject.label_rows.map(|rows| rows.saturating_sub(points) as u64),
            segments: segments.collect(),
            components: ComponentAlone::all(subject.model, &sides.test, subject.fit),
            curves: curves.collect(),
            leavers: leavers::pick(past, subject.schedule, (test_begins, subject.span.1)),
            warnings: refusal::warnings(&train, &test, &predictors, subject),
            all,
            train,
            test,
        })
    }
}

/// The split of the instants with scores.
#[must_use]
pub fn split(past: &Past, subject: &Subject<'_>) -> TimeSplit {
    let scored = past.points().filter(|(_, point)| point.health.is_some());
    let instants: BTreeSet<Timestamp> = scored.map(|(_, point)| point.t).collect();
    TimeSplit::of(&instants, subject.horizon_days, subject.train_until)
}

/// The points with a score, by part.
struct Sides<'a> {
    train: Vec<Held<'a>>,
    test: Vec<Held<'a>>,
    between: u64,
}

impl<'a> Sides<'a> {
    fn of(past: &'a Past, split: TimeSplit, fit: Option<&Fit>) -> Self {
        let has_risk = past.points().any(|(_, point)| point.risk.is_some());
        let is_scored = |point: &ScoredPoint| point.health.is_some() && (point.risk.is_some() || !has_risk);
        let mut sides = Self { train: Vec::new(), test: Vec::new(), between: 0 };
        for (id, account) in &past.accounts {
            let key = AccountKey::of(id).0;
            for point in account.points.iter().filter(|point| is_scored(point)) {
                match fit.map_or_else(|| split.side(point.t), |fit| side(fit, key, point.t)) {
                    Side::Train => sides.train.push(Held { account: key, point }),
                    Side::Test => sides.test.push(Held { account: key, point }),
                    Side::Between => sides.between += 1,
                }
            }
        }
        sides
    }

    fn count(&self) -> usize {
        self.train.len() + self.test.len() + usize::try_from(self.between).unwrap_or(usize::MAX)
    }
}

/// The part of a point by the split of a fit.
fn side(fit: &Fit, account: u64, t: Timestamp) -> Side {
    match fit.split.part(account, t) {
        Some(Part::Test) => Side::Test,
        Some(_) => Side::Train,
        None => Side::Between,
    }
}

/// The segments of points: name, the places it stands for, and its points. Empty if no account has a segment.
fn by_segment<'a>(past: &Past, points: &[Held<'a>]) -> Vec<(String, BTreeSet<Option<u16>>, Vec<Held<'a>>)> {
    let mut found: BTreeMap<Option<u16>, Vec<Held<'a>>> = BTreeMap::new();
    for held in points {
        found.entry(held.point.segment).or_default().push(*held);
    }
    if found.keys().all(Option::is_none) {
        return Vec::new();
    }
    let mut sorted: Vec<_> = found.into_iter().collect();
    sorted.sort_by_key(|(place, points)| (std::cmp::Reverse(points.len()), *place));
    let name = |place: Option<u16>| {
        let known = place.and_then(|place| past.segments.get(usize::from(place)));
        known.map_or_else(|| "(none)".to_owned(), ToString::to_string)
    };
    let rest = sorted.split_off(sorted.len().min(MAX_SEGMENTS));
    let mut segments: Vec<_> = sorted.into_iter().map(|(place, points)| (name(place), BTreeSet::from([place]), points)).collect();
    if !rest.is_empty() {
        let places = rest.iter().map(|(place, _)| *place).collect();
        segments.push(("(other)".to_owned(), places, rest.into_iter().flat_map(|(_, points)| points).collect()));
    }
    segments
}
