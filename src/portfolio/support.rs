//! Support: tickets opened, resolved and open, response times, and quality of resolution.

use super::additive::{Additive, Ratio, Sign, Summand, additive};
use super::distribution::UNBOUNDED;
use super::exposed::{Exposed, Exposure, Spread};
use super::tally::Tally;
use super::{Figure, Kpi, Kpis, Period, Split};
use crate::account::feedback::Ratings;
use crate::account::support::{self, Durations, PeriodTicket};
use crate::event::Priority;
use crate::settings::Settings;
use crate::time::{HOUR_MS, MINUTE_MS};

const SECOND_MS: i64 = 1_000;

/// Bounds of resolution times, hours.
const BOUNDS_HOURS: [i64; 12] = [1, 2, 4, 8, 12, 24, 48, 72, 168, 336, 720, 2160];
/// Bounds of the time to a first reply, minutes.
const BOUNDS_MINUTES: [i64; 12] = [5, 10, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 10080];

/// Sums over the tickets of a period.
#[derive(Clone, Debug, Default)]
pub(super) struct Support {
    opened: Tickets,
    resolved: Tickets,
    open: Tickets,
    resolution: Times,
    agent_resolution: Times,
    first_reply: ByPriority<Durations>,
    business_resolution: ByPriority<Durations>,
    business_first_reply: ByPriority<Durations>,
    reopened: Ratio,
    first_contact: Ratio,
    ratings: Ratings,
}

/// Ticket counts by priority, product, category and channel.
#[derive(Clone, Debug, Default)]
struct Tickets {
    all: u64,
    by_priority: ByPriority<u64>,
    by_product: Tally<u64>,
    by_category: Tally<u64>,
    by_channel: Tally<u64>,
}

/// Durations by priority and category of tickets.
#[derive(Clone, Debug, Default)]
struct Times {
    all: Durations,
    by_priority: ByPriority<Durations>,
    by_category: Tally<Durations>,
}

/// Sums in the order of [`Priority::ALL`].
type ByPriority<V> = [V; Priority::ALL.len()];

impl Support {
    /// The contribution of one account's tickets.
    pub fn of(tickets: &support::Tickets, period: &Period, settings: &Settings) -> Self {
        let mut sums = Self::default();
        tickets.tickets_in(period.from, period.to, settings.business_hours.as_ref()).for_each(|ticket| sums.ticket(&ticket, Sign::Plus));
        sums
    }

    /// Adds or removes a ticket.
    pub fn ticket(&mut self, ticket: &PeriodTicket<'_>, sign: Sign) {
        for (sums, counts) in
            [(&mut self.opened, ticket.opened), (&mut self.resolved, ticket.resolved.is_some()), (&mut self.open, ticket.open)]
        {
            if counts {
                sums.count(ticket, sign);
            }
        }
        if let Some(resolved) = &ticket.resolved {
            self.reopened.merge(&one(resolved.reopened), sign);
            resolved.first_contact.into_iter().for_each(|first_contact| self.first_contact.merge(&one(first_contact), sign));
            resolved.resolution_ms.into_iter().for_each(|millis| self.resolution.took(ticket, millis, sign));
            resolved.agent_resolution_ms.into_iter().for_each(|millis| self.agent_resolution.took(ticket, millis, sign));
        }
        for (times, millis) in [
            (&mut self.first_reply, ticket.first_reply_ms),
            (&mut self.business_first_reply, ticket.business_first_reply_ms),
            (&mut self.business_resolution, ticket.resolved.and_then(|resolved| resolved.business_resolution_ms)),
        ] {
            if let Some(millis) = millis {
                change(times, ticket.priority, |times| took(times, millis, sign));
            }
        }
        if let Some(rating) = ticket.rating {
            let mut ratings = Ratings::default();
            ratings.add(rating);
            Additive::merge(&mut self.ratings, &ratings, sign);
        }
    }

    /// The latest rating of each ticket rated in the period.
    pub const fn ratings(&self) -> Ratings {
        self.ratings
    }

    /// Sets the ticket KPIs.
    pub fn write(&self, labels: usize, out: &mut Kpis) {
        out.set(Kpi::TicketsOpened, self.opened.figure(labels));
        out.set(Kpi::TicketsResolved, self.resolved.figure(labels));
        out.set(Kpi::TicketsOpen, self.open.figure(labels));
        out.set(Kpi::ResolutionHoursP50, self.resolution.figure(labels, |times| quantile(times, 50, HOUR_MS)));
        out.set(Kpi::ResolutionHoursMean, self.resolution.figure(labels, mean_hours));
        out.set(Kpi::ResolutionHoursP90, self.resolution.figure(labels, |times| quantile(times, 90, HOUR_MS)));
        out.set(Kpi::ResolutionHoursAgentP50, self.agent_resolution.figure(labels, |times| quantile(times, 50, HOUR_MS)));
        out.set(Kpi::FirstReplyMinutesP50, quantile(&together(&self.first_reply), 50, MINUTE_MS));
        out.set(Kpi::ResolutionBusinessHoursP50, median_by_priority(&self.business_resolution, HOUR_MS));
        out.set(Kpi::FirstReplyBusinessMinutesP50, median_by_priority(&self.business_first_reply, MINUTE_MS));
        out.ratio(Kpi::ReopenRate, self.reopened.some, self.reopened.all);
        out.ratio(Kpi::Fcr, self.first_contact.some, self.first_contact.all);
        out.ratio(Kpi::FcrSimple, self.reopened.all - self.reopened.some, self.opened.all);
    }
}

impl Support {
    /// Exposes the sums.
    pub fn expose(&self, out: &mut Exposure<'_>) {
        for (state, tickets) in [("opened", &self.opened), ("resolved", &self.resolved), ("open", &self.open)] {
            tickets.expose(state, out);
        }
        out.count(Exposed::Reopened, self.reopened.some);
        out.count(Exposed::FirstContactKnown, self.first_contact.all);
        out.count(Exposed::FirstContactResolved, self.first_contact.some);
        for (family, times, bounds, unit_ms) in [
            (Exposed::Resolution, &self.resolution.by_priority, BOUNDS_HOURS, HOUR_MS),
            (Exposed::AgentResolution, &self.agent_resolution.by_priority, BOUNDS_HOURS, HOUR_MS),
            (Exposed::FirstReply, &self.first_reply, BOUNDS_MINUTES, MINUTE_MS),
            (Exposed::BusinessResolution, &self.business_resolution, BOUNDS_HOURS, HOUR_MS),
            (Exposed::BusinessFirstReply, &self.business_first_reply, BOUNDS_MINUTES, MINUTE_MS),
        ] {
            let in_business_hours = matches!(family, Exposed::BusinessResolution | Exposed::BusinessFirstReply);
            if in_business_hours && out.settings.business_hours.is_none() {
                continue;
            }
            for (priority, times) in Priority::ALL.iter().zip(times) {
                out.spread(family, &[priority.name()], seconds(times, &bounds.map(|bound| bound * unit_ms)));
            }
        }
    }
}

/// A histogram of durations in seconds.
fn seconds(times: &Durations, bounds_ms: &[i64]) -> Spread {
    let seconds = |millis: i128| millis as f64 / SECOND_MS as f64;
    let bounded = bounds_ms.iter().map(|bound| (seconds((*bound).into()), times.count_up_to(*bound)));
    Spread::new(times.count(), seconds(times.sum_ms()), bounded)
}

impl Tickets {
    fn expose(&self, state: &str, out: &mut Exposure<'_>) {
        for (priority, count) in Priority::ALL.iter().zip(self.by_priority) {
            out.number(Exposed::Tickets, &[state, priority.name()], count as f64);
        }
        if out.whole {
            for (family, counts) in [
                (Exposed::ProductTickets, &self.by_product),
                (Exposed::CategoryTickets, &self.by_category),
                (Exposed::ChannelTickets, &self.by_channel),
            ] {
                for (label, count) in counts.labelled(out.settings.limits.label_values) {
                    out.number(family, &[state, &label], count as f64);
                }
            }
        }
    }

    fn count(&mut self, ticket: &PeriodTicket<'_>, sign: Sign) {
        let count = |count: &mut u64| count.merge(&1, sign);
        count(&mut self.all);
        change(&mut self.by_priority, ticket.priority, count);
        ticket.product.into_iter().for_each(|product| self.by_product.change(product, sign, count));
        ticket.category.into_iter().for_each(|category| self.by_category.change(category, sign, count));
        ticket.channel.into_iter().for_each(|channel| self.by_channel.change(channel, sign, count));
    }

    fn figure(&self, labels: usize) -> Figure {
        let count = |count: &u64| (*count > 0).then(|| Figure::number(*count));
        Figure::number(self.all)
            .split(Split::Priority, priorities(&self.by_priority, count))
            .split(Split::Product, labelled(&self.by_product, labels, count))
            .split(Split::Category, labelled(&self.by_category, labels, count))
            .split(Split::Channel, labelled(&self.by_channel, labels, count))
    }
}

impl Times {
    fn took(&mut self, ticket: &PeriodTicket<'_>, millis: i64, sign: Sign) {
        let took = |times: &mut Durations| took(times, millis, sign);
        took(&mut self.all);
        change(&mut self.by_priority, ticket.priority, took);
        ticket.category.into_iter().for_each(|category| self.by_category.change(category, sign, took));
    }

    fn figure(&self, labels: usize, of: impl Fn(&Durations) -> Option<Figure>) -> Option<Figure> {
        let figure = of(&self.all)?;
        let by_priority = priorities(&self.by_priority, &of);
        Some(figure.split(Split::Priority, by_priority).split(Split::Category, labelled(&self.by_category, labels, &of)))
    }
}

/// 1 of 1, or 0 of 1.
fn one(counts: bool) -> Ratio {
    Ratio { some: u64::from(counts), all: 1 }
}

fn took(times: &mut Durations, millis: i64, sign: Sign) {
    match sign {
        Sign::Plus => times.add(millis),
        Sign::Minus => times.remove(millis),
    }
}

fn together(by_priority: &ByPriority<Durations>) -> Durations {
    let mut all = Durations::default();
    for times in by_priority {
        all.merge(times);
    }
    all
}

fn change<V>(by_priority: &mut ByPriority<V>, priority: Priority, change: impl FnOnce(&mut V)) {
    if let Some(sum) = by_priority.get_mut(priority as usize) {
        change(sum);
    }
}

fn priorities<V>(sums: &ByPriority<V>, of: impl Fn(&V) -> Option<Figure>) -> Vec<(String, Figure)> {
    Priority::ALL.iter().zip(sums).filter_map(|(priority, sum)| Some((priority.name().to_owned(), of(sum)?))).collect()
}

fn labelled<V: Summand>(sums: &Tally<V>, labels: usize, of: impl Fn(&V) -> Option<Figure>) -> Vec<(String, Figure)> {
    sums.labelled(labels).into_iter().filter_map(|(label, sum)| Some((label, of(&sum)?))).collect()
}

fn quantile(times: &Durations, percent: u64, unit_ms: i64) -> Option<Figure> {
    times.quantile_ms(percent).map(|millis| Figure::number(millis as f64 / unit_ms as f64))
}

fn median_by_priority(times: &ByPriority<Durations>, unit_ms: i64) -> Option<Figure> {
    let median = |times: &Durations| quantile(times, 50, unit_ms);
    Some(median(&together(times))?.split(Split::Priority, priorities(times, median)))
}

/// The mean in hours, with cumulative buckets.
fn mean_hours(times: &Durations) -> Option<Figure> {
    let bounded = BOUNDS_HOURS.iter().map(|hours| (hours.to_string(), times.count_up_to(hours * HOUR_MS)));
    let buckets = bounded.chain([(UNBOUNDED.to_owned(), times.count())]).collect();
    Some(Figure::ratio(times.sum_ms() as f64 / HOUR_MS as f64, times.count())?.with_buckets(buckets))
}

additive!(Support {
    opened,
    resolved,
    open,
    resolution,
    agent_resolution,
    first_reply,
    business_resolution,
    business_first_reply,
    reopened,
    first_contact,
    ratings
});

additive!(Tickets { all, by_priority, by_product, by_category, by_channel });

additive!(Times { all, by_priority, by_category });
