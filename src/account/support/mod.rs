//! The support section of an account.
