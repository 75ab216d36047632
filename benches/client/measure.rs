//! Medians of interleaved rounds.

use std::fmt;

use crate::Result;

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Full,
    Quick,
    Smoke,
}

impl Length {
    /// How many rounds make up a run where a full one has this many.
    pub fn rounds(self, full: usize) -> usize {
        match self {
            Length::Full => full,
            Length::Quick => full.div_ceil(10),
            Length::Smoke => 2,
        }
    }
}

/// What a target is about.
#[derive(Clone, Copy)]
pub enum Target {
    /// paid's time per call is at most this many times that of the bare client, if there is a limit.
    Time(Option<f64>),
    /// paid does at least this many times as much in the same time.
    Throughput(f64),
}

/// What a call means to a reader.
#[derive(Clone, Copy)]
pub struct Unit {
    pub name: &'static str,
    pub per_call: f64,
}

/// Two ways to do the same, measured side by side.
pub struct Comparison {
    /// For programs: the name of the row in `--tsv`.
    pub key: &'static str,
    pub what: &'static str,
    pub unit: Unit,
    pub target: Target,
    /// Seconds per call, paid and bare, one pair a round.
    pub rounds: Vec<(f64, f64)>,
}

/// Runs both sides in turns, A B, B A, A B, …, so that what disturbs the machine meets both.
///
/// A side answers with its seconds per call.
pub fn interleave(
    rounds: usize,
    mut paid: impl FnMut() -> Result<f64>,
    mut bare: impl FnMut() -> Result<f64>,
) -> Result<Vec<(f64, f64)>> {
    // Connections, caches and branch predictors are warm after this.
    for _ in 0..rounds.div_ceil(20) {
        paid()?;
        bare()?;
    }
    let mut pairs = Vec::with_capacity(rounds);
    for round in 0..rounds {
        pairs.push(if round % 2 == 0 {
            let paid = paid()?;
            (paid, bare()?)
        } else {
            let bare = bare()?;
            (paid()?, bare)
        });
    }
    Ok(pairs)
}

impl Comparison {
    pub const HEADER: &str = "\
| what | paid, median | bare, median | ratio | p10–p90 | target |
|---|---:|---:|---:|---:|---:|";

    pub fn tsv(&self) -> String {
        format!("{}\t{:.9}\t{:.9}", self.key, self.median(|(paid, _)| paid), self.median(|(_, bare)| bare))
    }

    fn median(&self, of: impl Fn((f64, f64)) -> f64) -> f64 {
        self.quantile(0.5, of)
    }

    fn quantile(&self, part: f64, of: impl Fn((f64, f64)) -> f64) -> f64 {
        let mut values: Vec<f64> = self.rounds.iter().copied().map(of).collect();
        values.sort_by(f64::total_cmp);
        let at = (values.len().saturating_sub(1) as f64 * part).round() as usize;
        values.get(at).copied().unwrap_or(f64::NAN)
    }

    fn ratio(&self, part: f64) -> f64 {
        match self.target {
            Target::Time(_) => self.quantile(part, |(paid, bare)| paid / bare),
            Target::Throughput(_) => self.quantile(part, |(paid, bare)| bare / paid),
        }
    }

    fn amount(&self, seconds: f64) -> String {
        match self.target {
            Target::Time(_) => format!("{:.1} µs", seconds * 1e6),
            Target::Throughput(_) => format!("{:.0} {}/s", self.unit.per_call / seconds, self.unit.name),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match self.target {
            Target::Time(Some(most)) => format!("≤ {most:.2}"),
            Target::Time(None) => "–".to_string(),
            Target::Throughput(least) => format!("≥ {least:.2}"),
        };
        let (paid, bare) = (self.median(|(paid, _)| paid), self.median(|(_, bare)| bare));
        let (low, ratio, high) = (self.ratio(0.1), self.ratio(0.5), self.ratio(0.9));
        write!(
            f,
            "| {} | {} | {} | {ratio:.3} | {low:.2}–{high:.2} | {target} |",
            self.what,
            self.amount(paid),
            self.amount(bare)
        )
    }
}
