//! The house rules that a machine can check: the drawing in ARCHITECTURE.md, sizes, exceptions, links, the README's
//! commands, and no trace of anybody's machine. They are explained in CONTRIBUTING.md.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Longest file. Nothing is excepted; an exception would be listed here, and the list only shrinks.
const MAX_LINES: usize = 700;
/// Kinds of files that people read as code or prose.
const READ: &[&str] = &["rs", "py", "sh", "html", "css", "js", "md"];
/// Macros of our own in the product.
const MAX_MACROS: usize = 5;
/// Libraries with a cipher. Only `seal` may name one, and only this one.
const CIPHER: &str = "aws-lc-rs";
/// Speaks to security modules, which have ciphers of their own.
const MODULES: &str = "cryptoki";
const OTHER_CIPHERS: &[&str] = &["ring", "openssl", "aes-gcm", "chacha20poly1305", "orion", "sodiumoxide"];
/// TLS, which runs on the same cipher library: for who serves pages, for who asks a database server, and for who asks a
/// service to open a root key.
const TLS: &str = "rustls";
const SPEAK_TLS: &[&str] = &["callvault-web", "callvault-store", "callvault-keyservice"];

fn root() -> PathBuf {
    // At run time, so that a copy of the tree can be checked by the same binary.
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// Standard output of a command run in the tree; `None` when it cannot be run or fails.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).current_dir(root()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The tracked files that exist, relative to the root; `None`, said aloud, outside a checkout.
fn tracked() -> Option<Vec<String>> {
    let list = output("git", &["ls-files", "-z"]).filter(|l| !l.is_empty());
    if list.is_none() {
        // Nobody to tell when standard error is closed.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: this is no git checkout, so the tracked files are not known"
        );
    }
    let there = |f: &&str| !f.is_empty() && root().join(f).is_file();
    Some(list?.split('\0').filter(there).map(str::to_owned).collect())
}

fn ending(path: &str) -> &str {
    Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or("")
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(root().join(path)).map_err(|e| format!("{path}: {e}"))
}

/// Tracked files of these endings with their text.
fn texts(endings: &[&str]) -> Result<Vec<(String, String)>, String> {
    let files = tracked().unwrap_or_default();
    files.into_iter().filter(|f| endings.contains(&ending(f))).map(|f| read(&f).map(|t| (f, t))).collect()
}

fn none(bad: &[String], rule: &str) -> Outcome {
    if bad.is_empty() { Ok(()) } else { Err(format!("{rule}:\n  {}", bad.join("\n  ")).into()) }
}

fn packages() -> Result<Vec<Value>, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let json = output(&cargo, &["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .ok_or("cargo metadata failed")?;
    let tree: Value = serde_json::from_str(&json).map_err(|e| e.to_string())?;
    Ok(tree.get("packages").and_then(Value::as_array).cloned().unwrap_or_default())
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or("")
}

fn dependencies(package: &Value) -> Vec<String> {
    let all = package.get("dependencies").and_then(Value::as_array);
    all.into_iter().flatten().map(|d| text(d, "name").to_owned()).collect()
}

/// `callvault-store` is `store` in the drawing.
fn short(name: &str) -> &str {
    name.strip_prefix("callvault-").unwrap_or(name)
}

/// A crate, or an arrow from a crate to one that it uses.
type Drawn = BTreeSet<(String, Option<String>)>;

/// The rows between the two marks of ARCHITECTURE.md: crate, and the crates it uses.
fn drawing() -> Result<Drawn, String> {
    let page = read("ARCHITECTURE.md")?;
    let (_, rest) =
        page.split_once("<!-- arrows:begin -->").ok_or("ARCHITECTURE.md has no <!-- arrows:begin -->")?;
    let (table, _) =
        rest.split_once("<!-- arrows:end -->").ok_or("ARCHITECTURE.md has no <!-- arrows:end -->")?;
    let mut out = Drawn::new();
    for row in table.lines().filter(|l| l.trim_start().starts_with("| `")) {
        let cells: Vec<&str> = row.trim().trim_matches('|').split('|').collect();
        let [name, uses, ..] = cells.as_slice() else { return Err(format!("not a row: {row}")) };
        let codes =
            |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        let name = codes(name).into_iter().next().ok_or_else(|| format!("no crate in: {row}"))?;
        out.insert((name.clone(), None));
        out.extend(codes(uses).into_iter().map(|to| (name.clone(), Some(to))));
    }
    Ok(out)
}

#[test]
fn the_drawing_is_the_house() -> Outcome {
    let mut built = Drawn::new();
    let packages = packages()?;
    let ours: BTreeSet<&str> = packages.iter().map(|p| text(p, "name")).collect();
    for package in &packages {
        let name = short(text(package, "name")).to_owned();
        built.insert((name.clone(), None));
        let inside = dependencies(package).into_iter().filter(|d| ours.contains(d.as_str()));
        built.extend(inside.map(|d| (name.clone(), Some(short(&d).to_owned()))));
    }
    assert!(built.len() > ours.len(), "cargo metadata told of no dependency at all");
    let drawn = drawing()?;
    let say = |(from, to): &(String, Option<String>)| match to {
        Some(to) => format!("{from} -> {to}"),
        None => format!("crate {from}"),
    };
    let missing: Vec<String> = built.difference(&drawn).map(say).collect();
    let invented: Vec<String> = drawn.difference(&built).map(say).collect();
    none(&missing, "built, and not drawn in ARCHITECTURE.md")?;
    none(&invented, "drawn in ARCHITECTURE.md, and not built")
}

#[test]
fn only_seal_names_a_cipher() -> Outcome {
    let mut owners = Vec::new();
    let mut bad = Vec::new();
    for package in packages()? {
        let name = text(&package, "name").to_owned();
        for dependency in dependencies(&package) {
            if dependency == CIPHER {
                owners.push(name.clone());
            } else if OTHER_CIPHERS.contains(&dependency.as_str())
                || (dependency == MODULES && name != "callvault-seal")
                || (dependency.as_str() == TLS && !SPEAK_TLS.contains(&name.as_str()))
            {
                bad.push(format!("{name} names {dependency}"));
            }
        }
    }
    none(&bad, "a second cipher library")?;
    assert_eq!(owners, ["callvault-seal"], "{CIPHER} belongs to seal alone");
    Ok(())
}

#[test]
fn no_file_is_longer_than_the_limit() -> Outcome {
    let long = texts(READ)?.into_iter().map(|(f, t)| (t.lines().count(), f)).filter(|(n, _)| *n > MAX_LINES);
    none(&long.map(|(n, f)| format!("{f}: {n} lines")).collect::<Vec<_>>(), "longer than 700 lines; split it")
}

#[test]
fn macros_are_few_and_no_lint_is_silenced() -> Outcome {
    let (mut macros, mut silenced) = (Vec::new(), Vec::new());
    let silencers = [concat!("#[al", "low("), concat!("#![al", "low(")];
    for (file, code) in texts(&["rs"])? {
        for (n, line) in code.lines().enumerate() {
            let line = line.trim_start();
            if line.starts_with("macro_rules!") {
                macros.push(format!("{file}:{}", n + 1));
            }
            if silencers.iter().any(|s| line.contains(s)) {
                silenced.push(format!("{file}:{}", n + 1));
            }
        }
    }
    none(&silenced, "use #[expect(…, reason = …)], which complains when it is no longer needed")?;
    if macros.len() > MAX_MACROS { none(&macros, "more than five macros of our own") } else { Ok(()) }
}

#[test]
fn no_two_schemas_of_the_api_share_a_name() -> Outcome {
    let (mut seen, mut twice) = (BTreeMap::new(), Vec::new());
    for (file, code) in texts(&["rs"])?.into_iter().filter(|(f, _)| f.starts_with("crates/web/src/")) {
        let mut lines = code.lines();
        while lines.by_ref().any(|l| l.starts_with("#[derive(") && l.contains("ToSchema")) {
            let words = |l: &str| l.split([' ', '<', '(', ';', '{']).map(str::to_owned).collect::<Vec<_>>();
            let named = lines.by_ref().map(words).find(|w| w.iter().any(|w| w == "struct" || w == "enum"));
            let mut words = named.into_iter().flatten().skip_while(|w| w != "struct" && w != "enum");
            let name = words.nth(1).ok_or("a schema without a name")?;
            if let Some(other) = seen.insert(name.clone(), file.clone()) {
                twice.push(format!("{name}: {other} and {file}"));
            }
        }
    }
    if seen.len() < 20 {
        return Err(format!("only {} schemas were found; this test no longer reads them", seen.len()).into());
    }
    none(&twice, "the document keeps only one of them")
}

#[test]
fn the_readme_has_the_two_commands() -> Outcome {
    let page = read("README.md")?;
    let commands: Vec<&str> =
        page.lines().filter_map(|l| l.strip_prefix("    ")).map(str::trim_end).collect();
    for command in ["cargo run --release -- demo", "./tools/test"] {
        let times = commands.iter().filter(|c| **c == command).count();
        assert_eq!(
            times, 1,
            "README.md must have `{command}` once, on a line of its own, indented by four spaces"
        );
    }
    assert!(root().join("src/cli/demo.rs").is_file(), "the README's first command has no code");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(root().join("tools/test"))?.permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "tools/test is not executable");
    }
    Ok(())
}

/// The prose of a page: without fenced blocks, and without what stands between backticks.
fn prose(page: &str) -> String {
    let mut fenced = false;
    let mut out = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            out.extend(line.split('`').step_by(2));
            out.push('\n');
        }
    }
    out
}

/// The name under which a heading can be linked to.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Why a link of `page` leads nowhere.
fn broken(page: &str, link: &str) -> Option<&'static str> {
    let (path, fragment) = link.split_once('#').map_or((link, None), |(p, f)| (p, Some(f)));
    let from = root().join(page);
    let target = if path.is_empty() { from } else { from.parent()?.join(path) };
    if !target.exists() {
        return Some("is not there");
    }
    let wanted = fragment.filter(|_| target.extension().is_some_and(|e| e == "md"))?;
    let text = fs::read_to_string(&target).unwrap_or_default();
    let found = text.lines().filter(|l| l.starts_with('#')).any(|h| anchor(h) == wanted);
    (!found).then_some("has no such heading")
}

#[test]
fn every_relative_link_leads_somewhere() -> Outcome {
    let mut bad = Vec::new();
    for (file, page) in texts(&["md"])? {
        for rest in prose(&page).split("](").skip(1) {
            let link = rest.split([')', ' ']).next().unwrap_or("");
            let elsewhere = ["http://", "https://", "mailto:"].iter().any(|s| link.starts_with(s));
            if let Some(why) = (!elsewhere).then(|| broken(&file, link)).flatten() {
                bad.push(format!("{file}: {link} {why}"));
            }
        }
    }
    none(&bad, "links that lead nowhere")
}

#[test]
fn no_trace_of_a_machine_or_a_registry() -> Outcome {
    // In pieces, so that this file passes its own rule.
    let machine = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
    let registries = [
        concat!("crates", ".io"),
        concat!("npm", "js.org"),
        concat!("npm", "js.com"),
        concat!("py", "pi.org"),
        concat!("python", "hosted"),
    ];
    let mut bad = Vec::new();
    // Cargo itself writes its registry's name into the lock file.
    for file in tracked().unwrap_or_default().into_iter().filter(|f| f != "Cargo.lock") {
        // What is not text is nobody's page.
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        for (n, line) in text.lines().enumerate() {
            for needle in machine.iter().chain(&registries).filter(|needle| line.contains(**needle)) {
                bad.push(format!("{file}:{}: {needle}", n + 1));
            }
        }
    }
    none(&bad, "names of one machine or of a registry")
}
