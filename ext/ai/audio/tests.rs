//! The samples, whole, in pieces, cut and damaged.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use super::{Audio, audio_seconds};

/// What each is: as mutagen tells it, and where it tells otherwise or nothing, as the decoded audio is.
const SAMPLES: [(&str, f64); 21] = [
    // mutagen: 0.00075, as it takes a block for a sample.
    ("adpcm.wav", 1.527),
    ("cbr.mp3", 1.227_75),
    ("float.wav", 1.3),
    // mutagen: 0.
    ("fragmented.mp4", 1.423_197),
    ("info.mp3", 1.227_755),
    ("lame.mp3", 1.5),
    ("moov_first.m4a", 1.423_197),
    ("moov_last.m4a", 1.423_197),
    ("mpeg25_8khz.mp3", 2.088),
    ("mpeg2_16khz.mp3", 1.692),
    ("opus.ogg", 1.7),
    // mutagen: none. The container says so.
    ("opus.webm", 1.708),
    ("pcm16.wav", 1.5),
    ("pcm24_extensible.wav", 1.25),
    // mutagen: 268435.456, by a size that was not known when it was written.
    ("piped.wav", 1.5),
    // mutagen: none. Where the last block ends.
    ("recorded.webm", 1.7075),
    // mutagen: 1.24375, as it takes the tag at the end for sound.
    ("tags.mp3", 1.227_755),
    ("tone.flac", 1.3),
    ("vbr_vbri.mp3", 1.750_204),
    ("vbr_xing.mp3", 1.750_204),
    ("vorbis.ogg", 1.6),
];

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/adapters/audio").join(name)).unwrap()
}

fn in_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<f64> {
    let mut audio = Audio::default();
    pieces.into_iter().for_each(|piece| audio.feed(piece));
    audio.seconds()
}

#[test]
fn every_format_tells_its_duration() {
    for (name, expected) in SAMPLES {
        let seconds = audio_seconds(sample(name));
        assert!(seconds.is_some_and(|seconds| (seconds - expected).abs() < 0.001), "{name}: {seconds:?}");
    }
    assert!(audio_seconds(sample("video.mp4")).is_some_and(|seconds| (seconds - 1.423_197).abs() < 0.001));
}

#[test]
fn pieces_of_any_size_tell_the_same() {
    for (name, _) in SAMPLES {
        let file = sample(name);
        let whole = audio_seconds(&file);
        for size in [1, 2, 3, 7, 64, 1000, 4096] {
            assert_eq!(in_pieces(file.chunks(size)), whole, "{name} in pieces of {size}");
        }
        for seed in 0..100 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (mut rest, mut pieces) = (&file[..], Vec::new());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rng.usize(..=2000).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            assert_eq!(in_pieces(pieces), whole, "{name}, {seed}");
        }
    }
}

#[test]
fn what_is_cut_is_never_longer() {
    for (name, expected) in SAMPLES {
        let file = sample(name);
        for end in (0..file.len()).step_by(97) {
            let seconds = audio_seconds(&file[..end]).unwrap_or_default();
            // A recording's last block is as long as the one before, as far as anyone knows.
            assert!(seconds <= expected + 0.025, "{name} cut at {end}: {seconds}");
        }
    }
}

#[test]
fn what_is_no_audio_has_no_duration() {
    let zeros = vec![0; 100_000];
    let ones = vec![0xff; 300_000];
    let text = "Nothing to hear here. ".repeat(5000);
    let id3 = [&b"ID3\x04\0\0\x7f\x7f\x7f\x7f"[..], &zeros[..]].concat();
    for file in [
        &b""[..],
        b"R",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"OggS",
        b"fLaC\0\0\0",
        &zeros,
        &ones,
        text.as_bytes(),
        &id3,
    ] {
        assert_eq!(audio_seconds(file), None);
    }
    for name in ["README.md", "../../Cargo.toml"] {
        assert_eq!(audio_seconds(sample(name)), None, "{name}");
    }
}

#[test]
fn damage_does_no_harm() {
    for (name, _) in SAMPLES {
        let file = sample(name);
        for seed in 0..4000 {
            let damaged = damaged(&file, seed);
            let mut audio = Audio::default();
            let size = 1 + usize::try_from(seed).unwrap() % 5000;
            damaged.chunks(size).for_each(|piece| audio.feed(piece));
            assert!(audio.begun.capacity() <= 8192, "{name}, {seed}");
            let seconds = audio.seconds();
            assert_eq!(audio_seconds(&damaged), seconds, "{name}, {seed}");
            // What a header claims is believed only as far as so few bytes can hold it.
            let most = damaged.len() as f64 * 8.0 / 100.0;
            assert!(
                seconds.is_none_or(|seconds| seconds > 0.0 && seconds <= most),
                "{name}, {seed}: {seconds:?}"
            );
        }
    }
}

/// The file with some of it changed, removed, repeated or cut; mostly where the headers are.
fn damaged(file: &[u8], seed: u64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut file = file.to_vec();
    for _ in 0..rng.usize(1..8) {
        if file.is_empty() {
            break;
        }
        let span = if rng.bool() { file.len().min(600) } else { file.len() };
        let at = rng.usize(..span);
        match rng.u8(..8) {
            0 => file[at] = rng.u8(..),
            1 => file[at] ^= 1 << rng.u8(..8),
            2 => file[at] = *rng.choice(&[0, 1, 0x7f, 0x80, 0xff]).unwrap(),
            // A number of four bytes.
            3 | 4 => {
                let number =
                    *rng.choice(&[0, 1, 7, 8, 0x7fff_ffff, 0x8000_0000, u32::MAX, u32::MAX - 8]).unwrap();
                for (byte, value) in file[at..].iter_mut().zip(u32::to_be_bytes(number)) {
                    *byte = value;
                }
            }
            5 => file.truncate(at),
            6 => {
                let end = (at + rng.usize(..64)).min(file.len());
                file.drain(at..end);
            }
            _ => {
                let end = (at + rng.usize(..64)).min(file.len());
                let again = file[at..end].to_vec();
                file.splice(at..at, again);
            }
        }
    }
    file
}

#[test]
fn what_lies_between_headers_is_passed_over() {
    // Tags with a picture larger than what is kept of any file, and a header that claims more than there is.
    let mut tagged = b"ID3\x04\0\0\0\x7f\x7f\x7f".to_vec();
    tagged.resize(10 + 0x1f_ffff, 0xff);
    tagged.extend(sample("cbr.mp3"));
    assert!((audio_seconds(&tagged).unwrap() - 1.227_755).abs() < 0.001);
    let mut flac = b"ID3\x04\0\0\0\0\0\x05picture".to_vec();
    flac.truncate(15);
    flac.extend(sample("tone.flac"));
    assert!((audio_seconds(&flac).unwrap() - 1.3).abs() < 0.001);
    // Two recordings, one after the other.
    let twice = sample("opus.ogg").repeat(2);
    let seconds = audio_seconds(&twice).unwrap();
    assert!((seconds - 3.4).abs() < 0.001, "{seconds}");
    let twice = sample("cbr.mp3").repeat(2);
    assert!((audio_seconds(&twice).unwrap() - 2.455_51).abs() < 0.001);
}

#[test]
fn fragments_count_once_where_the_header_tells_their_duration_too() {
    let mut file = sample("fragmented.mp4");
    let at = file.windows(4).position(|name| name == b"mdhd").unwrap() + 20;
    assert_eq!(file[at..at + 4], [0; 4]);
    file[at..at + 4].copy_from_slice(&62_763_u32.to_be_bytes());
    assert!((audio_seconds(&file).unwrap() - 1.423_197).abs() < 0.001);
}

#[test]
fn a_wav_from_a_pipe_lasts_as_long_as_its_bytes() {
    let wav = |riff: u32, data: u32, after: &[u8]| {
        let mut file = b"RIFF".to_vec();
        file.extend_from_slice(&riff.to_le_bytes());
        file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
        file.extend_from_slice(&data.to_le_bytes());
        file.extend_from_slice(after);
        file
    };
    let sound = vec![0; 32_000];
    for (riff, data) in [(36, 0), (0, 0), (u32::MAX, 0), (u32::MAX, u32::MAX), (32_036, 32_000)] {
        assert_eq!(audio_seconds(wav(riff, data, &sound)), Some(1.0), "{riff} {data}");
        let file = wav(riff, data, &sound);
        assert_eq!(in_pieces(file.chunks(7)), Some(1.0), "{riff} {data}");
    }
    // Nothing was recorded, and a list of tags comes after it.
    assert_eq!(audio_seconds(wav(36 + 12, 0, b"LIST\x04\0\0\0INFO")), None);
}

#[test]
fn an_ogg_that_was_cut_from_a_live_stream_lasts_as_long_as_its_part() {
    let page = |kind: u8, position: u64, packets: &[&[u8]]| {
        let mut page = b"OggS\0".to_vec();
        page.push(kind);
        page.extend_from_slice(&position.to_le_bytes());
        page.extend_from_slice(&[7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        page.push(packets.len() as u8);
        page.extend(packets.iter().map(|packet| packet.len() as u8));
        packets.iter().for_each(|packet| page.extend_from_slice(packet));
        page
    };
    let head: &[u8] = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";
    let sound = |first: u64, last: u64| {
        [
            page(2, 0, &[head]),
            page(0, 0, &[&b"OpusTags"[..]]),
            page(0, first, &[&b"x"[..]; 50]),
            page(4, last, &[&b"x"[..]; 50]),
        ]
        .concat()
    };
    assert_eq!(audio_seconds(sound(48_000_000, 48_480_000)), Some(10.0));
    // From its start: what is skipped at first is none of it.
    assert_eq!(audio_seconds(sound(48_000, 480_312)), Some(10.0));
}
