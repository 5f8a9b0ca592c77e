//! Why the database refused, told apart by what a person can do about it.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique rule or a foreign key refused the row. `what` is SQLite's own sentence.
    #[error("the database refused the row: {what}")]
    Constraint { what: String },
    /// A row was to go where its state machine does not (see `domain::moves`): a mistake of this program, met in time.
    #[error("the database refused a change of state: {what}")]
    IllegalMove { what: String },
    #[error("the database is locked by another program")]
    Locked,
    #[error("the disk is full")]
    DiskFull,
    /// The disk does not do what it is asked: gone, read-only, or failing.
    #[error("the database file cannot be used: {what}")]
    Unusable { what: String },
    #[error("the database file is damaged: {what}")]
    Damaged { what: String },
    #[error("the file {0} is not a database of this program")]
    NotADatabase(PathBuf),
    /// Refused before anything was touched.
    #[error(
        "the database was written by a newer version of this program (schema {found}, this version knows {known})"
    )]
    Newer { found: i64, known: i64 },
    #[error("SQLite {0} is older than 3.51.3, which this program needs")]
    OldSqlite(String),
    #[error("a stored value cannot be read: {0}")]
    Value(String),
    #[error("{0}")]
    Io(std::io::Error),
    #[error("{0}")]
    Other(String),
}

impl StoreError {
    pub fn is_constraint(&self) -> bool {
        matches!(self, Self::Constraint { .. })
    }
}

impl From<std::io::Error> for StoreError {
    fn from(e: std::io::Error) -> Self {
        match e.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io(e),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(e: sqlx::Error) -> Self {
        match &e {
            sqlx::Error::Database(db) => {
                // Extended result codes: https://www.sqlite.org/rescode.html; the low byte is the class.
                let code = db.code().and_then(|c| c.parse::<i32>().ok()).unwrap_or(0);
                let what = db.message().to_owned();
                match code & 0xff {
                    5 | 6 => Self::Locked,
                    // A file that is shorter than it says it is.
                    10 if code == 522 => Self::Damaged { what },
                    8 | 10 | 14 => Self::Unusable { what },
                    11 => Self::Damaged { what },
                    13 => Self::DiskFull,
                    // Cut off on purpose (`Store::cut_after`).
                    19 if code == 531 => Self::Unusable { what },
                    // A trigger's own refusal; unique and foreign keys have codes of their own.
                    19 if code == 1811 => Self::IllegalMove { what },
                    19 => Self::Constraint { what },
                    26 => Self::Damaged { what },
                    _ => Self::Other(what),
                }
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Value(e.to_string()),
            _ => Self::Other(e.to_string()),
        }
    }
}

impl From<deadpool::managed::PoolError<sqlx::Error>> for StoreError {
    fn from(e: deadpool::managed::PoolError<sqlx::Error>) -> Self {
        match e {
            deadpool::managed::PoolError::Backend(e) => e.into(),
            deadpool::managed::PoolError::Timeout(_) => Self::Locked,
            e => Self::Other(e.to_string()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(e: sqlx::migrate::MigrateError) -> Self {
        match e {
            sqlx::migrate::MigrateError::Execute(e) => e.into(),
            e => Self::Other(e.to_string()),
        }
    }
}
