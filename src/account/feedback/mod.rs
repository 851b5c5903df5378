//! The feedback section of an account.
