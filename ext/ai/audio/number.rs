//! Numbers in headers.

/// A number of at most eight bytes, the highest first.
pub(super) fn big(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// The same, the lowest first.
pub(super) fn little(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// A count of samples in seconds.
pub(super) fn seconds(samples: u64, rate: u64) -> Option<f64> {
    (rate > 0).then(|| samples as f64 / rate as f64)
}
