//! A breakdown as text: every line of arithmetic can be redone with the numbers printed in it.

mod activity;
mod band;
mod green;
mod health;
mod page;
mod risk;
mod rules;
mod since;

pub use page::WIDTH;
use page::{Page, exact, said};

use super::document::Breakdown;

impl Breakdown {
    /// The breakdown as text, at most [`WIDTH`] columns wide where names allow it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = Page::default();
        self.write_heading(&mut page);
        if !self.drivers.is_empty() {
            page.section("DRIVERS");
            self.drivers.iter().for_each(|driver| page.item(driver));
        }
        if self.health.frozen {
            page.section("HEALTH");
            page.item(&format!("frozen: {}, as last published", self.health.score.map_or_else(|| "none".to_owned(), exact)));
        } else {
            health::write(self, &mut page);
            rules::write(self, &mut page);
        }
        band::write(self, &mut page);
        risk::write(self, &mut page);
        since::write(self, &mut page);
        green::write(self, &mut page);
        activity::write(self, &mut page);
        page.finish()
    }

    fn write_heading(&self, page: &mut Page) {
        let name = self.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        page.line(&format!("{}{name} as of {}", self.account_id, self.as_of));
        let frozen = if self.health.frozen { ", as last published" } else { "" };
        let health = match self.health.score {
            Some(score) => format!("health {}, {}{frozen}", said(score, 1), self.health.band),
            None => format!("no health score, {}", self.health.band),
        };
        let risk = match (self.risk.probability, &self.risk.level) {
            (Some(risk), Some(level)) => format!("churn risk within {} days {}, {level}", self.risk.horizon_days, said(risk, 3)),
            _ => "no churn risk".to_owned(),
        };
        let index = if self.risk.calibrated || self.risk.probability.is_none() { "" } else { " (an index: the model is not calibrated)" };
        page.line(&format!("{health}; {risk}{index}"));
        let facts = [("stage", &self.stage), ("segment", &self.segment), ("plan", &self.plan), ("CSM", &self.csm)];
        let mut facts: Vec<String> = facts.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?))).collect();
        facts.extend(self.scored_by.as_ref().map(|profile| format!("scored by profile {profile}")));
        page.line(&format!("{} of model {}", facts.join(", "), self.model.name));
        page.line(&format!("model {}", self.model.hash));
        let days = self.health.observing_days;
        if let Some(days) = days {
            page.line(&format!("observing for {days} more day{}, then there is a score", if days == 1 { "" } else { "s" }));
        }
    }
}
