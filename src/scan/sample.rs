//! Which recordings of a huge folder are heard, and what that says about the rest.

use callvault_seal::Sha256;
use serde::Serialize;
use std::path::Path;

/// Everything is heard up to here; beyond, this many are drawn.
pub const DEFAULT: usize = 200;

/// A place in the drawing order: the same folder and seed give the same sample, whatever order the disk lists files in.
pub fn rank(seed: u64, relative: &Path) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"callvault.scan.sample.v1\0");
    hash.update(&seed.to_be_bytes());
    hash.update(relative.as_os_str().as_encoded_bytes());
    hash.finish()
}

/// The indices of the `n` paths that are drawn, in the order of drawing: whoever stops half way still has a sample.
pub fn draw(seed: u64, paths: &[&Path], n: usize) -> Vec<usize> {
    let mut order: Vec<([u8; 32], usize)> =
        paths.iter().enumerate().map(|(i, p)| (rank(seed, p), i)).collect();
    order.sort_unstable();
    order.into_iter().take(n).map(|(_, i)| i).collect()
}

/// A share with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Recordings with the property.
    pub with: u64,
    /// Recordings heard.
    pub of: u64,
    /// Lower end, 0 to 1.
    pub low: f64,
    /// Upper end, 0 to 1.
    pub high: f64,
}

impl Share {
    /// Wilson's score interval. When every recording was heard nothing is left to estimate and the interval is a point.
    pub fn new(with: u64, of: u64, population: u64) -> Self {
        if of == 0 {
            return Self { with, of, low: 0.0, high: 1.0 };
        }
        let (n, p) = (of as f64, with as f64 / of as f64);
        if of >= population {
            return Self { with, of, low: p, high: p };
        }
        const Z: f64 = 1.959_963_984_540_054;
        let z2 = Z * Z;
        let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
        Self { with, of, low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
    }

    /// The share itself.
    pub fn share(&self) -> f64 {
        if self.of == 0 { 0.0 } else { self.with as f64 / self.of as f64 }
    }

    /// How many recordings of a population this means, at least and at most.
    pub fn of_population(&self, population: u64) -> (u64, u64) {
        let scale = |share: f64| share * population as f64;
        (scale(self.low).floor() as u64, scale(self.high).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn wilson_agrees_with_published_values() {
        // Newcombe 1998, table I: 81/263 gives 0.2553 to 0.3662; 0/20 gives 0 to 0.1611.
        let s = Share::new(81, 263, 10_000);
        assert!((s.low - 0.2553).abs() < 5e-5 && (s.high - 0.3662).abs() < 5e-5, "{s:?}");
        let s = Share::new(0, 20, 10_000);
        assert!(s.low == 0.0 && (s.high - 0.1611).abs() < 5e-5, "{s:?}");
        assert_eq!(Share::new(3, 4, 4).of_population(4), (3, 3));
        assert_eq!(Share::new(0, 0, 9).of_population(9), (0, 9));
    }

    #[test]
    fn the_interval_covers_the_truth_about_95_times_in_100() {
        let paths: Vec<PathBuf> = (0..3_000).map(|i| PathBuf::from(format!("{i}.wav"))).collect();
        let refs: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        let truth = 0.12;
        let covered = (0..400u64)
            .filter(|seed| {
                let drawn = draw(*seed, &refs, 150);
                let with = drawn.iter().filter(|i| **i < 360).count() as u64;
                let s = Share::new(with, 150, 3_000);
                s.low <= truth && truth <= s.high
            })
            .count();
        assert!((370..=398).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn the_sample_does_not_depend_on_the_order_of_the_listing() {
        let a: Vec<&Path> = ["a", "b", "c", "d", "e"].into_iter().map(Path::new).collect();
        let mut b = a.clone();
        b.reverse();
        let names = |of: &[&Path]| draw(7, of, 3).into_iter().map(|i| of[i].to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&a), names(&b));
        assert_ne!(names(&a), draw(8, &a, 3).into_iter().map(|i| a[i].to_owned()).collect::<Vec<_>>());
    }
}
