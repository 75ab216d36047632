//! Asks OpenAI's chat streams for their usage: `stream_options.include_usage`, added to the request's text.

use std::ops::Range;

use memchr::memchr2;

use super::json::{Scalar, Scanner, Visitor};

/// The body with the wish added; none if it is no stream, asks for it itself, or can't be changed safely. All else
/// stays byte for byte.
pub(crate) fn ask_for_usage(body: &[u8]) -> Option<Vec<u8>> {
    const WISH: &[u8] = b"\"include_usage\":true";
    const OPTIONS: &[u8] = b"{\"include_usage\":true}";
    is_json(body).then_some(())?;
    let request = Object::read(body, 0)?;
    (body.get(request.member("stream").ok()??)? == b"true").then_some(())?;
    let Some(options) = request.member("stream_options").ok()? else {
        let end = request.members.last()?.1.end;
        return replaced(body, end..end, &[b",\"stream_options\":", OPTIONS]);
    };
    if body.get(options.clone())? == b"null" {
        return replaced(body, options, &[OPTIONS]);
    }
    let options = Object::read(body, options.start)?;
    match options.member("include_usage").ok()? {
        Some(wish) if matches!(body.get(wish.clone())?, b"false" | b"null") => {
            replaced(body, wish, &[b"true"])
        }
        Some(_) => None,
        None => match options.members.last() {
            Some((_, last)) => replaced(body, last.end..last.end, &[b",", WISH]),
            None => replaced(body, options.start + 1..options.start + 1, &[WISH]),
        },
    }
}

fn replaced(body: &[u8], range: Range<usize>, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let (before, after) = (body.get(..range.start)?, body.get(range.end..)?);
    Some([before, &parts.concat(), after].concat())
}

fn is_json(body: &[u8]) -> bool {
    struct Nothing;
    impl Visitor for Nothing {
        fn scalar(&mut self, _: &[&str], _: Scalar<'_>) {}
    }
    let mut scanner = Scanner::default();
    scanner.feed(body, &mut Nothing);
    scanner.end(&mut Nothing)
}

/// The members of an object, and where their values are in the text.
struct Object {
    start: usize,
    members: Vec<(String, Range<usize>)>,
}

/// A key that is there twice.
struct Ambiguous;

impl Object {
    /// Reads text that is known to be JSON.
    fn read(text: &[u8], start: usize) -> Option<Object> {
        let mut at = skip_space(text, start);
        (text.get(at) == Some(&b'{')).then_some(())?;
        let mut object = Object { start: at, members: Vec::new() };
        at = skip_space(text, at + 1);
        while text.get(at)? != &b'}' {
            let key = at..end_of_value(text, at)?;
            at = skip_space(text, key.end);
            // The colon.
            at = skip_space(text, at + 1);
            let value = at..end_of_value(text, at)?;
            at = skip_space(text, value.end);
            if text.get(at)? == &b',' {
                at = skip_space(text, at + 1);
            }
            object.members.push((serde_json::from_slice(text.get(key)?).ok()?, value));
        }
        Some(object)
    }

    fn member(&self, key: &str) -> Result<Option<Range<usize>>, Ambiguous> {
        let mut found = self.members.iter().filter(|(known, _)| known == key).map(|(_, value)| value.clone());
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            _ => Err(Ambiguous),
        }
    }
}

fn skip_space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn end_of_value(text: &[u8], start: usize) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, start);
    loop {
        match *text.get(at)? {
            b'"' => {
                at = end_of_text(text, at + 1)?;
                if depth == 0 {
                    return Some(at);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            // Of what is around a number or a word.
            b'}' | b']' | b',' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            byte if depth == 0 && byte.is_ascii_whitespace() => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

/// Where a text ends, with its quote. Images are texts of many megabytes.
fn end_of_text(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        match text.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn the_wish_is_added_and_all_else_stays() {
        for (body, expected) in [
            (r#"{"stream":true}"#, r#"{"stream":true,"stream_options":{"include_usage":true}}"#),
            (
                "{ \"stream\" : true ,\n\"a\":\"}\\\"{\", \"b\" : [ {}, 1.50 ] }\n",
                "{ \"stream\" : true ,\n\"a\":\"}\\\"{\", \"b\" : [ {}, 1.50 ],\"stream_options\":{\"include_usage\":true} }\n",
            ),
            (
                r#"{"stream_options":{ },"stream":true}"#,
                r#"{"stream_options":{"include_usage":true },"stream":true}"#,
            ),
            (
                r#"{"stream_options":{"include_obfuscation":false},"stream":true}"#,
                r#"{"stream_options":{"include_obfuscation":false,"include_usage":true},"stream":true}"#,
            ),
            (
                r#"{"stream_options":null,"stream":true}"#,
                r#"{"stream_options":{"include_usage":true},"stream":true}"#,
            ),
            (
                r#"{"stream_options":{"include_usage":false},"stream":true}"#,
                r#"{"stream_options":{"include_usage":true},"stream":true}"#,
            ),
            (r#"{"str\u0065am":true}"#, r#"{"str\u0065am":true,"stream_options":{"include_usage":true}}"#),
        ] {
            let asked = ask_for_usage(body.as_bytes()).map(|asked| String::from_utf8(asked).unwrap());
            assert_eq!(asked.as_deref(), Some(expected), "{body}");
            serde_json::from_str::<serde_json::Value>(expected).unwrap();
        }
    }

    #[test]
    fn what_needs_no_wish_or_is_strange_stays_as_it_is() {
        for body in [
            "",
            "[]",
            "{}",
            "true",
            r#"{"stream":false}"#,
            r#"{"stream":"true"}"#,
            r#"{"a":{"stream":true}}"#,
            r#"{"stream":true"#,
            r#"{"stream":true,}"#,
            r#"{"stream":true,"stream":false}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":1}}"#,
            r#"{"stream":true,"stream_options":7}"#,
        ] {
            assert_eq!(ask_for_usage(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn any_body_stays_what_it_was_but_for_the_wish() {
        let body = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"{\"stream\":false}"}],"n":1,"stream_options":{"x":[1]}}"#;
        for seed in 0..3000 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut bytes = body.as_bytes().to_vec();
            for _ in 0..rng.usize(..4) {
                let at = rng.usize(..bytes.len());
                bytes[at] = *rng.choice(b"{}[],:\"\\ x1".iter().collect::<Vec<_>>()).unwrap();
            }
            let Some(asked) = ask_for_usage(&bytes) else { continue };
            let Ok(mut before) = serde_json::from_slice::<serde_json::Value>(&bytes) else { continue };
            before["stream_options"]["include_usage"] = true.into();
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&asked).unwrap(), before, "{seed}");
        }
    }
}
