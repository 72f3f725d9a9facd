//! Keys and ciphers. The only crate that names a cipher.
