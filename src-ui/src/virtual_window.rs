//! The arithmetic of virtual lists: which rows to draw and where.

/// Engines lose precision, then give up, on elements taller than about 33 million pixels.
const TALLEST: f64 = 12_000_000.0;

/// The part of a list that is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Window {
    pub start: usize,
    /// Exclusive.
    pub end: usize,
    /// Height of the whole list in pixels, as the scrollbar sees it.
    pub height: f64,
    /// Where the first drawn row begins.
    pub top: f64,
}

/// Rows to draw for a scroll position. Lists taller than an engine can bear are compressed: the scrollbar then
/// moves over more rows than pixels, while drawn rows keep their height.
pub fn window(count: usize, row: f64, scroll: f64, viewport: f64, overscan: usize) -> Window {
    let natural = count as f64 * row;
    let height = natural.min(TALLEST);
    if count == 0 || row <= 0.0 {
        return Window { start: 0, end: 0, height: 0.0, top: 0.0 };
    }
    let scroll = scroll.clamp(0.0, (height - viewport).max(0.0));
    let first = first_row(natural, height, viewport, scroll) / row;
    let visible = (viewport / row).ceil() as usize + 1;
    let start = (first as usize).min(count.saturating_sub(1)).saturating_sub(overscan);
    let end = (first as usize + visible + overscan).min(count);
    // The row under the top edge stays under it: its natural offset, moved by what scrolling was compressed.
    let shift = scroll - first * row;
    Window { start, end, height, top: start as f64 * row + shift }
}

/// The natural pixel that stands at the top edge.
fn first_row(natural: f64, height: f64, viewport: f64, scroll: f64) -> f64 {
    if natural <= height {
        return scroll;
    }
    let span = height - viewport;
    if span <= 0.0 { 0.0 } else { scroll / span * (natural - viewport) }
}

/// Where to scroll so that a row is whole in view; `None` when it is already.
pub fn reveal(index: usize, count: usize, row: f64, scroll: f64, viewport: f64) -> Option<f64> {
    let natural = count as f64 * row;
    let height = natural.min(TALLEST);
    let at = first_row(natural, height, viewport, scroll);
    let (top, bottom) = (index as f64 * row, (index + 1) as f64 * row);
    let want = if top < at {
        top
    } else if bottom > at + viewport {
        bottom - viewport
    } else {
        return None;
    };
    let span = natural - viewport;
    Some(if natural <= height || span <= 0.0 { want.max(0.0) } else { want / span * (height - viewport) })
}

/// Sections under headers, laid out as one list of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sections {
    /// Rows of each section and whether it is folded.
    parts: Vec<(usize, bool)>,
    headers: bool,
}

/// What stands at a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    Header(usize),
    Row { section: usize, offset: usize },
}

impl Sections {
    pub fn new(parts: Vec<(usize, bool)>, headers: bool) -> Self {
        Self { parts, headers }
    }

    fn rows(&self, section: usize) -> usize {
        self.parts.get(section).map_or(0, |(n, folded)| if *folded && self.headers { 0 } else { *n })
    }

    pub fn len(&self) -> usize {
        (0..self.parts.len()).map(|s| self.rows(s) + usize::from(self.headers)).sum()
    }

    pub fn at(&self, index: usize) -> Option<Slot> {
        let mut left = index;
        for section in 0..self.parts.len() {
            if self.headers {
                if left == 0 {
                    return Some(Slot::Header(section));
                }
                left -= 1;
            }
            let rows = self.rows(section);
            if left < rows {
                return Some(Slot::Row { section, offset: left });
            }
            left -= rows;
        }
        None
    }

    /// The next row (not header) from `from`, `step` rows on; stays where it is at either end.
    pub fn step(&self, from: Option<usize>, step: isize) -> Option<usize> {
        let len = self.len();
        let is_row = |i: usize| matches!(self.at(i), Some(Slot::Row { .. }));
        let mut i = match from {
            Some(f) => f as isize,
            None if step >= 0 => -1,
            None => len as isize,
        };
        let way = if step >= 0 { 1 } else { -1 };
        let mut left = step.unsigned_abs().max(1);
        let mut best = from.filter(|f| is_row(*f));
        while left > 0 {
            i += way;
            let Ok(at) = usize::try_from(i) else { break };
            if at >= len {
                break;
            }
            if is_row(at) {
                best = Some(at);
                left -= 1;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_list_draws_what_is_seen_and_a_little_more() {
        let w = window(1_000, 36.0, 3_600.0, 720.0, 4);
        assert_eq!((w.start, w.end), (96, 125));
        assert_eq!(w.top, 96.0 * 36.0);
        assert_eq!(w.height, 36_000.0);
    }

    #[test]
    fn every_row_of_a_hundred_thousand_and_of_ten_million_can_be_reached() {
        for (count, row) in [(100_000, 36.0), (10_000_000, 18.0)] {
            let viewport = 800.0;
            let all = window(count, row, f64::MAX, viewport, 2);
            assert_eq!(all.end, count);
            let last = all.top + (all.end - all.start) as f64 * row;
            assert!((last - all.height).abs() < 1.0, "the last row ends at the list's end: {last}");
            for index in [0, 1, count / 3, count - 1] {
                let scroll =
                    reveal(index, count, row, all.height / 2.0, viewport).unwrap_or(all.height / 2.0);
                let w = window(count, row, scroll, viewport, 0);
                assert!(w.start <= index && index < w.end, "{index} in {w:?}");
                assert!(w.end - w.start <= 60);
            }
        }
    }

    #[test]
    fn a_scroll_beyond_the_end_shows_the_end() {
        let w = window(10, 36.0, 9_999.0, 720.0, 4);
        assert_eq!((w.start, w.end, w.top), (0, 10, 0.0));
        assert_eq!(window(0, 36.0, 50.0, 720.0, 4).end, 0);
    }

    #[test]
    fn folded_sections_keep_their_header_and_movement_skips_headers() {
        let s = Sections::new(vec![(2, false), (5, true), (1, false)], true);
        assert_eq!(s.len(), 6);
        assert_eq!(s.at(0), Some(Slot::Header(0)));
        assert_eq!(s.at(2), Some(Slot::Row { section: 0, offset: 1 }));
        assert_eq!(s.at(3), Some(Slot::Header(1)));
        assert_eq!(s.at(5), Some(Slot::Row { section: 2, offset: 0 }));
        assert_eq!(s.step(None, 1), Some(1));
        assert_eq!(s.step(Some(2), 1), Some(5));
        assert_eq!(s.step(Some(5), 1), Some(5));
        assert_eq!(s.step(Some(5), -1), Some(2));
    }
}
