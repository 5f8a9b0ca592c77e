//! A run that starts more processes than it may: a crowd of them would take the machine from everybody.

use std::collections::HashSet;

use rustix::process::Signal;

use crate::host::proc;

/// How often it is looked for those that came meanwhile: each time there are fewer that could start one.
const PASSES: usize = 64;
/// A crowd is not counted further than this.
const MOST: usize = 100_000;

/// Stops all descendants where they are, so that none starts another while they are being ended one by one.
pub fn freeze(root: i32) {
    let mut stopped = HashSet::new();
    for _ in 0..PASSES {
        let new: Vec<i32> =
            proc::descendants_listed(root, MOST).into_iter().filter(|pid| !stopped.contains(pid)).collect();
        if new.is_empty() {
            return;
        }
        for pid in new {
            proc::signal(pid, Signal::STOP);
            stopped.insert(pid);
        }
    }
}
