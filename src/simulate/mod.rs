//! Simulated customers: seeded events with the true future of each account.
