//! The names of folders and segments, and whose they are: a salted digest that only the holder of the key can tell.

use std::fmt;

use sha2::{Digest, Sha256};

/// Other versions of the layout have another number, and are left alone.
const FOLDER: &str = "paid-1-";
const DOMAIN: &[u8] = b"paid spool folder 1\0";
const SPANS: &str = "spans";
const DONE: &str = "done";

/// Where dead letters are, in the spool directory.
pub(super) const DEAD_LETTERS: &str = "dead-letters";
/// Where unreadable files are, in the spool directory.
pub(super) const QUARANTINE: &str = "quarantine";
/// The file that the owner of a folder holds a lock on.
pub(super) const LOCK: &str = "lock";

/// `paid-1-<salt>-<tag>[-<more>]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FolderName {
    salt: [u8; 8],
    tag: [u8; 8],
    /// Tells folders of one origin apart.
    more: Option<String>,
}

impl FolderName {
    pub fn new(salt: [u8; 8], key: &str) -> Self {
        FolderName { salt, tag: tag(&salt, key), more: None }
    }

    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(FOLDER)?.splitn(3, '-');
        let (salt, tag) = (unhex(parts.next()?)?, unhex(parts.next()?)?);
        let more = parts.next().map(str::to_owned);
        let fine =
            |more: &String| (1..=32).contains(&more.len()) && more.bytes().all(|b| b.is_ascii_alphanumeric());
        more.as_ref().is_none_or(fine).then_some(FolderName { salt, tag, more })
    }

    pub fn fits(&self, key: &str) -> bool {
        self.tag == tag(&self.salt, key)
    }

    pub fn with_key(&self, key: &str) -> Self {
        FolderName { tag: tag(&self.salt, key), ..self.clone() }
    }

    pub fn with_more(&self, more: u32) -> Self {
        FolderName { more: Some(format!("{more:08x}")), ..self.clone() }
    }
}

impl fmt::Display for FolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FOLDER)?;
        hex(f, &self.salt)?;
        f.write_str("-")?;
        hex(f, &self.tag)?;
        self.more.as_ref().map_or(Ok(()), |more| write!(f, "-{more}"))
    }
}

/// `<number>-<seed>`, of which there are the spans and what is done of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SegmentName {
    pub number: u32,
    /// Where the CRCs of this segment start.
    pub seed: u32,
}

impl SegmentName {
    pub fn spans(self) -> String {
        format!("{self}.{SPANS}")
    }

    pub fn done(self) -> String {
        format!("{self}.{DONE}")
    }

    pub fn parse_spans(name: &str) -> Option<Self> {
        Self::parse(name, SPANS)
    }

    pub fn parse_done(name: &str) -> Option<Self> {
        Self::parse(name, DONE)
    }

    fn parse(name: &str, kind: &str) -> Option<Self> {
        let (number, seed) = name.strip_suffix(kind)?.strip_suffix('.')?.split_once('-')?;
        let digits = number.len() >= 8 && number.bytes().all(|byte| byte.is_ascii_digit());
        let seed = u32::from_be_bytes(unhex(seed)?);
        digits.then(|| number.parse().ok()).flatten().map(|number| SegmentName { number, seed })
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}-{:08x}", self.number, self.seed)
    }
}

/// Whether it is a folder of this SDK, of whatever version, ready or not.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with("paid-") || is_unready(name) || name == DEAD_LETTERS || name == QUARANTINE
}

/// What a folder is called until its owner holds it.
pub(super) fn unready(name: &FolderName) -> String {
    format!(".{name}")
}

pub(super) fn is_unready(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|name| FolderName::parse(name).is_some())
}

fn tag(salt: &[u8; 8], key: &str) -> [u8; 8] {
    let digest = Sha256::new().chain_update(DOMAIN).chain_update(salt).chain_update(key).finalize();
    let mut tag = [0; 8];
    tag.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    tag
}

fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 2 * N || !text.bytes().all(plain) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let name = FolderName::new([0xab; 8], "key");
        for name in [name.clone(), name.with_more(7)] {
            assert_eq!(FolderName::parse(&name.to_string()), Some(name.clone()));
            assert!(name.fits("key") && !name.fits("Key"));
            assert!(name.with_key("new").fits("new"));
            assert!(is_unready(&unready(&name)));
        }
        let segment = SegmentName { number: 12, seed: 0xfe };
        assert_eq!(segment.spans(), "00000012-000000fe.spans");
        assert_eq!(SegmentName::parse_spans(&segment.spans()), Some(segment));
        assert_eq!(SegmentName::parse_done(&segment.done()), Some(segment));
    }

    #[test]
    fn other_names_are_alien() {
        let fits = FolderName::new([1; 8], "key").to_string();
        let other_version = fits.replace("paid-1-", "paid-2-");
        let upper = fits.replace("0101", "0A0A");
        for alien in [
            "",
            "paid-1-",
            "paid-1-12-34",
            &other_version,
            &upper,
            &format!("{fits}-"),
            &format!("{fits}-../x"),
        ] {
            assert_eq!(FolderName::parse(alien), None, "{alien}");
        }
        for alien in [
            "1-000000fe.spans",
            "00000012-000000fe.span",
            "+0000012-000000fe.spans",
            "lock",
            "00000012.spans",
        ] {
            assert_eq!(SegmentName::parse_spans(alien), None, "{alien}");
        }
    }
}
