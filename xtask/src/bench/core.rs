//! The core without a window, over HTTP.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Figures;
use super::client::{Client, percentile};
use super::memory;
use super::table::SCENARIOS;
use crate::build::Built;
use crate::project::say;

const SAMPLES: usize = 1000;
const RUNS: usize = 60;
const CONNECTIONS: usize = 8;
const STREAMING: usize = 50;
/// Words that occur in the seeded texts.
const WORDS: [&str; 22] = [
    "login", "page", "breaks", "session", "expires", "export", "invoice", "slow", "query", "retry", "worker",
    "queue", "deploy", "staging", "mobile", "layout", "budget", "report", "search", "index", "cache",
    "token",
];
/// How often the data changes while eight connections read it.
const CHANGE_EVERY: Duration = Duration::from_millis(50);

/// A program under measurement, ended when dropped.
pub struct Program {
    child: Child,
    pub url: String,
    pub token: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Program {
    pub fn headless(built: &Built, data: &Path) -> Result<(Self, f64)> {
        let begun = Instant::now();
        let mut child = Command::new(&built.desktop)
            .args(["--headless", "--port", "0", "--data-dir"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
        let ready = begun.elapsed().as_secs_f64() * 1000.0;
        let place: Value = serde_json::from_str(&line).context("the program did not say where it is")?;
        let url = place["url"].as_str().context("a URL")?.to_owned();
        let token =
            std::fs::read_to_string(place["tokenFile"].as_str().context("a token file")?)?.trim().to_owned();
        Ok((Self { child, url, token }, ready))
    }

    pub fn client(&self) -> Result<Client> {
        Client::connect(&self.url, &self.token)
    }
}

pub fn measure(built: &Built, data: &Path, figures: &mut Figures, stream_minutes: u64) -> Result<()> {
    let mut starts = Vec::new();
    for _ in 0..5 {
        starts.push(Program::headless(built, data)?.1);
    }
    figures.insert("core start to ready", percentile(&mut starts, 0.5));
    let (program, _) = Program::headless(built, data)?;
    thread::sleep(Duration::from_secs(3));
    if let Some(mib) = memory::pss(program.child.id()) {
        figures.insert("memory, headless core at rest", mib);
    }
    let mut client = program.client()?;
    let company =
        client.json("GET", "/api/companies", "")?[0]["id"].as_str().context("a company")?.to_owned();
    say("xtask: measure calls");
    calls(&mut client, &company, figures, "")?;
    say("xtask: measure runs");
    runs(&mut client, &company, figures)?;
    say("xtask: measure eight connections");
    figures.insert("list of 50, 8 connections", throughput(&program, &company)?);
    say("xtask: measure while agents stream");
    while_streaming(&program, &company, data, figures, stream_minutes)
}

/// Times a call many times over and notes the percentiles that the table has of it.
fn sample(figures: &mut Figures, what: &str, mut call: impl FnMut(usize) -> Result<f64>) -> Result<()> {
    for n in 0..20 {
        call(n)?;
    }
    let mut times = (20..20 + SAMPLES).map(&mut call).collect::<Result<Vec<f64>>>()?;
    for (word, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
        let name = format!("{what}, {word}");
        if let Some(scenario) = SCENARIOS.iter().find(|s| s.what == name) {
            figures.insert(scenario.what, percentile(&mut times, share));
        }
    }
    Ok(())
}

/// Times every kind of call; `meanwhile` says what else goes on.
fn calls(client: &mut Client, company: &str, figures: &mut Figures, meanwhile: &str) -> Result<()> {
    let issues = format!("/api/companies/{company}/issues");
    sample(figures, &format!("create{meanwhile}"), |n| {
        client.timed(
            "POST",
            &issues,
            &format!(r#"{{"title": "Bench issue {n}", "description": "Some words about it."}}"#),
        )
    })?;
    let key = |n: usize| format!("BEN-{}", 1 + n * 37 % 90_000);
    sample(figures, &format!("comment{meanwhile}"), |n| {
        client.timed(
            "POST",
            &format!("/api/issues/{}/comments", key(n)),
            r#"{"body": "A comment of some words."}"#,
        )
    })?;
    sample(figures, &format!("patch{meanwhile}"), |n| {
        client.timed("PATCH", &format!("/api/issues/{}", key(n)), &format!(r#"{{"title": "Renamed {n}"}}"#))
    })?;
    let filters =
        ["", "&status=todo", "&sortField=priority", "&status=done,blocked", "&assigneeAgentId=none"];
    // An answer is kept until something changes, so each question that is timed is a new one.
    sample(figures, &format!("list of 50{meanwhile}"), |n| {
        let filter = filters[n % filters.len()];
        client.timed("GET", &format!("{issues}?limit=50{filter}&offset={}", n / filters.len() * 3), "")
    })?;
    sample(figures, &format!("detail{meanwhile}"), |n| {
        client.timed("GET", &format!("/api/issues/{}", key(n)), "")
    })?;
    sample(figures, &format!("search{meanwhile}"), |n| {
        // Two words in all their orders, the second one now whole, now only begun.
        let (first, second) = (WORDS[n % WORDS.len()], WORDS[n / WORDS.len() % WORDS.len()]);
        let begun = if (n / (WORDS.len() * WORDS.len())).is_multiple_of(2) { second } else { &second[..3] };
        client.timed("GET", &format!("/api/companies/{company}/search?q={first}%20{begun}"), "")
    })
}

fn agent(client: &mut Client, company: &str, name: &str, config: &str) -> Result<String> {
    let body = format!(r#"{{"name": "{name}", "adapterType": "process", "adapterConfig": {config}}}"#);
    let made = client.json("POST", &format!("/api/companies/{company}/agents"), &body)?;
    Ok(made["id"].as_str().context("an agent")?.to_owned())
}

fn runs(client: &mut Client, company: &str, figures: &mut Figures) -> Result<()> {
    let agent = agent(client, company, "Quick", r#"{"command": "/bin/true"}"#)?;
    let mut times = Vec::new();
    for n in 0..RUNS + 5 {
        let begun = Instant::now();
        let path = format!("/api/heartbeat-runs/{}", wake(client, &agent)?);
        while client.json("GET", &path, "")?["finishedAt"].is_null() {
            thread::sleep(Duration::from_millis(1));
        }
        // The first ones pay for what is done once, such as asking the login shell for its PATH.
        if n >= 5 {
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
    figures.insert("wake to finished /bin/true, p50", percentile(&mut times, 0.5));
    Ok(())
}

/// Reads over eight connections, while a ninth changes an issue twenty times a second.
fn throughput(program: &Program, company: &str) -> Result<f64> {
    let path = format!("/api/companies/{company}/issues?limit=50");
    let span = Duration::from_secs(5);
    let mut changing = program.client()?;
    let changes = thread::spawn(move || {
        let begun = Instant::now();
        while begun.elapsed() < span {
            changing.call("PATCH", "/api/issues/BEN-7", r#"{"title": "Changed meanwhile"}"#)?;
            thread::sleep(CHANGE_EVERY);
        }
        Ok::<_, anyhow::Error>(())
    });
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (mut client, path) = (program.client()?, path.clone());
            Ok(thread::spawn(move || {
                let begun = Instant::now();
                let mut done = 0u32;
                while begun.elapsed() < span {
                    client.call("GET", &path, "")?;
                    done += 1;
                }
                Ok::<_, anyhow::Error>(f64::from(done) / begun.elapsed().as_secs_f64())
            }))
        })
        .collect::<Result<_>>()?;
    let broke = |_| anyhow::anyhow!("a client broke");
    let sum = threads.into_iter().map(|t| t.join().map_err(broke)?).sum();
    changes.join().map_err(broke)??;
    sum
}

fn while_streaming(
    program: &Program,
    company: &str,
    data: &Path,
    figures: &mut Figures,
    minutes: u64,
) -> Result<()> {
    let mut client = program.client()?;
    client.call(
        "PATCH",
        "/api/instance/settings/general",
        &format!(r#"{{"maxLiveRuns": {}}}"#, STREAMING + 5),
    )?;
    // This very program writes the streams: fifty shells would measure how fast the machine can fork.
    let this = std::env::current_exe()?;
    let config = serde_json::json!({ "command": this, "args": [super::stream::COMMAND] }).to_string();
    let mut streamers = Streamers { logs: data.join("runs").join(company), runs: Vec::new() };
    for n in 0..STREAMING {
        let agent = agent(&mut client, company, &format!("Stream {n}"), &config)?;
        let run = wake(&mut client, &agent)?;
        streamers.runs.push((agent, run));
    }
    thread::sleep(Duration::from_secs(3));
    let hosts: Vec<f64> = memory::running("run-host").into_iter().filter_map(memory::pss).collect();
    if !hosts.is_empty() {
        figures.insert("memory, a run host", hosts.iter().sum::<f64>() / hosts.len() as f64);
    }
    calls(&mut client, company, figures, " while 50 agents stream")?;
    say(format_args!("xtask: {} run hosts were live", hosts.len()));
    if minutes > 0 {
        figures.insert(
            "growth of memory while streaming",
            growth(program, &mut client, &mut streamers, minutes)?,
        );
    }
    client.call("POST", "/api/instance/pause", "")?;
    for _ in 0..300 {
        if client.json("GET", "/api/instance/status", "")?["runningRuns"] == 0 {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    client.call("POST", "/api/instance/resume", "")?;
    Ok(())
}

/// Starts a run of an agent, and names it.
fn wake(client: &mut Client, agent: &str) -> Result<String> {
    let run = client.json("POST", &format!("/api/agents/{agent}/wakeup"), "{}")?;
    Ok(run["id"].as_str().context("a run")?.to_owned())
}

/// Agents that stream, each with its last run.
struct Streamers {
    logs: PathBuf,
    runs: Vec<(String, String)>,
}

impl Streamers {
    /// Wakes those again whose run is over, and takes its log away: an hour of all of them fits on few disks.
    fn go_on(&mut self, client: &mut Client) -> Result<()> {
        for (agent, run) in &mut self.runs {
            if !client.json("GET", &format!("/api/heartbeat-runs/{run}"), "")?["finishedAt"].is_null() {
                let _ = std::fs::remove_dir_all(self.logs.join(&run));
                *run = wake(client, agent)?;
            }
        }
        Ok(())
    }
}

/// How much more memory the core takes at the end than after the first third, by the median of each minute.
fn growth(program: &Program, client: &mut Client, streamers: &mut Streamers, minutes: u64) -> Result<f64> {
    let mut each = Vec::new();
    for minute in 0..minutes {
        let mut samples = Vec::new();
        for _ in 0..12 {
            thread::sleep(Duration::from_secs(5));
            samples.extend(memory::pss(program.child.id()));
            streamers.go_on(client)?;
        }
        each.push(percentile(&mut samples, 0.5));
        say(format_args!("xtask: minute {}: {:.1} MiB", minute + 1, each[each.len() - 1]));
    }
    // The first third fills caches; memory that grows goes on growing after it.
    let third = each.len() / 3;
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    Ok(mean(&each[each.len() - third..]) - mean(&each[third..2 * third]))
}
