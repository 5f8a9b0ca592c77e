//! The front matter of a SKILL.md: YAML between two lines of `---`, as the Agent Skills format has it.
//!
//! It comes from outside, so it is read under limits and without what YAML has beyond data: no anchors, no aliases,
//! no merge keys, no second document.

use contract::JsonObject;
use contract::skill::SkillCompatibility;
use serde_json::Value;

/// Longest front matter, in bytes.
const LONGEST: usize = 16 << 10;
const LONGEST_NAME: usize = 200;
/// The format allows 1,024; some authors go beyond it and mean well.
const LONGEST_DESCRIPTION: usize = 4096;
/// Longest list of tags, roles or tools, and longest entry of one.
const LONGEST_LIST: usize = 64;
const LONGEST_ENTRY: usize = 300;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrontMatter {
    pub name: Option<String>,
    /// What it does and when to use it: by this an agent finds it.
    pub description: Option<String>,
    pub slug: Option<String>,
    /// As given, not yet normalised.
    pub key: Option<String>,
    pub license: Option<String>,
    /// What it needs of its surroundings, in words.
    pub compatibility: Option<String>,
    pub allowed_tools: Vec<String>,
    pub roles: Vec<String>,
    pub tags: Vec<String>,
    /// Keys of skills that it builds on.
    pub requires: Vec<String>,
    pub default_install: bool,
    pub metadata: JsonObject,
}

/// A SKILL.md in its two parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<'a> {
    pub front: FrontMatter,
    pub body: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrontMatterError {
    #[error("the file does not begin with front matter between two lines of ---")]
    Absent,
    #[error("the front matter has no closing line of --- within its first {LONGEST} bytes")]
    Unclosed,
    #[error("the file is no UTF-8 text")]
    NotText,
    #[error("line {line}: {message}")]
    Yaml { line: u64, message: String },
    #[error("the front matter is a {0} instead of fields")]
    NoFields(&'static str),
    #[error("the field {field} {why}")]
    Field { field: &'static str, why: String },
}

pub fn parse_bytes(bytes: &[u8]) -> Result<Parsed<'_>, FrontMatterError> {
    parse(std::str::from_utf8(bytes).map_err(|_| FrontMatterError::NotText)?)
}

pub fn parse(text: &str) -> Result<Parsed<'_>, FrontMatterError> {
    let (yaml, body) = split(text)?;
    let fields = match fields(yaml) {
        Err(FrontMatterError::Yaml { line, message }) => mended(yaml)
            .and_then(|yaml| self::fields(&yaml).ok())
            .ok_or(FrontMatterError::Yaml { line, message })?,
        other => other?,
    };
    Ok(Parsed { front: read(fields)?, body })
}

/// How well an agent's tool can work with a skill whose front matter reads like this.
pub fn compatibility(front: &Result<FrontMatter, FrontMatterError>) -> SkillCompatibility {
    match front {
        Ok(f) if f.name.is_some() && f.description.is_some() => SkillCompatibility::Compatible,
        Ok(_) | Err(FrontMatterError::Absent) => SkillCompatibility::Unknown,
        Err(_) => SkillCompatibility::Invalid,
    }
}

/// The YAML and what follows it. A byte order mark and either kind of line ending are taken.
fn split(text: &str) -> Result<(&str, &str), FrontMatterError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut at = match text.split_inclusive('\n').next() {
        Some(first) if is_fence(first) => first.len(),
        _ => return Err(FrontMatterError::Absent),
    };
    let start = at;
    for line in text[start..].split_inclusive('\n') {
        if at - start > LONGEST {
            break;
        }
        if is_fence(line) {
            return Ok((&text[start..at], &text[at + line.len()..]));
        }
        at += line.len();
    }
    Err(FrontMatterError::Unclosed)
}

fn is_fence(line: &str) -> bool {
    line.trim_end() == "---"
}

fn fields(yaml: &str) -> Result<JsonObject, FrontMatterError> {
    if yaml.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
        return Ok(JsonObject::new());
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(LONGEST),
            max_events: 4_000,
            max_nodes: 2_000,
            max_depth: 8,
            flow_nesting_limit: 8,
            max_documents: 1,
            max_anchors: 0,
            max_aliases: 0,
            max_merge_keys: 0,
            max_total_scalar_bytes: LONGEST,
        },
        with_snippet: false,
    };
    let value: Value = serde_saphyr::from_str_with_options(yaml, options).map_err(|e| {
        // The line within the file: the fence is line 1.
        let line = e.location().map_or(1, |l| l.line()) + 1;
        let message = e.without_snippet().to_string();
        // It counts from the front matter's own first line.
        let message = message.split(" at line ").next().unwrap_or_default();
        FrontMatterError::Yaml { line, message: message.chars().take(300).collect() }
    })?;
    match value {
        Value::Object(fields) => Ok(fields),
        Value::Null => Ok(JsonObject::new()),
        Value::Array(_) => Err(FrontMatterError::NoFields("list")),
        _ => Err(FrontMatterError::NoFields("single value")),
    }
}

/// The front matter with its names and descriptions quoted, if one of them is a plain text with a colon in it: not
/// valid, widely written, and read by the tools that skills are written for.
fn mended(yaml: &str) -> Option<String> {
    let mut changed = false;
    let mut out = String::with_capacity(yaml.len() + 16);
    for line in yaml.lines() {
        let plain = line.split_once(": ").filter(|(field, value)| {
            matches!(*field, "name" | "description")
                && value.contains(": ")
                && !value.trim_start().starts_with(['"', '\'', '|', '>', '[', '{', '&', '*', '!'])
        });
        match plain {
            Some((field, value)) => {
                changed = true;
                let quoted = Value::String(value.trim().to_owned()).to_string();
                out.push_str(field);
                out.push_str(": ");
                out.push_str(&quoted);
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    changed.then_some(out)
}

fn read(mut fields: JsonObject) -> Result<FrontMatter, FrontMatterError> {
    let metadata = match fields.remove("metadata") {
        None | Some(Value::Null) => JsonObject::new(),
        Some(Value::Object(m)) => m,
        Some(_) => return Err(FrontMatterError::Field { field: "metadata", why: "holds no fields".into() }),
    };
    let nested = metadata.get("paperclip").and_then(Value::as_object);
    let inner = |name: &str| nested.and_then(|n| n.get(name));
    let key = [fields.get("key"), fields.get("skillKey")]
        .into_iter()
        .chain(["skillKey", "canonicalKey", "paperclipSkillKey", "paperclip-key"].map(|k| metadata.get(k)))
        .chain([inner("skillKey"), inner("key")])
        .flatten()
        .find_map(|v| v.as_str().map(str::trim).filter(|s| !s.is_empty()));
    // The format wants texts in `metadata`, hence `paperclip-tags: a, b`; lists in the other places are Paperclip's.
    let listed = |field: &'static str, flat: &str, own: &str| {
        let found = metadata.get(flat).or_else(|| inner(own)).or_else(|| fields.get(own));
        list(field, found, ',')
    };
    let front = FrontMatter {
        name: text("name", fields.get("name"), LONGEST_NAME)?
            .map(|n| n.split_whitespace().collect::<Vec<_>>().join(" ")),
        description: text("description", fields.get("description"), LONGEST_DESCRIPTION)?,
        slug: text("slug", fields.get("slug"), LONGEST_NAME)?,
        key: key.map(str::to_owned),
        license: text("license", fields.get("license"), LONGEST_DESCRIPTION)?,
        compatibility: text("compatibility", fields.get("compatibility"), LONGEST_DESCRIPTION)?,
        allowed_tools: list("allowed-tools", fields.get("allowed-tools"), ' ')?,
        roles: listed("recommendedForRoles", "paperclip-roles", "recommendedForRoles")?,
        tags: listed("tags", "paperclip-tags", "tags")?,
        requires: listed("requires", "paperclip-requires", "requires")?,
        default_install: [
            metadata.get("paperclip-default-install"),
            inner("defaultInstall"),
            fields.get("defaultInstall"),
        ]
        .into_iter()
        .flatten()
        .any(|v| v == &Value::Bool(true) || v.as_str() == Some("true")),
        metadata: JsonObject::new(),
    };
    Ok(FrontMatter { metadata, ..front })
}

/// A single value as text; a number or a truth value is one that somebody forgot to quote.
fn text(
    field: &'static str,
    value: Option<&Value>,
    longest: usize,
) -> Result<Option<String>, FrontMatterError> {
    let wrong = |why: String| Err(FrontMatterError::Field { field, why });
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(s)) => s.trim().to_owned(),
        Some(v @ (Value::Number(_) | Value::Bool(_))) => v.to_string(),
        Some(Value::Array(_) | Value::Object(_)) => return wrong("is no text".into()),
    };
    if text.chars().count() > longest {
        return wrong(format!("is longer than {longest} characters"));
    }
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
        return wrong("holds control characters".into());
    }
    Ok((!text.is_empty()).then_some(text))
}

/// A list, or a text with its entries.
fn list(field: &'static str, value: Option<&Value>, between: char) -> Result<Vec<String>, FrontMatterError> {
    let wrong = |why: &str| FrontMatterError::Field { field, why: why.to_owned() };
    let mut entries: Vec<String> = Vec::new();
    match value {
        None | Some(Value::Null) => {}
        Some(Value::String(s)) => {
            let apart = |c: char| c == ',' || (between == ' ' && c.is_whitespace());
            entries.extend(s.split(apart).map(|e| e.trim().to_owned()));
        }
        Some(Value::Array(list)) => {
            for entry in list {
                entries.push(text(field, Some(entry), LONGEST_ENTRY)?.unwrap_or_default());
            }
        }
        Some(_) => return Err(wrong("is no list")),
    }
    entries.retain(|e| !e.is_empty());
    if entries.len() > LONGEST_LIST || entries.iter().any(|e| e.chars().count() > LONGEST_ENTRY) {
        return Err(wrong("is too long"));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests;
