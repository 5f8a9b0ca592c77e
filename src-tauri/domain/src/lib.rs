//! The rules, as pure functions: no I/O, no clock and no randomness of their own.

pub mod agent;

pub mod checkout;
pub mod context;
pub mod issue;
pub mod naming;
pub mod prompt;
pub mod ranking;
pub mod redact;
pub mod reference;
pub mod run;
pub mod wake;
