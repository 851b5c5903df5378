//! Merges the records of all accounts by time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::company::Company;
use super::customer::{Customer, Label};
use super::options::Options;
use super::record::SimulatedRecord;
use crate::time::Timestamp;

/// The records of a run in time order; ties are ordered by account number, costs last.
#[derive(Debug)]
pub struct Generator {
    customers: Vec<Customer>,
    company: Company,
    /// The time of the next record of each source; the company's index follows those of the customers.
    next: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

impl Generator {
    /// Creates a run from its options.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let mut customers: Vec<Customer> = (0..options.accounts).map(|index| Customer::new(index, options)).collect();
        let company = Company::new(options);
        let mut next: BinaryHeap<_> =
            customers.iter_mut().enumerate().filter_map(|(source, customer)| Some(Reverse((customer.next_at()?, source)))).collect();
        next.extend(company.next_at().map(|at| Reverse((at, customers.len()))));
        Self { customers, company, next }
    }

    /// The true future of every account, by number.
    pub fn labels(&self) -> impl Iterator<Item = Label> + '_ {
        self.customers.iter().map(Customer::label)
    }
}

impl Iterator for Generator {
    type Item = SimulatedRecord;

    fn next(&mut self) -> Option<SimulatedRecord> {
        let Reverse((_, source)) = self.next.pop()?;
        let (record, next_at) = match self.customers.get_mut(source) {
            Some(customer) => (customer.next_record(), customer.next_at()),
            None => (self.company.next_record(), self.company.next_at()),
        };
        self.next.extend(next_at.map(|at| Reverse((at, source))));
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    fn small() -> Options {
        Options { accounts: 12, days: 60, ..Options::default() }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
        let bytes = |seed| Generator::new(&Options { seed, ..small() }).map(|record| record.json).collect::<Vec<_>>();
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
    }

    #[test]
    fn records_are_in_time_order_and_cover_every_stream() {
        let all: Vec<_> = Generator::new(&small()).collect();
        assert!(all.is_sorted_by_key(|record| record.at));
        for stream in Stream::ALL {
            assert!(all.iter().any(|record| record.stream == stream), "{stream:?}");
        }
    }

    #[test]
    fn an_account_is_the_same_in_a_larger_run() {
        let of_first = |accounts| {
            Generator::new(&Options { accounts, ..small() }).filter(|record| record.account == "acct-000000").map(|record| record.json)
        };
        assert!(of_first(1).eq(of_first(12)));
    }

    #[test]
    fn every_record_is_a_json_object_on_one_line() {
        for record in Generator::new(&small()) {
            let value: serde_json::Value = serde_json::from_str(&record.json).unwrap();
            assert!(value.is_object() && !record.json.contains('\n'));
        }
    }
}
