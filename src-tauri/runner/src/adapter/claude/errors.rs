//! What Claude Code's failures mean. API errors come with `subtype: "success"`, so it is `is_error`, the
//! status and the words that count.

use contract::{JsonObject, Timestamp};

use super::limits::reset_time;
use crate::adapter::{Conclusion, ErrorFamily, Outcome, Parsed};

const AUTH: [&str; 12] = [
    "not logged in",
    "please log in",
    "please run /login",
    "run claude login",
    "run `claude login`",
    "login required",
    "unauthorized",
    "authentication required",
    "invalid api key",
    "failed to authenticate",
    "oauth token has expired",
    "invalid authentication credentials",
];

const TRANSIENT: [&str; 22] = [
    "rate limit",
    "rate_limit",
    "ratelimit",
    "too many requests",
    "overloaded",
    "service unavailable",
    "temporarily unavailable",
    "usage limit",
    "limit reached",
    "hit your limit",
    "5-hour limit",
    "weekly limit",
    "extra usage",
    "(429)",
    " 429 ",
    " 503 ",
    " 529 ",
    "unable to connect to api",
    "connection error",
    "econnreset",
    "econnrefused",
    "fetch failed",
];

const UNKNOWN_SESSION: [&str; 3] =
    ["no conversation found with session id", "unknown session", "--resume requires a valid session"];

const MAX_TURNS: [&str; 4] = ["error_max_turns", "max_turns", "max_turns_exhausted", "turn_limit"];

/// Everything said about the failure, in lower case.
fn words(parsed: &Parsed, message: &str) -> String {
    let result = parsed.result_text.as_deref().unwrap_or_default();
    let errors = parsed.errors.join("\n");
    format!(" {message}\n{result}\n{errors}\n{} ", parsed.stderr_excerpt).to_lowercase()
}

fn any(words: &str, signs: &[&str]) -> bool {
    signs.iter().any(|sign| words.contains(sign))
}

/// The sentence that says best what went wrong.
pub fn message(parsed: &Parsed, exit: Option<String>) -> String {
    let said = parsed.result_text.as_deref().map(str::trim).filter(|s| !s.is_empty());
    parsed
        .errors
        .first()
        .cloned()
        .or_else(|| said.map(str::to_owned))
        .or_else(|| from_stderr(&parsed.stderr_excerpt))
        .or(exit)
        .unwrap_or_else(|| "Claude Code failed without saying why".into())
}

/// The last line of stderr that says something.
pub fn from_stderr(stderr: &str) -> Option<String> {
    stderr.lines().rev().map(str::trim).find(|l| !l.is_empty()).map(str::to_owned)
}

pub fn is_unknown_session(parsed: &Parsed) -> bool {
    let words = words(parsed, "");
    any(&words, &UNKNOWN_SESSION)
        || words.lines().any(|line| line.find("session").is_some_and(|at| line[at..].contains("not found")))
}

/// A failure with its class.
pub fn classify(parsed: &Parsed, message: String, now: Timestamp) -> Conclusion {
    let words = words(parsed, &message);
    let max_turns = [&parsed.subtype, &parsed.stop_reason]
        .into_iter()
        .flatten()
        .any(|word| MAX_TURNS.contains(&word.as_str()));
    let failed = Conclusion::of(Outcome::Failed);
    if max_turns {
        return failed.because("max_turns_exhausted", message);
    }
    if matches!(parsed.api_status, Some(401 | 403)) || (parsed.api_status.is_none() && any(&words, &AUTH)) {
        let mut conclusion = failed.because("claude_auth_required", message);
        conclusion.error_meta =
            login_url(&words).map(|url| JsonObject::from_iter([("loginUrl".into(), url.into())]));
        return conclusion;
    }
    let transient = match parsed.api_status {
        Some(408 | 429 | 500..=599) => true,
        // A request that the provider refuses as such is refused again.
        Some(400..=499) => any(&words, &["usage limit", "hit your limit", "limit reached"]),
        _ => any(&words, &TRANSIENT),
    };
    if transient {
        let resets = reset_time(&words, now);
        let mut conclusion = failed.because("claude_transient_upstream", message);
        conclusion.error_family = Some(ErrorFamily::TransientUpstream);
        conclusion.retry_not_before = parsed.retry_not_before.or(resets);
        return conclusion;
    }
    failed.because("adapter_failed", message)
}

fn login_url(words: &str) -> Option<String> {
    let start = words.find("https://")?;
    let url =
        words[start..].split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>')).next()?;
    Some(url.trim_end_matches(['.', ',', ')']).to_owned())
}
