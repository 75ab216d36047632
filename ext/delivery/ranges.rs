//! Which of the numbers 0, 1, 2, .. are done, when they are not done in order.

use std::collections::BTreeMap;
use std::ops::Range;

/// A growing set of numbers, as ranges; what is done without a gap from 0 on is only a floor.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    floor: u64,
    /// Start to end, above the floor; neither overlapping nor touching.
    beyond: BTreeMap<u64, u64>,
}

impl Ranges {
    /// Each number is added once.
    pub fn add(&mut self, range: Range<u64>) {
        let Range { mut start, mut end } = range;
        if start >= end {
            return;
        }
        if let Some((&before, &until)) = self.beyond.range(..start).next_back()
            && until >= start
        {
            self.beyond.remove(&before);
            (start, end) = (before, end.max(until));
        }
        while let Some((&after, &until)) = self.beyond.range(start..).next()
            && after <= end
        {
            self.beyond.remove(&after);
            end = end.max(until);
        }
        if start <= self.floor {
            self.floor = self.floor.max(end);
        } else {
            self.beyond.insert(start, end);
        }
    }

    /// All numbers below it are done.
    pub fn floor(&self) -> u64 {
        self.floor
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn the_floor_rises_when_the_gap_closes() {
        let mut ranges = Ranges::default();
        for (range, floor) in [(3..5, 0), (7..9, 0), (0..2, 2), (5..7, 2), (2..3, 9), (9..9, 9), (9..10, 10)]
        {
            ranges.add(range.clone());
            assert_eq!(ranges.floor(), floor, "{range:?}");
        }
        assert!(ranges.beyond.is_empty());
    }

    #[test]
    fn any_order_ends_at_the_same_floor() {
        for seed in 0..200 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut numbers: Vec<u64> = (0..100).collect();
            rng.shuffle(&mut numbers);
            let mut ranges = Ranges::default();
            let mut done = [false; 100];
            for number in numbers {
                ranges.add(number..number + 1);
                done[number as usize] = true;
                let floor = done.iter().position(|done| !done).unwrap_or(100);
                assert_eq!(ranges.floor(), floor as u64);
            }
        }
    }
}
