//! The books of a test: what was answered, what of it must arrive, and whether it did as it should.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use crate::clock::ms;
use crate::process::Ended;
use crate::sink::Exchange;
use crate::wire::Item;

const SECOND: i128 = 1_000_000_000;
const MILLISECOND: i128 = 1_000_000;
/// What a kill may cost.
const LAST: i128 = 5 * MILLISECOND;
/// What it may cost if threads had to wait for a processor.
const LAST_OF_A_BUSY_SYSTEM: i128 = 50 * MILLISECOND;

#[derive(Default)]
pub struct Books {
    /// By their first number.
    pub emissions: BTreeMap<u64, Emission>,
    /// With how long before a kill they were answered.
    pub must: HashMap<Item, Option<i128>>,
    refused: HashSet<Item>,
    /// Of every process.
    pub keys: HashMap<u32, String>,
    kills: HashMap<u32, i128>,
    /// Normal ends that did not wait for what was on its way.
    pub hasty_ends: HashMap<u32, i128>,
    /// Answered shortly before a kill: which, how long before, and whether it was longer than a kill may cost.
    risked: Vec<Risked>,
}

struct Risked {
    item: Item,
    sender: u32,
    age: i128,
    late: bool,
}

/// What kills cost.
#[derive(Debug, Default)]
pub struct Toll {
    pub kills: usize,
    pub spans: usize,
    /// Kills that cost more than the last 5 ms in which the process could run.
    pub late: usize,
    /// How long before the kill the oldest lost one was answered, in milliseconds.
    pub oldest: f64,
}

pub struct Emission {
    pub numbers: Range<u64>,
    /// Each in a scope of its own.
    pub each: bool,
    pub key: String,
}

impl std::ops::AddAssign for Toll {
    fn add_assign(&mut self, other: Toll) {
        self.kills += other.kills;
        self.spans += other.spans;
        self.late += other.late;
        self.oldest = self.oldest.max(other.oldest);
    }
}

impl Books {
    /// Enters what an ended process was answered: after a kill, all but the last moment's must arrive.
    pub fn note(&mut self, ended: &Ended) {
        for line in &ended.lines {
            if let Some(n) = line.strip_prefix("refused ").and_then(|line| line.split(' ').next()) {
                self.refused.insert(Item::Signal(n.parse().unwrap()));
            }
        }
        let Some(killed) = ended.killed else {
            self.must.extend(ended.answered().map(|(item, _)| (item, None)));
            return;
        };
        self.kills.insert(ended.sender, killed);
        let safe = ended.safe_since().unwrap_or(0);
        for (item, answered) in ended.answered() {
            let (age, stall) = (killed - answered, stall(&ended.pulse, answered, killed));
            if answered < safe || age - stall >= LAST_OF_A_BUSY_SYSTEM {
                self.must.insert(item, Some(age));
            } else {
                let late = age - stall >= LAST;
                self.risked.push(Risked { item, sender: ended.sender, age, late });
            }
        }
    }

    /// Everything that must arrive did, as often as it may, with its own key, and nothing else.
    #[track_caller]
    pub fn check(&self, exchanges: Vec<Exchange>) -> Toll {
        let (mut bytes, mut ids) = (HashMap::new(), HashMap::new());
        let mut acknowledged: HashMap<Item, Vec<(u32, i128)>> = HashMap::new();
        for exchange in exchanges {
            assert_eq!(exchange.key, self.keys[&exchange.sender], "a process has one key");
            let took = exchange.is_acknowledged();
            for span in exchange.spans {
                self.assert_emitted(span.item, &exchange.key);
                let first = bytes.entry(span.ids.clone()).or_insert_with(|| (span.item, span.bytes.clone()));
                assert_eq!(*first, (span.item, span.bytes), "the same ids are the same bytes");
                let known = ids.entry(span.item).or_insert(span.ids.clone());
                assert_eq!(*known, span.ids, "{:?} has two ids", span.item);
                if took {
                    acknowledged.entry(span.item).or_default().push((exchange.sender, exchange.ended));
                }
            }
        }
        for (item, times) in &acknowledged {
            // What was acknowledged shortly before its sender ended may be sent again.
            let end = |sender: &u32| self.kills.get(sender).or_else(|| self.hasty_ends.get(sender));
            let forgotten = |(sender, at): &&(u32, i128)| end(sender).is_some_and(|end| *at >= end - SECOND);
            let known: Vec<_> = times.iter().map(|(sender, at)| (sender, at, end(sender))).collect();
            let for_good = times.len() - times.iter().filter(forgotten).count();
            assert!(for_good <= 1, "{item:?} was delivered twice: {known:?}");
        }
        let missing = self.must.keys().filter(|item| !acknowledged.contains_key(item));
        assert_eq!(missing.count(), 0, "something is lost");
        let lost: Vec<_> =
            self.risked.iter().filter(|risked| !acknowledged.contains_key(&risked.item)).collect();
        let late: HashSet<u32> = lost.iter().filter(|lost| lost.late).map(|lost| lost.sender).collect();
        Toll {
            kills: self.kills.len(),
            spans: acknowledged.len(),
            late: late.len(),
            oldest: lost.iter().map(|lost| ms(lost.age)).fold(0.0, f64::max),
        }
    }

    #[track_caller]
    fn assert_emitted(&self, item: Item, key: &str) {
        let (Item::Signal(n) | Item::Scope(n)) = item;
        let emission = self.emissions.range(..=n).next_back().map(|(_, emission)| emission);
        let emission = emission.filter(|emission| match item {
            Item::Scope(n) if !emission.each => emission.numbers.start == n,
            Item::Signal(n) | Item::Scope(n) => emission.numbers.contains(&n),
        });
        assert_eq!(emission.map(|emission| emission.key.as_str()), Some(key), "{item:?}");
        assert!(!self.refused.contains(&item), "the caller was told that {item:?} was not taken");
    }
}

/// For how long the system did not let the process run, though a thread of it wanted to, from one time to another.
fn stall(pulse: &[i128], from: i128, to: i128) -> i128 {
    let ends = pulse.iter().copied().skip(1).chain([to]);
    let gaps = pulse.iter().copied().zip(ends);
    let late = gaps.map(|(start, end)| end.min(to) - (start + 2 * MILLISECOND).max(from));
    late.filter(|late| *late > 0).sum()
}
