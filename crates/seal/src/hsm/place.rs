//! Where a key lies in a security module: a URI by RFC 7512, such as
//! `pkcs11:token=callvault;object=root?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/secrets/pin`.

use crate::{
    SealError,
    parts::{Parts, encoded},
};
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

const SCHEME: &str = "pkcs11:";
/// Longer than any place.
const MAX: usize = 1024;
/// What PKCS #11 pads a token's label to.
const MAX_LABEL: usize = 32;

/// A key in a security module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    module: PathBuf,
    token: Option<String>,
    serial: Option<String>,
    object: String,
    pin_source: Option<PathBuf>,
}

impl Place {
    /// The library that speaks to the module.
    pub(super) fn module(&self) -> &Path {
        &self.module
    }

    /// The label of the key.
    pub(super) fn object(&self) -> &str {
        &self.object
    }

    /// The private file with the PIN, where the place names one.
    pub(super) fn pin_source(&self) -> Option<&Path> {
        self.pin_source.as_deref()
    }

    /// Whether a token is the one meant.
    pub(super) fn is(&self, label: &str, serial: &str) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is.trim_end());
        fits(&self.token, label) && fits(&self.serial, serial)
    }
}

impl FromStr for Place {
    type Err = SealError;

    fn from_str(uri: &str) -> Result<Self, SealError> {
        let bad = |why| SealError::HsmUri { why };
        if uri.len() > MAX {
            return Err(bad("it is longer than 1,024 bytes"));
        }
        let rest = uri.strip_prefix(SCHEME).ok_or(bad("it does not begin with `pkcs11:`"))?;
        let mut parts =
            Parts::read(rest, &["token", "serial", "object"], &["module-path", "pin-source"], |name| {
                match name {
                    "pin-value" => "a PIN must not stand in it; name a private file with pin-source=",
                    _ => "only token, serial, object, module-path and pin-source are understood",
                }
            })
            .map_err(bad)?;
        let [token, serial, object] = ["token", "serial", "object"].map(|name| parts.take(name));
        let [module, pin_source] = ["module-path", "pin-source"].map(|name| parts.take(name));
        let absolute = |text: String| {
            let path = PathBuf::from(text.strip_prefix("file:").unwrap_or(&text));
            if path.is_absolute() {
                Ok(path)
            } else {
                Err(bad("module-path and pin-source are absolute paths"))
            }
        };
        if token.is_none() && serial.is_none() {
            return Err(bad("token= or serial= is missing"));
        }
        let object = object.filter(|o| !o.is_empty() && o.len() <= MAX_LABEL);
        Ok(Self {
            module: absolute(module.ok_or(bad("module-path= is missing"))?)?,
            token,
            serial,
            object: object.ok_or(bad("object=, the name of the key, is missing or longer than 32 bytes"))?,
            pin_source: pin_source.map(absolute).transpose()?,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        for (name, value) in [("token", &self.token), ("serial", &self.serial)] {
            if let Some(value) = value {
                write!(f, "{name}={};", encoded(value))?;
            }
        }
        write!(
            f,
            "object={}?module-path={}",
            encoded(&self.object),
            encoded(&self.module.to_string_lossy())
        )?;
        match &self.pin_source {
            Some(path) => write!(f, "&pin-source=file:{}", encoded(&path.to_string_lossy())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WHOLE: &str =
        "pkcs11:token=call%20vault;serial=1f;object=root?module-path=/usr/lib/m.so&pin-source=file:/run/pin";

    #[test]
    fn a_place_reads_and_prints_as_rfc_7512_has_it() {
        let place: Place = WHOLE.parse().unwrap();
        assert_eq!(place.to_string(), WHOLE);
        assert!(place.is("call vault                      ", "1f              "));
        assert!(!place.is("call vault", "20") && !place.is("callvault", "1f"));
        assert_eq!(
            (place.module(), place.pin_source()),
            (Path::new("/usr/lib/m.so"), Some(Path::new("/run/pin")))
        );
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        for (uri, why) in [
            ("http://x", "begin"),
            ("pkcs11:object=a?module-path=/m", "token="),
            ("pkcs11:token=a?module-path=/m", "object="),
            ("pkcs11:token=a;object=b", "module-path="),
            ("pkcs11:token=a;object=b?module-path=m.so", "absolute"),
            ("pkcs11:token=a;object=b?module-path=/m&pin-value=1234", "must not stand"),
            ("pkcs11:token=a;object=b;token=c?module-path=/m", "twice"),
            ("pkcs11:token=a;object=b;slot-id=3?module-path=/m", "understood"),
            ("pkcs11:token=%2;object=b?module-path=/m", "percent"),
            ("pkcs11:token=a%0A;object=b?module-path=/m", "percent"),
            ("pkcs11:token;object=b?module-path=/m", "name=value"),
        ] {
            let e = uri.parse::<Place>().unwrap_err().to_string();
            assert!(e.contains(why), "{uri}: {e}");
            assert!(!e.contains("1234"), "{e}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_prints_the_same_place(
            token in "\\PC{1,32}", object in "\\PC{1,8}", noise in "\\PC{0,64}"
        ) {
            let _ = format!("pkcs11:{noise}").parse::<Place>();
            let place = Place {
                module: "/m".into(),
                token: Some(token),
                serial: None,
                object,
                pin_source: None,
            };
            prop_assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
        }
    }
}
