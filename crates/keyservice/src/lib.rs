//! Asks a service to open a root key: the transit engine of OpenBao or HashiCorp Vault, or AWS KMS. What is sealed, and how
//! it is bound to its vault, is the business of `callvault-seal`; this crate carries it there and back, and trusts no answer.

#[cfg(feature = "aws-kms")]
mod aws;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "aws-kms")]
mod kms;
#[cfg(feature = "aws-kms")]
mod sigv4;
#[cfg(feature = "transit")]
mod transit;

#[cfg(feature = "http")]
use callvault_model::Secret;
use callvault_model::{Clock, SystemClock};
use callvault_seal::{
    Fault, KeyService, KeyServices, SealError,
    service::{AwsKms, Place, Transit},
};
use std::{fmt, sync::Arc};

/// The services that this program can ask.
#[derive(Clone)]
pub struct Services {
    #[cfg_attr(
        not(feature = "aws-kms"),
        expect(dead_code, reason = "only a signature of AWS has a time in it")
    )]
    clock: Arc<dyn Clock>,
}

impl Services {
    /// With another clock than the machine's, for the time in a signature.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    #[cfg(feature = "transit")]
    fn transit(place: &Transit) -> Result<Box<dyn KeyService>, Fault> {
        Ok(Box::new(transit::Client::new(place)?))
    }

    #[cfg(not(feature = "transit"))]
    fn transit(_: &Transit) -> Result<Box<dyn KeyService>, Fault> {
        Err(Fault::NotBuilt)
    }

    #[cfg(feature = "aws-kms")]
    fn kms(&self, place: &AwsKms) -> Result<Box<dyn KeyService>, Fault> {
        Ok(Box::new(kms::Client::new(place, Arc::clone(&self.clock))?))
    }

    #[cfg(not(feature = "aws-kms"))]
    fn kms(&self, _: &AwsKms) -> Result<Box<dyn KeyService>, Fault> {
        Err(Fault::NotBuilt)
    }
}

impl Default for Services {
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Services")
    }
}

impl KeyServices for Services {
    fn at(&self, place: &Place) -> Result<Box<dyn KeyService>, Fault> {
        match place {
            Place::Transit(transit) => Self::transit(transit),
            Place::AwsKms(kms) => self.kms(kms),
        }
    }
}

/// The service of a place, named in the error where there is none.
pub fn connect(place: &Place) -> Result<Box<dyn KeyService>, SealError> {
    Services::default().at(place).map_err(SealError::service(place))
}

/// A private file as text; what is wrong with it names the file and never its content.
#[cfg(feature = "http")]
fn private(path: &std::path::Path, limit: u64) -> Result<Secret<String>, Fault> {
    callvault_seal::read_private_file(path, limit).map_err(|e| {
        let why = match e {
            SealError::Permissions { .. } => {
                "other users can read it; run `chmod 600` on it and consider what it holds known to them"
                    .to_owned()
            }
            SealError::Io { source, .. } => source.to_string(),
            _ => format!("it is no text file of at most {limit} bytes"),
        };
        Fault::File { path: path.to_owned(), why }
    })
}

#[cfg(test)]
#[cfg(all(feature = "transit", feature = "aws-kms"))]
mod tests;
