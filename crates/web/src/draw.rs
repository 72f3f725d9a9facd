//! Geometry for charts drawn on the server, in the console and in reports. Colours are classes, so that light, dark and
//! print share one drawing.

/// Bars are at least this wide when there is anything to show.
const SLIVER: f64 = 0.6;

/// The length of a bar, 0 to `full`.
pub fn bar(value: u64, max: u64, full: f64) -> f64 {
    if value == 0 || max == 0 {
        return 0.0;
    }
    (value as f64 / max as f64 * full).max(SLIVER).min(full)
}

/// The outline of one channel, filled, as an SVG path in a box of `width` × `height`.
pub fn wave(peaks: &[(i8, i8)], width: f64, height: f64) -> String {
    let columns = columns(peaks, width);
    let n = columns.len().max(1) as f64;
    let middle = height / 2.0;
    // Quiet telephone speech shall be seen: the loudest column fills the box.
    let loudest =
        columns.iter().map(|(lo, hi)| lo.unsigned_abs().max(hi.unsigned_abs())).max().unwrap_or(0).max(8);
    let y = |v: i8| middle - f64::from(v) / f64::from(loudest) * (middle - 1.0);
    let x = |i: usize| (i as f64 + 0.5) / n * width;
    let mut out = format!("M0 {middle:.1}");
    for (i, (_, hi)) in columns.iter().enumerate() {
        out.push_str(&format!("L{:.1} {:.1}", x(i), y(*hi).min(middle - 0.4)));
    }
    out.push_str(&format!("L{width:.1} {middle:.1}"));
    for (i, (lo, _)) in columns.iter().enumerate().rev() {
        out.push_str(&format!("L{:.1} {:.1}", x(i), y(*lo).max(middle + 0.4)));
    }
    out.push('Z');
    out
}

/// At most one column a unit of width.
fn columns(peaks: &[(i8, i8)], width: f64) -> Vec<(i8, i8)> {
    let most = (width.max(1.0)) as usize;
    let per = peaks.len().div_ceil(most.max(1)).max(1);
    peaks
        .chunks(per)
        .map(|c| (c.iter().map(|p| p.0).min().unwrap_or(0), c.iter().map(|p| p.1).max().unwrap_or(0)))
        .collect()
}

/// A stretch of time as place and width in a drawing, or nothing if it lies outside.
pub fn stretch(start_ms: u64, end_ms: u64, duration_ms: u64, width: f64) -> Option<(f64, f64)> {
    if duration_ms == 0 || start_ms >= duration_ms || end_ms <= start_ms {
        return None;
    }
    let at = |ms: u64| ms.min(duration_ms) as f64 / duration_ms as f64 * width;
    Some((at(start_ms), (at(end_ms) - at(start_ms)).max(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_keep_proportion_and_show_small_values() {
        assert_eq!((bar(0, 10, 100.0), bar(10, 10, 100.0), bar(5, 10, 100.0)), (0.0, 100.0, 50.0));
        assert_eq!(bar(1, 1_000_000, 100.0), SLIVER);
        assert_eq!(bar(5, 0, 100.0), 0.0);
    }

    #[test]
    fn a_wave_stays_in_its_box_whatever_the_samples() {
        for peaks in [vec![], vec![(0, 0)], vec![(-127, 127); 5_000], vec![(-128, 1), (3, 3)]] {
            let path = wave(&peaks, 1_000.0, 60.0);
            assert!(path.starts_with('M') && path.ends_with('Z'));
            for pair in path.trim_end_matches('Z').split(['M', 'L']).filter(|p| !p.is_empty()) {
                let (x, y) = pair.split_once(' ').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!((0.0..=1_000.0).contains(&x) && (0.0..=60.0).contains(&y), "{pair}");
            }
        }
    }

    #[test]
    fn stretches_outside_are_not_drawn() {
        assert_eq!(stretch(500, 1_500, 1_000, 100.0), Some((50.0, 50.0)));
        assert_eq!(stretch(1_000, 1_500, 1_000, 100.0), None);
        assert_eq!(stretch(5, 5, 1_000, 100.0), None);
        assert_eq!(stretch(0, 5, 0, 100.0), None);
    }
}
