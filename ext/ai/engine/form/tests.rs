//! A form is read alike however it is cut.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::{Form, Parts};

#[derive(Debug, Default, PartialEq)]
struct Found {
    fields: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
    ended: usize,
}

impl Parts for Found {
    fn field(&mut self, name: &str, value: &str) {
        self.fields.push((name.to_string(), value.to_string()));
    }

    fn file(&mut self, name: &str, piece: &[u8]) {
        match self.files.last_mut() {
            Some((known, content)) if known == name => content.extend_from_slice(piece),
            _ => self.files.push((name.to_string(), piece.to_vec())),
        }
    }

    fn file_ended(&mut self, _name: &str) {
        self.ended += 1;
    }
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Found {
    let (mut form, mut found) = (Form::default(), Found::default());
    pieces.into_iter().for_each(|piece| form.feed(piece, &mut found));
    found
}

/// A file with much that is nearly the end of it.
fn sample() -> (Vec<u8>, Vec<u8>) {
    let mut content = b"\r\n--bou\r\n--bound\r\r\n--boundar\r\n\r\n--\r\n".to_vec();
    content.extend(0..=u8::MAX);
    content.extend(b"\r\n\r\n--boundar");
    let mut form =
        b"--boundary\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n".to_vec();
    form.extend(b"--boundary\r\nContent-Type: audio/mpeg; name=\"stream\"\r\ncontent-disposition: form-data; filename=\"a; name=\\\"n\\\"; x=.mp3\"; name=\"file\"\r\n\r\n");
    form.extend(&content);
    form.extend(b"\r\n--boundary\r\nContent-Disposition: form-data; name=prompt\r\n\r\n");
    form.extend([b'x'; 257]);
    form.extend(b"\r\n--boundary\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--boundary\r\n\r\nno head");
    form.extend(
        b"\r\n--boundary\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--boundary--\r\n",
    );
    form.extend(
        b"after --boundary\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nother\r\n--boundary--",
    );
    (form, content)
}

fn expected(content: Vec<u8>) -> Found {
    let fields = [("model", "whisper-1"), ("empty", ""), ("stream", "true")];
    Found {
        fields: fields.map(|(name, value)| (name.to_string(), value.to_string())).into(),
        files: vec![("file".to_string(), content)],
        ended: 1,
    }
}

#[test]
fn every_cut_reads_the_same() {
    let (form, content) = sample();
    let expected = expected(content);
    assert_eq!(read([&form[..]]), expected);
    for first in 0..=form.len() {
        let (before, after) = form.split_at(first);
        assert_eq!(read([before, after]), expected, "{first}");
    }
    for size in 1..200 {
        assert_eq!(read(form.chunks(size)), expected, "{size}");
    }
}

#[test]
fn any_cuts_read_the_same() {
    let (form, content) = sample();
    let expected = expected(content);
    for seed in 0..3000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let most = rng.usize(1..60);
        let (mut rest, mut pieces) = (&form[..], Vec::new());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rng.usize(..=most).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        assert_eq!(read(pieces), expected, "{seed}");
    }
}

#[test]
fn what_is_no_form_tells_nothing_and_is_not_kept() {
    let line = [b'-'; 5000];
    let head = [b"--b\r\n".to_vec(), vec![b'h'; 20_000]].concat();
    for text in [&b"{\"model\":\"m\"}\r\n"[..], b"", b"\r\n--b\r\n", b"--b", b"--b\r\n", &line, &head] {
        for size in [1, 7, 100_000] {
            let (mut form, mut found) = (Form::default(), Found::default());
            text.chunks(size).for_each(|piece| form.feed(piece, &mut found));
            assert_eq!(found, Found::default());
            assert!(form.begun.len() <= 8200);
        }
    }
}

#[test]
fn any_text_is_read_without_harm() {
    let words: [&[u8]; 11] = [
        b"--",
        b"b",
        b"\r\n",
        b"\r",
        b"\n",
        b"Content-Disposition: form-data",
        b"; name=",
        b"\"",
        b"; filename=\"a\"",
        b"file",
        b"\xff",
    ];
    for seed in 0..20_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let any: Vec<u8> =
            (0..rng.usize(..40)).flat_map(|_| words[rng.usize(..words.len())].to_vec()).collect();
        let text = [b"--b\r\n", &any[..], b"\r\n--b--"].concat();
        assert_eq!(read([&text[..]]), read(text.chunks(rng.usize(1..8))), "{seed}");
    }
}
