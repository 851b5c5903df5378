//! The billing section of an account.
