//! The state machines' tables, laid over the writing connection.
//!
//! Temporary triggers: they come from `domain::moves` at every start, so that there is one table of each machine and no
//! migration to keep in step with it, and a mistake anywhere above ends as a refused transaction instead of as a run that
//! lives again.

use domain::moves::{Machine, machines};
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::Result;

/// Lays every machine's guard over the connection.
pub(crate) async fn lay(conn: &mut SqliteConnection) -> Result<()> {
    for m in machines() {
        sqlx::query(AssertSqlSafe(trigger(&m))).execute(&mut *conn).await?;
    }
    Ok(())
}

fn trigger(m: &Machine) -> String {
    let Machine { name, table, moves } = m;
    let moves: Vec<String> = moves.iter().map(|(from, to)| format!("'{from}>{to}'")).collect();
    format!(
        "CREATE TEMP TRIGGER {table}_moves BEFORE UPDATE OF status ON main.{table} \
         WHEN old.status <> new.status AND old.status || '>' || new.status NOT IN ({}) \
         BEGIN SELECT RAISE(ABORT, 'a {name} does not go from ' || old.status || ' to ' || new.status); END",
        moves.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;
    use crate::StoreError;

    /// Every pair of states of every machine, put to a table of the same name.
    #[tokio::test]
    async fn just_the_moves_of_the_tables_are_let_through() {
        for m in machines() {
            let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
            let ddl = format!("CREATE TABLE {} (id INTEGER PRIMARY KEY, status TEXT NOT NULL)", m.table);
            sqlx::query(AssertSqlSafe(ddl)).execute(&mut conn).await.unwrap();
            sqlx::query(AssertSqlSafe(trigger(&m))).execute(&mut conn).await.unwrap();
            let mut states: Vec<&str> = m.moves.iter().flat_map(|(a, b)| [*a, *b]).collect();
            states.sort_unstable();
            states.dedup();
            for from in &states {
                for to in &states {
                    let fresh = format!("INSERT OR REPLACE INTO {} VALUES (1, ?)", m.table);
                    sqlx::query(AssertSqlSafe(fresh)).bind(*from).execute(&mut conn).await.unwrap();
                    let update = format!("UPDATE {} SET status = ? WHERE id = 1", m.table);
                    let done = sqlx::query(AssertSqlSafe(update)).bind(*to).execute(&mut conn).await;
                    let may = from == to || m.moves.contains(&(from, to));
                    assert_eq!(done.is_ok(), may, "{}: {from} to {to}", m.name);
                    if let Err(e) = done {
                        let e = StoreError::from(e);
                        assert!(matches!(&e, StoreError::IllegalMove { what } if what.contains(to)), "{e}");
                    }
                }
            }
        }
    }
}
