//! The audit of a skill: looks at its bytes, never runs or fetches anything.
//!
//! Codes, severities and verdicts are Paperclip's. An error is a hard stop: the skill is neither installed nor
//! updated, and force does not help. So errors are found by patterns that a harmless text hardly has, and whatever
//! merely deserves a look is a warning.

mod fetch;
mod links;
mod network;
mod report;
mod secrets;
mod text;

use std::collections::BTreeSet;

use contract::skill::{
    SkillAuditCode as Code, SkillAuditFinding, SkillAuditResult, SkillAuditSeverity, SkillAuditVerdict,
    SkillFileEntry, SkillFileKind, SkillUpdateHoldReason,
};
use contract::{SkillId, Timestamp};

use crate::bundle::{Bundle, Limits, shown};
use crate::tree::{Entry, Found};
use crate::{front_matter, hash, inventory, path};

pub const SCAN_VERSION: &str = "skills-audit-v1";

/// Findings of one code in one file; a file full of them is told of once.
const MOST_ALIKE: usize = 10;
/// Findings in all.
const MOST: usize = 500;

/// What is known of a skill beyond its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The files that it is on record with.
    pub recorded: Option<&'a [SkillFileEntry]>,
    pub origin: Origin<'a>,
}

/// The bytes that a skill was installed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin<'a> {
    /// It has none: it was written here.
    #[default]
    None,
    /// Their content hash.
    Known(&'a str),
    /// It has one, and that cannot be had any more.
    Unavailable,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    pub verdict: SkillAuditVerdict,
    /// Errors first, then by path and line.
    pub findings: Vec<SkillAuditFinding>,
    /// Of what was looked at. Absent when not all of it could be read.
    pub content_hash: Option<String>,
}

impl Audit {
    /// Nothing may be installed, whatever is forced.
    pub fn is_hard_stop(&self) -> bool {
        self.verdict == SkillAuditVerdict::Fail
    }

    /// Each once, errors first.
    pub fn codes(&self) -> Vec<Code> {
        self.findings.iter().map(|f| f.code).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Why an update has to wait, if this is what an audit says of it.
    pub fn hold_reason(&self) -> Option<SkillUpdateHoldReason> {
        let has = |code| self.findings.iter().any(|f| f.code == code);
        if has(Code::OriginUnavailable) {
            Some(SkillUpdateHoldReason::OriginUnavailable)
        } else if self.is_hard_stop() {
            Some(SkillUpdateHoldReason::AuditHardStop)
        } else if has(Code::LocalModifications) {
            Some(SkillUpdateHoldReason::LocalModifications)
        } else {
            None
        }
    }

    /// As it is sent.
    pub fn result(self, skill_id: SkillId, origin: Origin<'_>, scanned_at: Timestamp) -> SkillAuditResult {
        let origin_hash = match origin {
            Origin::Known(hash) => Some(hash.to_owned()),
            Origin::None | Origin::Unavailable => None,
        };
        SkillAuditResult {
            skill_id,
            origin_hash,
            verdict: self.verdict,
            codes: self.codes(),
            installed_hash: self.content_hash,
            findings: self.findings,
            scanned_at,
            scan_version: SCAN_VERSION.to_owned(),
        }
    }

    /// For a person: each finding with the line it is about.
    pub fn report(&self, name: &str) -> String {
        report::render(self, name)
    }
}

/// Audits a skill that is about to be installed.
pub fn bundle(bundle: &Bundle, context: &Context<'_>) -> Audit {
    let pieces: Vec<Piece<'_>> = bundle
        .files()
        .iter()
        .map(|f| Piece { path: &f.path, body: Body::File(&f.bytes), sha256: Some(&f.sha256) })
        .collect();
    Scan::default().run(&pieces, context)
}

/// Audits what lies in a skill's folder, as `tree::survey` found it.
pub fn entries(entries: &[Entry], context: &Context<'_>) -> Audit {
    let pieces: Vec<Piece<'_>> = entries.iter().map(Piece::of).collect();
    Scan::default().run(&pieces, context)
}

struct Piece<'a> {
    path: &'a str,
    body: Body<'a>,
    sha256: Option<&'a str>,
}

impl<'a> Piece<'a> {
    fn of(entry: &'a Entry) -> Self {
        let body = match &entry.found {
            Found::File(bytes) => Body::File(bytes),
            Found::Oversized(size) => Body::Oversized(*size),
            Found::Link(target) => Body::Link(target),
            Found::Special => Body::Special,
        };
        Self { path: &entry.path, body, sha256: None }
    }
}

enum Body<'a> {
    File(&'a [u8]),
    Oversized(u64),
    Link(&'a str),
    Special,
}

/// What a rule found on a line.
struct Hit {
    line: u32,
    message: String,
}

#[derive(Default)]
struct Scan {
    findings: Vec<SkillAuditFinding>,
}

impl Scan {
    fn run(mut self, pieces: &[Piece<'_>], context: &Context<'_>) -> Audit {
        let paths: BTreeSet<&str> = pieces.iter().map(|p| p.path).collect();
        for piece in pieces {
            self.piece(piece, &paths);
        }
        if !pieces.iter().any(|p| p.path == inventory::ENTRYPOINT && matches!(p.body, Body::File(_))) {
            self.whole(Code::MissingSkillMd, "There is no SKILL.md.");
        }
        if let Some(recorded) = context.recorded {
            self.compare(recorded, &paths);
        }
        let content_hash = content_hash(pieces);
        match context.origin {
            Origin::None => {}
            Origin::Unavailable => {
                self.whole(
                    Code::OriginUnavailable,
                    "The bytes it was installed from cannot be had any more.",
                );
            }
            Origin::Known(origin) if content_hash.as_deref() == Some(origin) => {}
            Origin::Known(_) => {
                self.whole(Code::LocalModifications, "It differs from what was installed.");
            }
        }
        self.finish(content_hash)
    }

    fn finish(mut self, content_hash: Option<String>) -> Audit {
        let key = |f: &SkillAuditFinding| {
            (f.severity == SkillAuditSeverity::Warning, f.path.clone(), f.line, f.code)
        };
        self.findings.sort_by_cached_key(key);
        self.findings.truncate(MOST);
        let worst = self.findings.iter().map(|f| f.severity).max();
        let verdict = match worst {
            None => SkillAuditVerdict::Pass,
            Some(SkillAuditSeverity::Warning) => SkillAuditVerdict::Warning,
            Some(SkillAuditSeverity::Error) => SkillAuditVerdict::Fail,
        };
        Audit { verdict, findings: self.findings, content_hash }
    }

    fn piece(&mut self, piece: &Piece<'_>, paths: &BTreeSet<&str>) {
        let Piece { path, body, .. } = piece;
        if let Err(why) = path::check(path) {
            self.file(Code::PathOutOfTree, path, format!("The path is refused: {why}."));
        }
        let kind = inventory::kind(path);
        match kind {
            SkillFileKind::Script => self.file(Code::ScriptTrust, path, "The skill brings a script.".into()),
            SkillFileKind::Asset => self.file(Code::AssetTrust, path, "The skill brings an asset.".into()),
            SkillFileKind::Other => {
                self.file(Code::OtherTrust, path, "The skill brings a file of no known kind.".into());
            }
            SkillFileKind::Skill | SkillFileKind::Markdown | SkillFileKind::Reference => {}
        }
        match body {
            Body::Link(target) => {
                self.file(Code::Symlink, path, format!("It is a link to {}.", shown(target)));
            }
            Body::Special => {
                self.file(Code::NonTextFile, path, "It is no file, or its name is no text.".into());
            }
            Body::Oversized(size) => self.oversized(path, *size),
            Body::File(bytes) if bytes.len() as u64 > Limits::SKILL.file_bytes => {
                self.oversized(path, bytes.len() as u64);
            }
            Body::File(bytes) => self.content(path, kind, bytes, paths),
        }
    }

    fn oversized(&mut self, path: &str, size: u64) {
        let limit = Limits::SKILL.file_bytes;
        self.file(Code::OversizedFile, path, format!("It has {size} bytes; {limit} are the most."));
    }

    fn content(&mut self, path: &str, kind: SkillFileKind, bytes: &[u8], paths: &BTreeSet<&str>) {
        if path == inventory::ENTRYPOINT {
            self.front_matter(path, bytes);
        }
        let Some(text) = text::of(bytes) else {
            if kind != SkillFileKind::Asset {
                self.file(
                    Code::NonTextFile,
                    path,
                    "It is no UTF-8 text, and only an asset need not be.".into(),
                );
            } else if text::is_program(bytes) {
                self.file(Code::NonTextFile, path, "It is a program, whatever its name says.".into());
            }
            return;
        };
        let lines = text::lines(text);
        for (code, hits) in [
            (Code::RemoteFetchExec, fetch::find(&lines)),
            (Code::SecretExfiltration, secrets::exfiltration(&lines)),
            (Code::NetworkReference, network::find(&lines)),
            (Code::SecretReference, secrets::references(&lines)),
        ] {
            for hit in hits.iter().take(MOST_ALIKE) {
                self.line(code, path, hit, text);
            }
        }
        if inventory::is_markdown(path) {
            for hit in links::broken(path, text, paths).iter().take(MOST_ALIKE) {
                self.line(Code::BrokenInternalLink, path, hit, text);
            }
        }
    }

    fn front_matter(&mut self, path: &str, bytes: &[u8]) {
        let wrong = match front_matter::parse_bytes(bytes).map(|p| p.front) {
            Ok(f) if f.name.is_some() => return,
            Ok(_) => "the field name is missing".to_owned(),
            Err(error) => error.to_string(),
        };
        self.file(Code::InvalidFrontmatter, path, format!("The front matter is not valid: {wrong}."));
    }

    /// What is on record against what is there.
    fn compare(&mut self, recorded: &[SkillFileEntry], paths: &BTreeSet<&str>) {
        let known: BTreeSet<&str> = recorded.iter().map(|e| e.path.as_str()).collect();
        for gone in known.difference(paths) {
            self.file(Code::InventoryMismatch, gone, "It is on record and not there.".into());
        }
        for new in paths.difference(&known) {
            self.file(Code::InventoryMismatch, new, "It is there and not on record.".into());
        }
        for entry in recorded.iter().filter(|e| paths.contains(e.path.as_str())) {
            let is = inventory::kind(&entry.path);
            if is != entry.kind {
                let message = format!("It is on record as {} and is {is}.", entry.kind);
                self.file(Code::InventoryMismatch, &entry.path, message);
            }
        }
    }

    fn whole(&mut self, code: Code, message: &str) {
        self.push(code, None, message.to_owned(), None, None);
    }

    fn file(&mut self, code: Code, path: &str, message: String) {
        self.push(code, Some(shown(path)), message, None, None);
    }

    fn line(&mut self, code: Code, path: &str, hit: &Hit, text: &str) {
        let nth = usize::try_from(hit.line.saturating_sub(1)).unwrap_or_default();
        let excerpt = text.lines().nth(nth).map(secrets::masked);
        self.push(code, Some(shown(path)), hit.message.clone(), Some(hit.line), excerpt);
    }

    fn push(
        &mut self,
        code: Code,
        path: Option<String>,
        message: String,
        line: Option<u32>,
        excerpt: Option<String>,
    ) {
        self.findings.push(SkillAuditFinding {
            code,
            severity: code.severity(),
            message,
            path,
            line,
            excerpt,
        });
    }
}

fn content_hash(pieces: &[Piece<'_>]) -> Option<String> {
    let mut hashes = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let Body::File(bytes) = piece.body else { return None };
        hashes.push((piece.path, piece.sha256.map_or_else(|| hash::sha256(bytes), str::to_owned)));
    }
    Some(hash::content(hashes.iter().map(|(path, sha)| (*path, sha.as_str()))))
}

#[cfg(test)]
mod tests;
