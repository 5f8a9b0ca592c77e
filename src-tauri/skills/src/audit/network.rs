//! What reaches another machine: commands, calls and addresses.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::Hit;
use super::text::Line;

/// Compiles a rule. Each is compiled in the tests; one that is not valid would match nothing.
pub(super) fn rule(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

pub(super) type Rule = LazyLock<Option<Regex>>;

pub(super) fn matches(rule: &Rule, text: &str) -> bool {
    rule.as_ref().is_some_and(|r| r.is_match(text))
}

/// Words without which a text fetches nothing and hides nothing: quick to look for, and most texts have none.
static WORDS: Rule = LazyLock::new(|| {
    rule(
        r"(?i-u)://|git@|/dev/(?:tcp|udp)/|download(?:string|file)|\b(?:curl|wget|aria2c|xh|https?|iwr|irm|invoke-\w+|iex|nc|ncat|netcat|socat|telnet|scp|sftp|t?ftp|rsync|ssh|rclone|sendmail|mail|dig|nslookup|lwp-request|fetch|requests|httpx|urllib|urlopen|urlretrieve|axios|got|sendbeacon|net::http|socket|reqwest|import|deno|bun|base64|b64decode|xxd|openssl|uudecode|atob|powershell|pwsh)\b",
    )
});

/// Whether any rule about other machines or hidden code could match.
pub(super) fn may_reach(text: &str) -> bool {
    matches(&WORDS, text)
}

/// Programs that talk to another machine, with what they are told.
static COMMAND: Rule = LazyLock::new(|| {
    rule(
        r"(?i)(?:^|[\s`\x22'(;&|/])(?:curl|wget|aria2c|xh|https?|iwr|irm|invoke-webrequest|invoke-restmethod|nc|ncat|netcat|socat|telnet|scp|sftp|ftp|tftp|rsync|ssh|rclone|sendmail|mail)(?:\.exe)?\s+([^|`;]+)",
    )
});

/// Calls of a program's code that do.
static CALL: Rule = LazyLock::new(|| {
    rule(
        r"(?i)(?:\brequests\.(?:get|post|put|patch|request|session)|\bhttpx\.\w+|\burlopen|\burlretrieve|\bfetch|\baxios(?:\.\w+)?|\bgot(?:\.\w+)?|\bsendBeacon|\bhttps?\.(?:get|request)|\bNet::HTTP\.\w+|\bdownloadstring|\bdownloadfile|\bsocket\.connect|\breqwest::\w+)\s*\(",
    )
});

static ADDRESS: Rule = LazyLock::new(|| {
    rule(
        r"(?i)(?:\b(?:https?|wss?|ftps?|sftp|ssh|git)://|\bgit@)(?:[^\s/@<>\x22'`]+@)?(\[[0-9a-f:]+\]|[^\s/:?#<>\x22'`)\]},]+)",
    )
});

/// What looks like a place and is none: the name of an XML language, and variables that say who asks.
static NOWHERE: Rule = LazyLock::new(|| {
    rule(r"(?i)xmlns(?::\w+)?\s*=\s*[\x22'][^\x22']*[\x22']|\$\{?\w*(?:TOKEN|KEY|SECRET|PASSWORD|_ID)\w*\}?")
});

/// Where the first call begins that reaches out.
pub(super) fn call(line: &str) -> Option<usize> {
    if !line.contains('(') || !may_reach(line) {
        return None;
    }
    CALL.as_ref()?.find(line).map(|m| m.start())
}

/// Whether a command of the line talks to a machine that it names.
pub(super) fn commands(line: &str) -> bool {
    COMMAND.as_ref().is_some_and(|rule| {
        rule.captures_iter(line).any(|c| c.get(1).is_some_and(|a| has_target(a.as_str())))
    })
}

/// Whether arguments name another machine: an address, a host name, or a variable that may hold one.
pub(super) fn has_target(arguments: &str) -> bool {
    arguments.split_whitespace().any(|word| {
        let word = word.trim_matches(['"', '\'', '`', '(', ')', ',']);
        if let Some(address) = host(word) {
            return !is_local(address);
        }
        if word.starts_with('-') || word.starts_with("./") || word.starts_with('/') || is_own_api(word) {
            return false;
        }
        let named =
            word.contains('.') && word.chars().any(char::is_alphabetic) && !word.ends_with(['.', ':', '…']);
        let first = word.split(['/', ':']).next().unwrap_or(word);
        (word.starts_with('$') || named || word.contains("@")) && !is_local(first)
    })
}

fn host(text: &str) -> Option<&str> {
    Some(ADDRESS.as_ref()?.captures(text)?.get(1)?.as_str())
}

/// The control plane that runs the agent is on this machine.
fn is_own_api(word: &str) -> bool {
    word.contains("PAPERCLIP_API_URL")
}

/// This machine, and names that stand for nobody (RFC 2606, RFC 6761).
fn is_local(host: &str) -> bool {
    let host = host.trim_matches(['[', ']', '.']).to_ascii_lowercase();
    let last = host.rsplit('.').next().unwrap_or(&host);
    let mut end = host.rsplit('.');
    let domain = (end.next(), end.next());
    matches!(last, "localhost" | "example" | "test" | "invalid" | "local" | "internal")
        || matches!(domain, (Some("com" | "org" | "net"), Some("example")))
        || host.starts_with("127.")
        || matches!(host.as_str(), "0.0.0.0" | "::1" | "…" | "...")
        || is_own_api(&host.to_ascii_uppercase())
}

/// Lines that name another machine or a command that talks to one.
pub(super) fn find(lines: &[Line<'_>]) -> Vec<Hit> {
    let mut out = Vec::new();
    for line in lines {
        let text: &str = &line.text;
        if !may_reach(text) {
            continue;
        }
        let Some(address) = ADDRESS.as_ref() else { break };
        let text = NOWHERE.as_ref().map_or(Cow::Borrowed(text), |r| r.replace_all(text, ""));
        let text: &str = &text;
        let named =
            address.captures_iter(text).filter_map(|c| c.get(1)).map(|h| h.as_str()).find(|h| !is_local(h));
        let message = match named {
            Some(host) => format!("Names another machine: {}.", crate::bundle::shown(host)),
            None if commands(text) => "A command that talks to another machine.".to_owned(),
            None => continue,
        };
        out.push(Hit { line: line.number, message });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::text;
    use super::*;

    #[test]
    fn every_rule_is_valid() {
        for r in [&WORDS, &COMMAND, &CALL, &ADDRESS, &NOWHERE] {
            assert!(r.is_some());
        }
    }

    #[test]
    fn other_machines_are_noticed_and_this_one_is_not() {
        let hits = |t: &str| find(&text::lines(t)).len();
        for reaches in [
            "See https://docs.acme.io/x.",
            "[a](http://acme.io)",
            "git clone git@github.com:o/r.git",
            "ssh deploy@10.0.0.5",
            "curl acme.io/x",
            "curl \"$URL\"",
            "wget -q https://[2001:db8::1]/x",
            "rsync -a . host.acme.io:/srv",
            "https://example.com.evil.io/",
            "https://user@acme.io/",
        ] {
            assert_eq!(hits(reaches), 1, "{reaches}");
        }
        for stays in [
            "http://localhost:3000/x",
            "http://127.0.0.1/",
            "http://[::1]:8080",
            "https://example.com/a and https://api.example.org",
            "curl -sS \"$PAPERCLIP_API_URL/api/agents/me\"",
            "curl http://localhost:3100/health",
            "Use curl or wget.",
            "mail the report to the board",
            "<svg xmlns=\"http://www.w3.org/2000/svg\">",
            "https://…",
            "nothing here",
        ] {
            assert_eq!(hits(stays), 0, "{stays}");
        }
    }
}
