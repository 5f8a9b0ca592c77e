//! The pages, one a module.

pub mod activity;
pub mod agent;
pub mod agent_new;
pub mod agents;
pub mod company;
pub mod costs;
pub mod dashboard;
pub mod goals;
pub mod issue;
pub mod issues;
pub mod onboarding;
pub mod project;
pub mod projects;
pub mod run;
pub mod settings;
pub mod waiting;
