//! The embedded database: SQLite behind one writer and a pool of readers.
//!
//! Every function here runs SQL and nothing else; rules live in `domain` and `engine`.
//! Writes go through [`WriteTx`], which holds the single writing connection in a
//! `BEGIN IMMEDIATE` transaction and appends what changed to the feed before it commits.

pub mod accounts;
pub mod activity;
pub mod agents;
pub mod annotations;
pub mod approvals;
pub mod attachments;
pub mod backup;
pub mod budgets;
pub mod changes;
pub mod check;
mod checkpoint;
pub mod comments;
pub mod companies;
pub mod costs;
mod damage;
pub mod decisions;
pub mod decompositions;
pub mod documents;
mod entity;
mod error;
pub mod execution_workspaces;
mod guard;
pub mod incidents;
pub mod instance;
pub mod interactions;
pub mod issues;
pub mod keys;
pub mod labels;
pub mod planning;
mod pool;
pub mod project_workspaces;
pub mod recovery;
pub mod relations;
pub mod retries;
pub mod runs;
pub mod search;
pub mod sessions;
pub mod trees;
mod tx;
pub mod wakeups;
pub mod watchdog;
pub mod work_products;
pub mod workspace_operations;
pub mod workspace_trash;

pub use entity::Entity;
pub use error::StoreError;
pub use pool::{Options, Reader, Store};
pub use sqlx::SqliteConnection;
pub use tx::WriteTx;

/// What every function of this crate answers.
pub type Result<T> = std::result::Result<T, StoreError>;
