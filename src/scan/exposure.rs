//! Who else can read the folder: permission bits, and signs that a web server hands it out.

use super::walk::{Listing, WEB_MARKS};
use serde::Serialize;
use std::{
    fs,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Folders that web servers serve by custom.
const WEB_ROOTS: &[&str] =
    &["htdocs", "public_html", "www", "wwwroot", "html", "webroot", "httpdocs", "public"];
/// Where web servers are told what to serve.
const CONFIGURATIONS: &[&str] = &[
    "/etc/nginx",
    "/etc/apache2",
    "/etc/httpd",
    "/etc/lighttpd",
    "/usr/local/etc/nginx",
    "/usr/local/etc/apache24",
];
/// Limits on strangers' configuration.
const MAX_CONFIG_BYTES: u64 = 1 << 20;
const MAX_CONFIG_FILES: usize = 2_000;

/// How sure a sign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// A hint to look at.
    Possible,
    /// By every custom served.
    Likely,
    /// A web server's configuration names it.
    Configured,
}

/// One sign of web exposure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sign {
    /// How sure.
    pub certainty: Certainty,
    /// In words.
    pub what: String,
}

/// Who else can read.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Exposure {
    /// Conversations whose bits let every account read.
    pub world_readable: u64,
    /// Conversations whose bits let their group read.
    pub group_readable: u64,
    /// Conversations or folders that every account may change.
    pub world_writable: u64,
    /// Folders that every account may list.
    pub world_listable_folders: u64,
    /// No folder on the way shuts other accounts out.
    pub reachable_by_all: bool,
    /// Signs of a web server.
    pub web_signs: Vec<Sign>,
}

impl Exposure {
    /// Whether a web server hands the folder out, as far as can be told from here.
    pub fn web_exposed(&self) -> bool {
        self.web_signs.iter().any(|s| s.certainty >= Certainty::Likely)
    }

    /// Looks at `dir` (canonical) and what was listed below it.
    pub fn of(dir: &Path, listing: &Listing) -> Self {
        let configurations: Vec<PathBuf> = CONFIGURATIONS.iter().map(PathBuf::from).collect();
        Self::with_configurations(dir, listing, &configurations)
    }

    /// The same with the places of web servers' configuration given.
    pub fn with_configurations(dir: &Path, listing: &Listing, configurations: &[PathBuf]) -> Self {
        let files = |bit: u32| listing.entries.iter().filter(|e| e.mode & bit != 0).count() as u64;
        let folders = |bit: u32| listing.folders.iter().filter(|(_, mode)| mode & bit != 0).count() as u64;
        let mut web_signs = by_name(dir, listing);
        web_signs.extend(by_configuration(dir, configurations));
        web_signs.sort_by_key(|s| std::cmp::Reverse(s.certainty));
        Self {
            world_readable: files(0o004),
            group_readable: files(0o040),
            world_writable: files(0o002).saturating_add(folders(0o002)),
            world_listable_folders: folders(0o004),
            reachable_by_all: dir.ancestors().all(|a| fs::metadata(a).is_ok_and(|m| m.mode() & 0o001 != 0)),
            web_signs,
        }
    }
}

fn is_web_root(name: Option<&std::ffi::OsStr>) -> Option<&'static str> {
    let name = name?.to_str()?;
    WEB_ROOTS.iter().copied().find(|root| name.eq_ignore_ascii_case(root))
}

/// Signs in the names of the folder, its parents, its neighbours and what lies in them.
fn by_name(dir: &Path, listing: &Listing) -> Vec<Sign> {
    let mut out = Vec::new();
    for folder in dir.ancestors() {
        if let Some(root) = is_web_root(folder.file_name()) {
            out.push(Sign {
                certainty: Certainty::Likely,
                what: format!("it lies in or below a folder named “{root}”"),
            });
            break;
        }
    }
    // The root of a file system and its first level hold everything, so a mark there says nothing.
    for folder in dir.ancestors().filter(|f| f.components().count() > 2) {
        if let Some(mark) = WEB_MARKS.iter().find(|m| fs::symlink_metadata(folder.join(m)).is_ok()) {
            let place = if folder == dir { "it holds" } else { "a folder above it holds" };
            out.push(Sign {
                certainty: Certainty::Likely,
                what: format!("{place} {mark}, which only web servers need"),
            });
            break;
        }
    }
    let below = listing.web_marks.iter().filter(|m| m.components().count() > 1).count();
    if below > 0 {
        out.push(Sign {
            certainty: Certainty::Likely,
            what: format!("{below} folder(s) inside hold files that only web servers need"),
        });
    }
    if let Some(root) = listing.folders.iter().skip(1).find_map(|(f, _)| is_web_root(f.file_name())) {
        out.push(Sign {
            certainty: Certainty::Likely, what: format!("a folder inside is named “{root}”")
        });
    }
    let beside = dir.parent().filter(|p| p.components().count() > 2).and_then(|p| fs::read_dir(p).ok());
    let neighbour = beside.into_iter().flatten().take(10_000).flatten().find_map(|e| {
        (e.path() != dir && e.path().is_dir()).then(|| is_web_root(Some(&e.file_name()))).flatten()
    });
    if let (Some(root), true) = (neighbour, out.is_empty()) {
        out.push(Sign {
            certainty: Certainty::Possible,
            what: format!("a folder beside it is named “{root}”; make sure that no alias leads here"),
        });
    }
    out
}

/// Paths that a web server's configuration serves and that hold `dir`, or lie in it.
fn by_configuration(dir: &Path, configurations: &[PathBuf]) -> Vec<Sign> {
    let mut files = Vec::new();
    for place in configurations {
        collect(place, 0, &mut files);
    }
    let mut out: Vec<Sign> = Vec::new();
    for file in files {
        let Some(text) = read(&file) else { continue };
        let named = text.lines().filter_map(served).find(|served| {
            let served = fs::canonicalize(served).unwrap_or_else(|_| served.clone());
            served.components().count() > 1 && (dir.starts_with(&served) || served.starts_with(dir))
        });
        if let Some(served) = named {
            out.push(Sign {
                certainty: Certainty::Configured,
                what: format!("{} serves {}", file.display(), served.display()),
            });
        }
    }
    out.truncate(20);
    out
}

fn collect(place: &Path, depth: usize, into: &mut Vec<PathBuf>) {
    if into.len() >= MAX_CONFIG_FILES || depth > 6 {
        return;
    }
    // Sites are enabled by links, so these are followed; the depth bounds a loop.
    match fs::metadata(place) {
        Ok(m) if m.is_dir() => {
            let mut inside: Vec<PathBuf> =
                fs::read_dir(place).into_iter().flatten().flatten().map(|e| e.path()).collect();
            inside.sort();
            inside.iter().for_each(|p| collect(p, depth.saturating_add(1), into));
        }
        Ok(m) if m.is_file() && m.len() <= MAX_CONFIG_BYTES => into.push(place.to_owned()),
        _ => {}
    }
}

fn read(file: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    fs::File::open(file).ok()?.take(MAX_CONFIG_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The folder that one line of nginx, Apache or lighttpd configuration serves.
fn served(line: &str) -> Option<PathBuf> {
    let line = line.trim();
    let mut words = line.split_whitespace();
    let directive = words.next()?.to_ascii_lowercase();
    let value = match directive.as_str() {
        "root" | "alias" | "documentroot" | "server.document-root" => words.find(|w| *w != "=")?,
        // "Alias /recordings /var/spool/…"; the first word is the address.
        "scriptalias" => words.nth(1)?,
        _ => return None,
    };
    // Apache's Alias has two words, nginx's one.
    let value = if directive == "alias" { words.next().unwrap_or(value) } else { value };
    let path = PathBuf::from(value.trim_matches(['"', '\'', ';']));
    path.is_absolute().then_some(path)
}
