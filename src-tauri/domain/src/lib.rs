//! The rules, as pure functions: no I/O, no clock and no randomness of their own.

pub mod account;
pub mod agent;
pub mod approval;
pub mod budget;
pub mod checkout;
pub mod context;
pub mod failure;
pub mod issue;
pub mod liveness;
pub mod monitor;
pub mod naming;
pub mod outlook;
pub mod plan;
pub mod prompt;
pub mod ranking;
pub mod recovery;
pub mod redact;
pub mod reference;
pub mod retry;
pub mod run;
pub mod settings;
pub mod stages;
pub mod tree;
pub mod wake;
pub mod workspace;
