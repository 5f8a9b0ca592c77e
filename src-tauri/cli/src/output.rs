//! Answers, for people: lists as tables, things as lines.

use std::io::{IsTerminal as _, Write as _};

use serde_json::{Map, Value};

use crate::failure::Failure;

/// Fields that say most about a thing, in the order of columns.
const FIRST: &[&str] = &[
    "identifier",
    "key",
    "title",
    "name",
    "label",
    "status",
    "priority",
    "role",
    "adapterType",
    "kind",
    "type",
    "reason",
    "agentName",
    "message",
    "file",
    "sizeBytes",
    "createdAt",
    "id",
];
/// Columns of a table; the rest is there with `--json-output`.
const COLUMNS: usize = 7;
const WIDEST: usize = 60;

pub fn show(answer: &Value, json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, answer).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    let width = if out.is_terminal() { terminal_width() } else { usize::MAX };
    out.write_all(render(answer, width).as_bytes())?;
    Ok(())
}

fn terminal_width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(120)
}

fn render(answer: &Value, width: usize) -> String {
    match answer {
        Value::Array(rows) if rows.is_empty() => "nothing\n".into(),
        Value::Array(rows) if rows.iter().all(Value::is_object) => {
            table(&rows.iter().filter_map(Value::as_object).collect::<Vec<_>>(), width)
        }
        Value::Array(rows) => rows.iter().map(|r| format!("{}\n", cell(r))).collect(),
        Value::Object(thing) => lines(thing, width),
        Value::Null => "none\n".into(),
        other => format!("{}\n", cell(other)),
    }
}

fn table(rows: &[&Map<String, Value>], width: usize) -> String {
    let filled = |name: &&str| rows.iter().any(|r| r.get(*name).is_some_and(|v| scalar(v) && !v.is_null()));
    let mut columns: Vec<&str> = FIRST.iter().copied().filter(filled).take(COLUMNS).collect();
    if columns.is_empty() {
        columns =
            rows.iter().flat_map(|r| r.keys()).map(String::as_str).filter(filled).take(COLUMNS).collect();
        columns.dedup();
    }
    let mut grid: Vec<Vec<String>> = vec![columns.iter().map(|c| heading(c)).collect()];
    for row in rows {
        grid.push(
            columns.iter().map(|c| short(&cell(row.get(*c).unwrap_or(&Value::Null)), WIDEST)).collect(),
        );
    }
    let widths: Vec<usize> =
        (0..columns.len()).map(|i| grid.iter().map(|r| r[i].chars().count()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in grid {
        let mut line = String::new();
        for (text, width) in row.iter().zip(&widths) {
            line.push_str(text);
            line.extend(std::iter::repeat_n(' ', width - text.chars().count() + 2));
        }
        out.push_str(short(line.trim_end(), width).as_str());
        out.push('\n');
    }
    out
}

fn lines(thing: &Map<String, Value>, width: usize) -> String {
    let known = thing.iter().filter(|(_, v)| !empty(v));
    let (long, brief): (Vec<_>, Vec<_>) =
        known.partition(|(_, v)| v.as_str().is_some_and(|s| s.contains('\n')));
    let column = brief.iter().map(|(k, _)| heading(k).chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (key, value) in brief {
        let line = format!("{:column$}  {}", heading(key), cell(value));
        out.push_str(&short(&line, width.min(400)));
        out.push('\n');
    }
    for (key, value) in long {
        out.push_str(&format!("\n{}\n{}\n", heading(key), value.as_str().unwrap_or_default().trim_end()));
    }
    out
}

fn scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
        _ => false,
    }
}

/// `sizeBytes` as `SIZE BYTES`.
fn heading(key: &str) -> String {
    let mut out = String::new();
    for c in key.chars() {
        if c.is_uppercase() {
            out.push(' ');
        }
        out.extend(c.to_uppercase());
    }
    out
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        // Text of others must not drive the terminal.
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        other => other.to_string(),
    }
}

fn short(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_list_becomes_a_table_of_its_telling_columns() {
        let rows = json!([
            {"id": "1", "identifier": "PAP-1", "title": "Short", "status": "todo", "labels": []},
            {"id": "2", "identifier": "PAP-20", "title": "A longer one", "status": "done", "labels": []},
        ]);
        let shown = super::render(&rows, usize::MAX);
        assert_eq!(
            shown,
            "IDENTIFIER  TITLE         STATUS  ID\n\
             PAP-1       Short         todo    1\n\
             PAP-20      A longer one  done    2\n"
        );
    }

    #[test]
    fn what_others_wrote_cannot_drive_the_terminal() {
        let shown = super::render(&json!([{"title": "a\u{1b}[2Jb"}]), usize::MAX);
        assert!(!shown.contains('\u{1b}'));
    }

    #[test]
    fn long_text_stands_below_the_short_lines() {
        let shown = super::render(&json!({"description": "a\nb", "title": "T", "none": null}), usize::MAX);
        assert_eq!(shown, "TITLE  T\n\nDESCRIPTION\na\nb\n");
    }
}
