//! A value that must not reach a log, an error or a serialised form.

use std::fmt;
use zeroize::Zeroize;

/// Wraps a sensitive value: no `Display`, no `Serialize`, `Debug` prints `[sealed]`, wiped on drop.
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the value in.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Every call of this is a place to review.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Lets the value out, for whoever answers for it from here on. A place to review like [`Secret::expose`].
    pub fn into_exposed(mut self) -> T
    where
        T: Default,
    {
        std::mem::take(&mut self.0)
    }
}

/// Read from a form or a body; never written back.
impl<'de, T: Zeroize + serde::Deserialize<'de>> serde::Deserialize<'de> for Secret<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let s = Secret::new(String::from("4111 1111 1111 1111"));
        assert_eq!(format!("{s:?}"), "[sealed]");
        assert_eq!(s.expose(), "4111 1111 1111 1111");
    }
}
