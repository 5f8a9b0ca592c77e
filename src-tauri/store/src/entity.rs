//! How a row becomes a contract type and back, declared once a table.

use contract::activity::ActorType;
use contract::agent::{AgentPermissions, AgentRole, AgentStatus};
use contract::annotation::{AnchorConfidence, AnchorReason, AnchorSelector, AnchorState, TextQuote};
use contract::approval::{ApprovalStatus, ApprovalType};
use contract::budget::{BudgetIncidentStatus, BudgetMetric, BudgetScope, BudgetThreshold, BudgetWindow};
use contract::child::{DecompositionStatus, PlannedChild};
use contract::comment::AuthorType;
use contract::company::{CompanyStatus, PauseReason};
use contract::cost::BillingType;
use contract::document::DocumentFormat;
use contract::document_annotation::{AnchorPlace, ThreadStatus};
use contract::execution::{StageOutcome, StageType};
use contract::feed::ChangeOp;
use contract::interaction::{ContinuationPolicy, InteractionKind, InteractionStatus};
use contract::issue::{IssuePriority, IssueStatus, WorkMode};
use contract::planning::{GoalLevel, GoalStatus, ProjectStatus};
use contract::recovery::{RecoveryKind, RecoveryOutcome, RecoveryOwnerType, RecoveryStatus};
use contract::run::{CommentDuty, InvocationSource, OutputStream, RunStatus, TriggerDetail};
use contract::tree::{TreeHoldStatus, TreeMode, TreeSkip};
use contract::wake::WakeupStatus;
use contract::watchdog::SilenceVerdict;
use contract::work_product::{HealthStatus, WorkProductReview, WorkProductStatus, WorkProductType};
use contract::workspace::{
    ExecutionWorkspaceStatus, ProjectWorkspaceSource, ProjectWorkspaceVisibility, WorkspaceMode,
    WorkspaceOperationStatus, WorkspacePhase, WorkspaceProvider, WorkspaceStrategy,
};
use contract::{
    ActivityId, AgentId, AgentKeyId, AgentRevisionId, AnchorSnapshotId, AnnotationCommentId,
    AnnotationThreadId, ApprovalCommentId, ApprovalId, AssetId, AttachmentId, BudgetIncidentId,
    BudgetPolicyId, Cents, CommentId, CompanyId, CostEventId, DecisionId, DecompositionId, DocumentId,
    ExecutionWorkspaceId, GoalId, InteractionId, IssueId, JsonObject, Kind, LabelId, Micros, ProjectId,
    ProjectWorkspaceId, RecoveryActionId, RevisionId, RunId, StageId, TaskSessionId, Timestamp,
    TrashedWorkspaceId, TreeHoldId, TreeHoldMemberId, WakeupId, WatchdogDecisionId, WorkProductId,
    WorkspaceOperationId,
};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row, Sqlite, SqliteConnection, ValueRef};
use uuid::Uuid;

use crate::{Result, StoreError};

pub(crate) type Q<'q> = Query<'q, Sqlite, SqliteArguments>;

/// A value that stands in one column.
pub(crate) trait Column: Sized {
    fn read(row: &SqliteRow, at: usize) -> Result<Self>;
    fn bind<'q>(&self, q: Q<'q>) -> Q<'q>;
}

/// Reads a row's columns in the order in which they were selected.
pub(crate) struct Cursor<'r> {
    row: &'r SqliteRow,
    at: usize,
}

impl<'r> Cursor<'r> {
    pub(crate) fn new(row: &'r SqliteRow) -> Self {
        Self::at(row, 0)
    }

    /// From this column on.
    pub(crate) fn at(row: &'r SqliteRow, at: usize) -> Self {
        Self { row, at }
    }

    pub(crate) fn next<T: Column>(&mut self) -> Result<T> {
        let v = T::read(self.row, self.at)?;
        self.at += 1;
        Ok(v)
    }
}

macro_rules! native_columns {
    ($($t:ty),*) => {$(
        impl Column for $t {
            fn read(row: &SqliteRow, at: usize) -> Result<Self> {
                Ok(row.try_get(at)?)
            }
            fn bind<'q>(&self, q: Q<'q>) -> Q<'q> {
                q.bind(self.clone())
            }
        }
    )*};
}
native_columns!(String, i64, i32, f64, bool);

macro_rules! text_columns {
    ($($t:ty),* $(,)?) => {$(
        impl Column for $t {
            fn read(row: &SqliteRow, at: usize) -> Result<Self> {
                let s: &str = row.try_get(at)?;
                s.parse().map_err(|e| StoreError::Value(format!("{e}")))
            }
            fn bind<'q>(&self, q: Q<'q>) -> Q<'q> {
                q.bind(self.to_string())
            }
        }
    )*};
}
text_columns!(
    ActivityId,
    AgentId,
    AgentKeyId,
    AgentRevisionId,
    ApprovalCommentId,
    ApprovalId,
    BudgetIncidentId,
    BudgetPolicyId,
    CommentId,
    CompanyId,
    DecisionId,
    DecompositionId,
    CostEventId,
    DocumentId,
    GoalId,
    InteractionId,
    IssueId,
    LabelId,
    ProjectId,
    RecoveryActionId,
    RevisionId,
    RunId,
    StageId,
    TaskSessionId,
    TreeHoldId,
    TreeHoldMemberId,
    Uuid,
    WakeupId,
    WatchdogDecisionId,
    ActorType,
    AgentRole,
    AgentStatus,
    ApprovalStatus,
    ApprovalType,
    AuthorType,
    BillingType,
    BudgetIncidentStatus,
    BudgetMetric,
    BudgetScope,
    BudgetThreshold,
    BudgetWindow,
    ChangeOp,
    CommentDuty,
    CompanyStatus,
    ContinuationPolicy,
    DecompositionStatus,
    AnchorConfidence,
    AnchorReason,
    AnchorSnapshotId,
    AnchorState,
    AnnotationCommentId,
    AssetId,
    AttachmentId,
    WorkProductId,
    AnnotationThreadId,
    DocumentFormat,
    ThreadStatus,
    WorkProductType,
    WorkProductStatus,
    WorkProductReview,
    HealthStatus,
    GoalLevel,
    GoalStatus,
    InteractionKind,
    InteractionStatus,
    InvocationSource,
    IssuePriority,
    IssueStatus,
    Kind,
    OutputStream,
    PauseReason,
    ProjectStatus,
    RecoveryKind,
    RecoveryOutcome,
    RecoveryOwnerType,
    RecoveryStatus,
    RunStatus,
    SilenceVerdict,
    StageOutcome,
    StageType,
    TreeHoldStatus,
    TreeMode,
    TreeSkip,
    TriggerDetail,
    WakeupStatus,
    WorkMode,
    ExecutionWorkspaceId,
    ExecutionWorkspaceStatus,
    ProjectWorkspaceId,
    ProjectWorkspaceSource,
    ProjectWorkspaceVisibility,
    TrashedWorkspaceId,
    WorkspaceMode,
    WorkspaceOperationId,
    WorkspaceOperationStatus,
    WorkspacePhase,
    WorkspaceProvider,
    WorkspaceStrategy,
);

macro_rules! json_columns {
    ($($t:ty),*) => {$(
        impl Column for $t {
            fn read(row: &SqliteRow, at: usize) -> Result<Self> {
                let s: &str = row.try_get(at)?;
                serde_json::from_str(s).map_err(|e| StoreError::Value(e.to_string()))
            }
            fn bind<'q>(&self, q: Q<'q>) -> Q<'q> {
                // These shapes have string keys only; they always serialise.
                q.bind(serde_json::to_string(self).unwrap_or_default())
            }
        }
    )*};
}
json_columns!(
    JsonObject,
    Vec<String>,
    Vec<IssueId>,
    Vec<PlannedChild>,
    AgentPermissions,
    AnchorPlace,
    AnchorSelector,
    TextQuote
);

impl Column for Timestamp {
    fn read(row: &SqliteRow, at: usize) -> Result<Self> {
        Ok(Self::from_millis(row.try_get(at)?))
    }
    fn bind<'q>(&self, q: Q<'q>) -> Q<'q> {
        q.bind(self.millis())
    }
}

impl Column for Cents {
    fn read(row: &SqliteRow, at: usize) -> Result<Self> {
        Ok(Self::new(row.try_get(at)?))
    }
    fn bind<'q>(&self, q: Q<'q>) -> Q<'q> {
        q.bind(self.get())
    }
}

impl Column for Micros {
    fn read(row: &SqliteRow, at: usize) -> Result<Self> {
        Ok(Self::new(row.try_get(at)?))
    }
    fn bind<'q>(&self, q: Q<'q>) -> Q<'q> {
        q.bind(self.get())
    }
}

impl<T: Column> Column for Option<T> {
    fn read(row: &SqliteRow, at: usize) -> Result<Self> {
        if row.try_get_raw(at)?.is_null() { Ok(None) } else { T::read(row, at).map(Some) }
    }
    fn bind<'q>(&self, q: Q<'q>) -> Q<'q> {
        match self {
            Some(v) => v.bind(q),
            None => q.bind(None::<String>),
        }
    }
}

/// A contract type that is one table's row.
pub trait Entity: Sized + Send + Sync {
    /// `SELECT` of every column, to be followed by the conditions.
    const SELECT: &'static str;
    #[doc(hidden)]
    const INSERT: &'static str;
    #[doc(hidden)]
    const TABLE: &'static str;
    #[doc(hidden)]
    const KEY: &'static str;
    #[doc(hidden)]
    fn from_row(row: &SqliteRow) -> Result<Self>;
    #[doc(hidden)]
    fn bind_insert<'q>(&self, q: Q<'q>) -> Q<'q>;
    #[doc(hidden)]
    fn bind_key<'q>(&self, q: Q<'q>) -> Q<'q>;
    /// Columns in which `self` differs from what stands in the row.
    #[doc(hidden)]
    fn changed(&self, row: &Self) -> Vec<&'static str>;
    #[doc(hidden)]
    fn bind_changed<'q>(&self, row: &Self, q: Q<'q>) -> Q<'q>;
}

/// Declares the row of a type: its table, its key column, and its other columns, named as its fields.
macro_rules! entity {
    ($type:ty, $table:literal, $key:ident, [$($field:ident),* $(,)?]) => {
        impl $crate::entity::Entity for $type {
            const SELECT: &'static str =
                concat!("SELECT ", $table, ".", stringify!($key), $(", ", $table, ".", stringify!($field)),*, " FROM ", $table);
            const INSERT: &'static str = concat!(
                "INSERT INTO ", $table, " (", stringify!($key), $(", ", stringify!($field)),*, ") VALUES (?",
                $($crate::entity::mark!($field)),*, ")"
            );
            const TABLE: &'static str = $table;
            const KEY: &'static str = stringify!($key);

            fn from_row(row: &sqlx::sqlite::SqliteRow) -> $crate::Result<Self> {
                let mut c = $crate::entity::Cursor::new(row);
                Ok(Self { $key: c.next()?, $($field: c.next()?),* })
            }

            fn bind_insert<'q>(&self, q: $crate::entity::Q<'q>) -> $crate::entity::Q<'q> {
                use $crate::entity::Column;
                let q = self.$key.bind(q);
                $(let q = self.$field.bind(q);)*
                q
            }

            fn bind_key<'q>(&self, q: $crate::entity::Q<'q>) -> $crate::entity::Q<'q> {
                $crate::entity::Column::bind(&self.$key, q)
            }

            fn changed(&self, row: &Self) -> Vec<&'static str> {
                let mut out = Vec::new();
                $(if self.$field != row.$field { out.push(stringify!($field)); })*
                out
            }

            fn bind_changed<'q>(&self, row: &Self, q: $crate::entity::Q<'q>) -> $crate::entity::Q<'q> {
                use $crate::entity::Column;
                $(let q = if self.$field == row.$field { q } else { self.$field.bind(q) };)*
                q
            }
        }
    };
}

macro_rules! mark {
    ($field:ident) => {
        ", ?"
    };
}

pub(crate) use {entity, mark};

pub(crate) async fn insert<E: Entity>(conn: &mut SqliteConnection, e: &E) -> Result<()> {
    e.bind_insert(sqlx::query(E::INSERT)).execute(conn).await?;
    Ok(())
}

/// Writes the columns that differ from the row, and so no index of the others. Answers whether the row was there.
pub(crate) async fn update<E: Entity>(conn: &mut SqliteConnection, e: &E) -> Result<bool> {
    let read = format!("{} WHERE {} = ?", E::SELECT, E::KEY);
    let row = e.bind_key(sqlx::query(AssertSqlSafe(read))).fetch_optional(&mut *conn).await?;
    let Some(row) = row.as_ref().map(E::from_row).transpose()? else { return Ok(false) };
    let changed = e.changed(&row);
    if changed.is_empty() {
        return Ok(true);
    }
    let sql = format!("UPDATE {} SET {} = ? WHERE {} = ?", E::TABLE, changed.join(" = ?, "), E::KEY);
    let q = e.bind_changed(&row, sqlx::query(AssertSqlSafe(sql)));
    e.bind_key(q).execute(conn).await?;
    Ok(true)
}

/// A `SELECT` of `E` with conditions and their values.
pub(crate) struct Select<'q, E> {
    q: Q<'q>,
    of: std::marker::PhantomData<E>,
}

/// `conditions` is one of this crate's own literals; values go in through [`Select::bind`].
pub(crate) fn select<'q, E: Entity>(conditions: &'static str) -> Select<'q, E> {
    Select {
        q: sqlx::query(AssertSqlSafe(format!("{} {conditions}", E::SELECT))),
        of: std::marker::PhantomData,
    }
}

impl<E: Entity> Select<'_, E> {
    pub(crate) fn bind<T: Column>(mut self, v: &T) -> Self {
        self.q = v.bind(self.q);
        self
    }

    pub(crate) fn text(mut self, v: &str) -> Self {
        self.q = self.q.bind(v.to_owned());
        self
    }

    pub(crate) async fn all(self, conn: &mut SqliteConnection) -> Result<Vec<E>> {
        self.q.fetch_all(conn).await?.iter().map(E::from_row).collect()
    }

    pub(crate) async fn one(self, conn: &mut SqliteConnection) -> Result<Option<E>> {
        self.q.fetch_optional(conn).await?.as_ref().map(E::from_row).transpose()
    }
}

/// One value of one row.
pub(crate) async fn scalar<T: Column>(conn: &mut SqliteConnection, q: Q<'_>) -> Result<Option<T>> {
    q.fetch_optional(conn).await?.map(|row| T::read(&row, 0)).transpose()
}
