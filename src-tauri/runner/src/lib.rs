//! Runs: what starts an agent's command, keeps it alive without the program, and understands what it says.
//!
//! - [`adapter`] turns an agent's settings and a wake into an [`adapter::Invocation`], reads the
//!   output line by line, and says at the end what became of the run.
//! - [`host`] executes an invocation in a small process of its own, which survives this program and
//!   leaves no process behind. The program talks to it over a private socket.
//! - [`log`] reads what a run wrote, by line or by byte, while it is written and long after.
//! - [`demo`] is the built-in agent that needs no account.
//! - [`beneath`] reads and writes where an agent may have left links.
//! - [`path`] finds command lines where a login shell would find them.
//! - [`places`] says where the program keeps its files.

pub mod adapter;
pub mod beneath;
pub mod demo;
pub mod host;
pub mod log;
pub mod path;
pub mod places;
pub mod platform;
