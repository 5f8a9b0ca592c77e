//! What goes wrong around a company: its disk, its clock, its program.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::Life;
use crate::sim::Sim;

impl Life {
    /// The disk is full for a while, or the clock is set back, or the disk is slow.
    pub(super) async fn hard_times(&mut self, sim: &Sim) {
        match self.dice.roll(4) {
            0 => {
                self.told.push("the clock is set back by an hour".into());
                sim.set_back(Duration::from_secs(3600));
            }
            1 => {
                self.told.push("everything takes long".into());
                sim.drift(Duration::from_secs(7));
                for _ in 0..2 {
                    self.something(sim).await;
                }
                sim.drift(Duration::ZERO);
            }
            _ => self.full_disk(sim).await,
        }
    }

    async fn full_disk(&mut self, sim: &Sim) {
        self.told.push("the disk is full".into());
        self.disk_full = true;
        sim.engine.store.set_full(true).await.unwrap();
        for _ in 0..4 {
            match self.dice.roll(6) {
                0..=1 => self.create(sim).await,
                2 => self.change(sim).await,
                3 => self.speak(sim).await,
                4 => self.work(sim).await,
                _ => self.fund(sim).await,
            }
        }
        sim.engine.store.set_full(false).await.unwrap();
        self.disk_full = false;
        self.told.push("there is room again".into());
    }

    /// The program dies in the middle of something that takes several transactions.
    pub(super) async fn die(&mut self, sim: &Sim) {
        let after = u32::try_from(self.dice.roll(5)).unwrap();
        self.told.push(format!("dies after {after} transactions"));
        sim.die_after(after).await;
        for _ in 0..3 {
            self.something(sim).await;
            sim.settle().await;
        }
    }

    async fn something(&mut self, sim: &Sim) {
        match self.dice.roll(9) {
            0 => self.create(sim).await,
            1 => self.change(sim).await,
            2 => self.finish(sim).await,
            3 => self.steer(sim).await,
            4 => self.decide(sim).await,
            5 => self.sweep(sim).await,
            6 => Box::pin(self.plan(sim)).await,
            7 => self.fund(sim).await,
            _ => self.work(sim).await,
        }
    }

    /// What is done now and then by itself.
    pub(super) async fn sweep(&mut self, sim: &Sim) {
        self.told.push("sweep".into());
        sim.must(Box::pin(sim.engine.sweep()).await);
        sim.must(Box::pin(sim.engine.watch_silence()).await);
        sim.must(Box::pin(sim.engine.review_productivity()).await);
        sim.must(Box::pin(sim.engine.unblock_when_wanted()).await);
    }
}
