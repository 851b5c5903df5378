//! Scoring profiles, which select the components for an account, and component groups.

use crate::metric::Stage;

/// The aspect of an account that a component measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Frequency of product use.
    Usage,
    /// Range of features used.
    Depth,
    /// Number of people using it.
    Breadth,
    /// Revenue and payments.
    Revenue,
    /// Tickets and their handling.
    Support,
    /// Survey answers.
    Sentiment,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 6] = [Self::Usage, Self::Depth, Self::Breadth, Self::Revenue, Self::Support, Self::Sentiment];

    /// The name in configuration, labels and outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Depth => "depth",
            Self::Breadth => "breadth",
            Self::Revenue => "revenue",
            Self::Support => "support",
            Self::Sentiment => "sentiment",
        }
    }
}

/// The components used for matching accounts.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoringProfile {
    /// Its name.
    pub name: String,
    /// Conditions on accounts.
    pub when: When,
    /// Indices into [`Model::components`](super::Model::components), in profile order.
    pub components: Vec<u8>,
}

/// Conditions on an account, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct When {
    /// Tenure below, days.
    pub tenure_days_below: Option<f64>,
    /// Tenure at least, days.
    pub tenure_days_at_least: Option<f64>,
    /// One of these segments.
    pub segment: Option<Vec<String>>,
    /// One of these plans.
    pub plan: Option<Vec<String>>,
    /// One of these stages.
    pub stage: Option<Vec<Stage>>,
}

impl When {
    /// Whether an account matches. A missing segment, plan or stage matches no condition on it.
    #[must_use]
    pub fn fits(&self, tenure_days: f64, segment: Option<&str>, plan: Option<&str>, stage: Option<Stage>) -> bool {
        let one_of = |allowed: &Option<Vec<String>>, own: Option<&str>| match allowed {
            Some(allowed) => own.is_some_and(|own| allowed.iter().any(|name| name == own)),
            None => true,
        };
        self.tenure_days_below.is_none_or(|below| tenure_days < below)
            && self.tenure_days_at_least.is_none_or(|least| tenure_days >= least)
            && one_of(&self.segment, segment)
            && one_of(&self.plan, plan)
            && self.stage.as_ref().is_none_or(|allowed| stage.is_some_and(|own| allowed.contains(&own)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_must_hold() {
        let when = When {
            tenure_days_below: Some(28.0),
            tenure_days_at_least: Some(7.0),
            segment: Some(vec!["smb".into(), "mid".into()]),
            plan: None,
            stage: Some(vec![Stage::Trial]),
        };
        assert!(when.fits(7.0, Some("mid"), None, Some(Stage::Trial)));
        assert!(!when.fits(28.0, Some("mid"), None, Some(Stage::Trial)));
        assert!(!when.fits(6.9, Some("mid"), None, Some(Stage::Trial)));
        assert!(!when.fits(7.0, Some("enterprise"), None, Some(Stage::Trial)));
        assert!(!when.fits(7.0, None, None, Some(Stage::Trial)));
        assert!(!when.fits(7.0, Some("smb"), None, Some(Stage::Adopted)));
        assert!(!when.fits(7.0, Some("smb"), None, None));
    }
}
