//! Surveys and their answers, referrals, advocacy, and health overrides.

use serde::Serialize;

use super::action::{Action, FeedbackAct, FeedbackAction};
use super::agenda::Agenda;
use super::random::{Random, whole};
use super::story::Story;
use super::support::{Scale, five_points};
use crate::time::{DAY_MS, HOUR_MS, Timestamp};

/// Plans the feedback of a UTC day: each user gets a survey about every 45 days, and two in five answer.
pub fn plan_day(day: Timestamp, users: u32, story: &Story, random: &mut Random, agenda: &mut Agenda) {
    let contentment = story.contentment(day);
    for _ in 0..random.poisson(f64::from(users) / 45.0) {
        let user = u32::try_from(random.between(0, i64::from(users) - 1)).unwrap_or(0);
        let sent = day.plus(random.between(8 * HOUR_MS, 16 * HOUR_MS));
        plan_survey(sent, user, contentment, random, agenda);
    }
    let noon = day.plus(12 * HOUR_MS + random.between(0, HOUR_MS));
    let mut add = |kind| agenda.add(noon, Action::Feedback(FeedbackAct { user: 0, kind }));
    if random.chance(0.004 * contentment * contentment) {
        add(FeedbackAction::Referral);
    }
    if random.chance(0.003 * contentment * contentment) {
        add(FeedbackAction::Advocacy(random.pick(&["review", "case_study", "reference_call"])));
    }
    if random.chance(0.0004) {
        add(FeedbackAction::Override { until: noon.plus(30 * DAY_MS) });
    }
}

fn plan_survey(sent: Timestamp, user: u32, contentment: f64, random: &mut Random, agenda: &mut Agenda) {
    let kind = random.pick(&["nps", "nps", "csat", "ces"]);
    agenda.add(sent, Action::Feedback(FeedbackAct { user, kind: FeedbackAction::Sent(kind) }));
    if !random.chance(0.4) {
        return;
    }
    let answer = match kind {
        "nps" => FeedbackAction::Nps(whole((10.0 * contentment + 4.0 * random.unit() - 1.0).clamp(0.0, 10.0))),
        "csat" => FeedbackAction::Csat(five_points(contentment, random)),
        _ => FeedbackAction::Ces(five_points(contentment, random)),
    };
    agenda.add(sent.plus(random.between(60_000, 3 * DAY_MS)), Action::Feedback(FeedbackAct { user, kind: answer }));
}

/// The type and fields of a feedback event.
pub fn body(act: FeedbackAct, account_id: &str) -> (&'static str, Body) {
    let body = Body::default();
    let of_user = Body { user_id: Some(format!("{account_id}-user-{}", act.user)), ..Body::default() };
    let scale = Some(Scale { min: 1, max: 5 });
    match act.kind {
        FeedbackAction::Sent(kind) => ("survey_sent", Body { kind: Some(kind), ..of_user }),
        FeedbackAction::Nps(score) => ("nps_answered", Body { score: Some(score), ..of_user }),
        FeedbackAction::Csat(score) => ("csat_answered", Body { score: Some(score), scale, ..of_user }),
        FeedbackAction::Ces(score) => ("ces_answered", Body { score: Some(score), scale, ..of_user }),
        FeedbackAction::Referral => ("referral_made", of_user),
        FeedbackAction::Advocacy(kind) => ("advocacy_made", Body { kind: Some(kind), ..body }),
        FeedbackAction::Override { until } => (
            "health_override_set",
            Body { value: Some(55), until: Some(until), reason: Some("executive sponsor changed"), by: Some("dana"), ..body },
        ),
    }
}

/// The fields of a feedback event.
#[derive(Default, Serialize)]
pub struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<Scale>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::time::rfc3339_or_null")]
    until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
}
