//! Backups and the doctor.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::company::Nothing;
use contract::feed::ChangeOp;
use contract::instance::*;
use contract::operations::*;
use contract::run::RunStatus;
use contract::{Kind, Timestamp};

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, store_error};
use crate::{Caller, Engine};

/// Run logs looked for on disk.
const LOGS_CHECKED: u32 = 2000;
const FILES_CHECKED: u32 = 2000;
const PREFIX: &str = "paperclip-";
const SUFFIX: &str = ".db";

impl Handle<CreateBackup> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, _: Nothing) -> Answer<BackupResult> {
        self.back_up("manual").await
    }
}

impl Handle<ListBackups> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, _: Nothing) -> Answer<Vec<BackupEntry>> {
        Ok(backups(&self.paths.backups()))
    }
}

impl Engine {
    /// Copies the database, checks the copy, and drops copies that the retention no longer keeps.
    pub(crate) async fn back_up(&self, trigger: &str) -> Answer<BackupResult> {
        let started_at = self.now();
        let dir = self.paths.backups();
        let file = dir.join(format!("{PREFIX}{}{SUFFIX}", stamp(started_at)));
        let size_bytes = store::backup::create(&self.store, &file).await.map_err(|e| {
            store_error(e).with_hint("No backup was kept. Check the space on the disk and try again.")
        })?;
        let retention = self.settings().general.backup_retention;
        let pruned_count = prune(&dir, retention, started_at);
        if let Err(e) = self.announce_backup(&file).await {
            tracing::warn!("a backup was made, but the feed does not tell of it: {e}");
        }
        let finished_at = self.now();
        Ok(BackupResult {
            trigger: trigger.to_owned(),
            backup_file: file.display().to_string(),
            size_bytes,
            pruned_count,
            backup_dir: dir.display().to_string(),
            retention,
            started_at,
            finished_at,
            duration_ms: u64::try_from(finished_at.since(started_at).as_millis()).unwrap_or(u64::MAX),
        })
    }

    async fn announce_backup(&self, file: &Path) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        tx.record(None, Kind::Backup, ChangeOp::Created, file.display());
        tx.commit().await.answer()
    }

    /// When the newest backup was made.
    pub(crate) fn last_backup(&self) -> Option<Timestamp> {
        backups(&self.paths.backups()).first().map(|b| b.created_at)
    }
}

/// `2026-01-31T09-00-00.000Z`: sorts by time and is a file name everywhere.
fn stamp(t: Timestamp) -> String {
    t.to_string().replace(':', "-")
}

fn time_of(file: &Path) -> Option<Timestamp> {
    let name = file.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let (date, time) = name.split_once('T')?;
    Timestamp::parse(&format!("{date}T{}", time.replacen('-', ":", 2)))
}

/// Newest first.
pub(crate) fn backups(dir: &Path) -> Vec<BackupEntry> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut out: Vec<BackupEntry> = entries
        .flatten()
        .filter_map(|e| {
            let created_at = time_of(&e.path())?;
            let size_bytes = e.metadata().ok()?.len();
            Some(BackupEntry { file: e.path().display().to_string(), size_bytes, created_at })
        })
        .collect();
    out.sort_by_key(|b| std::cmp::Reverse(b.created_at));
    out
}

/// Keeps everything of the last days, then one a week, then one a month.
fn prune(dir: &Path, keep: BackupRetention, now: Timestamp) -> u32 {
    let mut slots = std::collections::HashSet::new();
    let mut pruned = 0;
    for (n, b) in backups(dir).into_iter().enumerate() {
        let days = now.since(b.created_at).as_secs() / 86_400;
        let (weekly, monthly) = (u64::from(keep.weekly_weeks) * 7, u64::from(keep.monthly_months) * 31);
        let kept = match days {
            _ if n == 0 || days < u64::from(keep.daily_days) => true,
            _ if days < weekly => slots.insert((7, days / 7)),
            _ if days < monthly => slots.insert((31, days / 31)),
            _ => false,
        };
        if !kept && std::fs::remove_file(&b.file).is_ok() {
            pruned += 1;
        }
    }
    pruned
}

impl Handle<Doctor> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, q: RunDoctor) -> Answer<DoctorReport> {
        let findings = vec![
            self.check_integrity().await,
            or_finding("foreign_keys", self.check_references().await),
            or_finding("dangling_locks", self.check_locks(q.repair).await),
            or_finding("run_logs", self.check_logs().await),
            or_finding("attachments", self.check_files().await),
            self.check_backups(),
            or_finding("sandbox", self.check_sandbox().await),
            check_secrecy(&self.paths.operator_token()),
        ];
        let level = findings.iter().map(|f| f.level).max().unwrap_or(FindingLevel::Ok);
        Ok(DoctorReport { level, findings, checked_at: self.now() })
    }
}

fn finding(check: &str, level: FindingLevel, message: impl Into<String>, hint: Option<&str>) -> Finding {
    Finding { check: check.to_owned(), level, message: message.into(), hint: hint.map(str::to_owned) }
}

/// A check that could not be made is a finding itself: the doctor is called when things are broken.
fn or_finding(check: &str, checked: Answer<Finding>) -> Finding {
    checked.unwrap_or_else(|e| {
        let message = format!("This could not be checked: {e}");
        finding(check, FindingLevel::Error, message, e.hint.as_deref())
    })
}

impl Engine {
    async fn check_integrity(&self) -> Finding {
        let problem = async {
            let mut conn = self.store.read().await?;
            Ok(store::check::integrity_of(&mut conn).await?.into_iter().next())
        };
        match problem.await {
            Ok(None) if self.store.damage().is_none() => {
                finding("integrity", FindingLevel::Ok, "The database file is sound", None)
            }
            Ok(found) => self.damaged(&found.unwrap_or_default()),
            Err(store::StoreError::Damaged { what }) => self.damaged(&what),
            Err(e) => or_finding("integrity", Err(store_error(e))),
        }
    }

    /// Damage stops all writing, whoever finds it.
    pub(super) fn damaged(&self, what: &str) -> Finding {
        self.store.note_damage(what);
        let what = self.store.damage().unwrap_or(what);
        let hint = match backups(&self.paths.backups()).first() {
            Some(b) => format!(
                "Nothing is written any more. Quit the program, then: paperclip restore \"{}\". \
                 The damaged file is kept beside it.",
                b.file
            ),
            None => "Nothing is written any more, and there is no backup. Quit the program and keep a copy of the \
                     data folder; SQLite's `.recover` may bring back what is still whole."
                .to_owned(),
        };
        finding(
            "integrity",
            FindingLevel::Error,
            format!("The database file is damaged: {what}"),
            Some(&hint),
        )
    }

    async fn check_references(&self) -> Answer<Finding> {
        let mut conn = self.store.read().await.answer()?;
        let broken = store::check::broken_references(&mut conn).await.answer()?;
        Ok(match broken.first() {
            None => {
                finding("foreign_keys", FindingLevel::Ok, "Every row points at rows that are there", None)
            }
            Some((table, n)) => finding(
                "foreign_keys",
                FindingLevel::Error,
                format!("{n} rows of {table} point at rows that are not there"),
                Some("Restore the newest backup; the database was changed from outside."),
            ),
        })
    }

    async fn check_locks(&self, repair: bool) -> Answer<Finding> {
        let dangling = {
            let mut conn = self.store.read().await.answer()?;
            store::issues::dangling_locks(&mut conn).await.answer()?
        };
        if dangling.is_empty() {
            return Ok(finding(
                "dangling_locks",
                FindingLevel::Ok,
                "Every lock belongs to a run that lives",
                None,
            ));
        }
        let names: Vec<String> = dangling.iter().map(|i| i.display_key()).collect();
        if !repair {
            let message = format!("Locks of runs that are over: {}", names.join(", "));
            return Ok(finding(
                "dangling_locks",
                FindingLevel::Warn,
                message,
                Some("Run the doctor with repair."),
            ));
        }
        let mut tx = self.store.write(self.now()).await.answer()?;
        // Looked for again: what was read before may have moved on.
        for mut issue in store::issues::dangling_locks(&mut tx).await.answer()? {
            domain::issue::clear_locks(&mut issue);
            issue.updated_at = tx.at();
            store::issues::save(&mut tx, &issue).await.answer()?;
        }
        tx.commit().await.answer()?;
        Ok(finding(
            "dangling_locks",
            FindingLevel::Ok,
            format!("Locks were cleared: {}", names.join(", ")),
            None,
        ))
    }

    async fn check_logs(&self) -> Answer<Finding> {
        let mut conn = self.store.read().await.answer()?;
        let logs = store::check::run_logs(&mut conn, LOGS_CHECKED).await.answer()?;
        let running = store::runs::with_status(&mut conn, RunStatus::Running).await.answer()?;
        drop(conn);
        let root = self.paths.root().to_owned();
        let missing: Vec<String> = logs
            .into_iter()
            .filter(|(id, log)| !root.join(log).is_dir() && !running.iter().any(|r| r.id.to_string() == *id))
            .map(|(id, _)| id)
            .collect();
        Ok(match missing.len() {
            0 => finding("run_logs", FindingLevel::Ok, "Every run has its log", None),
            n => finding(
                "run_logs",
                FindingLevel::Warn,
                format!("{n} runs have lost their log, first {}", missing[0]),
                Some("Their transcripts are empty; everything else about them is kept."),
            ),
        })
    }

    async fn check_files(&self) -> Answer<Finding> {
        let mut conn = self.store.read().await.answer()?;
        let files = store::attachments::newest(&mut conn, FILES_CHECKED).await.answer()?;
        let root = self.paths.assets();
        let missing: Vec<_> = files.into_iter().filter(|(key, _)| !root.join(key).is_file()).collect();
        let Some((_, first)) = missing.first() else {
            return Ok(finding("attachments", FindingLevel::Ok, "Every attachment has its file", None));
        };
        let issue = store::issues::get(&mut conn, *first).await.answer()?;
        let n = missing.len();
        Ok(finding(
            "attachments",
            FindingLevel::Warn,
            format!(
                "{n} attachments have lost their file, first of {}",
                issue.map_or_else(String::new, |i| i.display_key())
            ),
            Some("A backup holds the database alone: copy the folder `assets` back from where you keep it."),
        ))
    }

    /// Whether agents are kept away from this program's own files, by the newest run.
    async fn check_sandbox(&self) -> Answer<Finding> {
        let mut conn = self.store.read().await.answer()?;
        let newest = store::runs::newest_sandbox(&mut conn).await.answer()?;
        Ok(match newest {
            None => {
                finding("sandbox", FindingLevel::Ok, "No run has shown yet whether the sandbox works", None)
            }
            Some((level, None)) => finding(
                "sandbox",
                FindingLevel::Ok,
                format!("The newest run was in a sandbox ({level})"),
                None,
            ),
            Some((_, Some(why))) => finding(
                "sandbox",
                FindingLevel::Warn,
                format!("The newest run had no sandbox, and could read this program's files: {why}"),
                Some(
                    "Linux must allow user namespaces. On Ubuntu 24.04 and later the package's AppArmor profile does: install it with `cargo xtask package`.",
                ),
            ),
        })
    }

    fn check_backups(&self) -> Finding {
        if !self.settings().general.backup_enabled {
            return finding(
                "backups",
                FindingLevel::Warn,
                "Backups are switched off",
                Some("Switch them on in the settings."),
            );
        }
        match self.last_backup() {
            None => finding(
                "backups",
                FindingLevel::Warn,
                "There is no backup yet",
                Some("Make one with: paperclip backups create"),
            ),
            Some(t) => finding("backups", FindingLevel::Ok, format!("The newest backup is of {t}"), None),
        }
    }
}

/// Whether others may read the operator's token.
fn check_secrecy(token: &PathBuf) -> Finding {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if let Ok(meta) = std::fs::metadata(token)
            && meta.permissions().mode() & 0o077 != 0
        {
            return finding(
                "token_file",
                FindingLevel::Error,
                "Others on this machine may read the operator's token",
                Some(
                    "chmod 600 on operator-token in the data folder, or delete it and start again for a new one.",
                ),
            );
        }
    }
    match token.exists() {
        true => finding("token_file", FindingLevel::Ok, "Only you may read the operator's token", None),
        false => finding(
            "token_file",
            FindingLevel::Warn,
            "The operator's token file is gone",
            Some("It is made anew at the next start."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_keeps_days_then_weeks_then_months_and_always_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(1_790_000_000_000);
        let day = |n: u64| now.minus(std::time::Duration::from_secs(n * 86_400));
        for n in [0, 1, 2, 8, 9, 15, 40, 41, 200] {
            std::fs::write(dir.path().join(format!("{PREFIX}{}{SUFFIX}", stamp(day(n)))), "x").unwrap();
        }
        std::fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        let keep = BackupRetention { daily_days: 3, weekly_weeks: 4, monthly_months: 2 };
        prune(dir.path(), keep, now);
        let left: Vec<u64> =
            backups(dir.path()).iter().map(|b| now.since(b.created_at).as_secs() / 86_400).collect();
        assert_eq!(left, [0, 1, 2, 8, 15, 40]);
        assert!(dir.path().join("notes.txt").exists());
    }
}
