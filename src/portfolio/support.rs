//! Support: tickets opened, resolved and open, how long they took, and how well they were resolved.

use super::additive::{Additive, Share};
use super::distribution::UNBOUNDED;
use super::tally::Tally;
use super::{Figure, Kpi, Kpis, Period, Split};
use crate::account::feedback::Ratings;
use crate::account::support::{Durations, PeriodTicket, State};
use crate::event::Priority;
use crate::time::{HOUR_MS, MINUTE_MS};

/// Bounds of resolution times, hours.
const BOUNDS_HOURS: [i64; 12] = [1, 2, 4, 8, 12, 24, 48, 72, 168, 336, 720, 2160];

/// Sums over the tickets of a period.
#[derive(Clone, Debug, Default)]
pub(super) struct Support {
    opened: Tickets,
    resolved: Tickets,
    open: Tickets,
    resolution: Times,
    agent_resolution: Times,
    first_reply: Durations,
    reopened: Share,
    first_contact: Share,
    ratings: Ratings,
}

/// Something by priority, product and category of tickets.
#[derive(Clone, Debug, Default)]
struct Tickets {
    all: u64,
    by_priority: ByPriority<u64>,
    by_product: Tally<u64>,
    by_category: Tally<u64>,
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
    /// What the tickets of one account add.
    pub fn of(tickets: &State, period: &Period) -> Self {
        let mut sums = Self::default();
        tickets.tickets_in(period.from, period.to).for_each(|ticket| sums.ticket(&ticket));
        sums
    }

    fn ticket(&mut self, ticket: &PeriodTicket<'_>) {
        for (sums, counts) in
            [(&mut self.opened, ticket.opened), (&mut self.resolved, ticket.resolved.is_some()), (&mut self.open, ticket.open)]
        {
            if counts {
                sums.count(ticket);
            }
        }
        if let Some(resolved) = &ticket.resolved {
            self.reopened.count(resolved.reopened);
            resolved.first_contact.into_iter().for_each(|first_contact| self.first_contact.count(first_contact));
            resolved.resolution_ms.into_iter().for_each(|millis| self.resolution.took(ticket, millis));
            resolved.agent_resolution_ms.into_iter().for_each(|millis| self.agent_resolution.took(ticket, millis));
        }
        ticket.first_reply_ms.into_iter().for_each(|millis| self.first_reply.add(millis));
        ticket.rating.into_iter().for_each(|rating| self.ratings.add(rating));
    }

    /// The newest rating of each ticket that was rated in the period.
    pub const fn ratings(&self) -> Ratings {
        self.ratings
    }

    /// Sets the KPIs of tickets.
    pub fn write(&self, labels: usize, out: &mut Kpis) {
        out.set(Kpi::TicketsOpened, self.opened.figure(labels));
        out.set(Kpi::TicketsResolved, self.resolved.figure(labels));
        out.set(Kpi::TicketsOpen, self.open.figure(labels));
        out.set(Kpi::ResolutionHoursP50, self.resolution.figure(labels, |times| quantile(times, 50, HOUR_MS)));
        out.set(Kpi::ResolutionHoursMean, self.resolution.figure(labels, mean_hours));
        out.set(Kpi::ResolutionHoursP90, self.resolution.figure(labels, |times| quantile(times, 90, HOUR_MS)));
        out.set(Kpi::ResolutionHoursAgentP50, self.agent_resolution.figure(labels, |times| quantile(times, 50, HOUR_MS)));
        out.set(Kpi::FirstReplyMinutesP50, quantile(&self.first_reply, 50, MINUTE_MS));
        out.ratio(Kpi::ReopenRate, self.reopened.some, self.reopened.all);
        out.ratio(Kpi::Fcr, self.first_contact.some, self.first_contact.all);
        out.ratio(Kpi::FcrSimple, self.reopened.all - self.reopened.some, self.opened.all);
    }
}

impl Tickets {
    fn count(&mut self, ticket: &PeriodTicket<'_>) {
        self.all += 1;
        change(&mut self.by_priority, ticket.priority, |count| *count += 1);
        ticket.product.into_iter().for_each(|product| self.by_product.change(product, |count| *count += 1));
        ticket.category.into_iter().for_each(|category| self.by_category.change(category, |count| *count += 1));
    }

    fn figure(&self, labels: usize) -> Figure {
        let count = |count: &u64| (*count > 0).then(|| Figure::number(*count));
        Figure::number(self.all)
            .split(Split::Priority, priorities(&self.by_priority, count))
            .split(Split::Product, labelled(&self.by_product, labels, count))
            .split(Split::Category, labelled(&self.by_category, labels, count))
    }
}

impl Times {
    fn took(&mut self, ticket: &PeriodTicket<'_>, millis: i64) {
        self.all.add(millis);
        change(&mut self.by_priority, ticket.priority, |times| times.add(millis));
        ticket.category.into_iter().for_each(|category| self.by_category.change(category, |times| times.add(millis)));
    }

    fn figure(&self, labels: usize, of: impl Fn(&Durations) -> Option<Figure>) -> Option<Figure> {
        let figure = of(&self.all)?;
        let by_priority = priorities(&self.by_priority, &of);
        Some(figure.split(Split::Priority, by_priority).split(Split::Category, labelled(&self.by_category, labels, &of)))
    }
}

fn change<V>(by_priority: &mut ByPriority<V>, priority: Priority, change: impl FnOnce(&mut V)) {
    if let Some(sum) = by_priority.get_mut(priority as usize) {
        change(sum);
    }
}

fn priorities<V>(sums: &ByPriority<V>, of: impl Fn(&V) -> Option<Figure>) -> Vec<(String, Figure)> {
    Priority::ALL.iter().zip(sums).filter_map(|(priority, sum)| Some((priority.name().to_owned(), of(sum)?))).collect()
}

fn labelled<V: Additive>(sums: &Tally<V>, labels: usize, of: impl Fn(&V) -> Option<Figure>) -> Vec<(String, Figure)> {
    sums.labelled(labels).into_iter().filter_map(|(label, sum)| Some((label, of(&sum)?))).collect()
}

fn quantile(times: &Durations, percent: u64, unit_ms: i64) -> Option<Figure> {
    times.quantile_ms(percent).map(|millis| Figure::number(millis as f64 / unit_ms as f64))
}

/// The mean in hours, with how many took at most each bound.
fn mean_hours(times: &Durations) -> Option<Figure> {
    let bounded = BOUNDS_HOURS.iter().map(|hours| (hours.to_string(), times.count_up_to(hours * HOUR_MS)));
    let buckets = bounded.chain([(UNBOUNDED.to_owned(), times.count())]).collect();
    Some(Figure::ratio(times.sum_ms() as f64 / HOUR_MS as f64, times.count())?.with_buckets(buckets))
}

impl Additive for Support {
    fn add(&mut self, other: &Self) {
        self.opened.add(&other.opened);
        self.resolved.add(&other.resolved);
        self.open.add(&other.open);
        self.resolution.add(&other.resolution);
        self.agent_resolution.add(&other.agent_resolution);
        self.first_reply.merge(&other.first_reply);
        self.reopened.add(&other.reopened);
        self.first_contact.add(&other.first_contact);
        self.ratings += other.ratings;
    }
}

impl Additive for Tickets {
    fn add(&mut self, other: &Self) {
        self.all += other.all;
        self.by_priority.iter_mut().zip(&other.by_priority).for_each(|(own, other)| own.add(other));
        self.by_product.add(&other.by_product);
        self.by_category.add(&other.by_category);
    }
}

impl Additive for Times {
    fn add(&mut self, other: &Self) {
        self.all.merge(&other.all);
        self.by_priority.iter_mut().zip(&other.by_priority).for_each(|(own, other)| own.merge(other));
        self.by_category.add(&other.by_category);
    }
}
