//! JSON read as it comes, in pieces of any size and in constant memory: scalars are told with their path, and nothing is
//! kept.

/// Levels whose keys are known; nothing that is looked for lies deeper.
const LEVELS: usize = 8;
/// The longest text or number that is told; longer ones are only passed over.
const MOST_TEXT: usize = 256;
/// Beyond so many levels it is not read on.
const MOST_DEPTH: usize = 512;

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Text(&'a str),
    /// As it is written.
    Number(&'a str),
    Bool(bool),
    Null,
}

/// What a scanner finds.
pub(crate) trait Visitor {
    /// A scalar under these keys, from the outermost on; in a list, the key is empty.
    fn scalar(&mut self, path: &[&str], value: Scalar<'_>);
}

/// Reads one JSON value.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// Whether each level is an object; a bit would do, but there are few.
    levels: Vec<bool>,
    /// The keys of the first levels, one after the other, and where each ends.
    keys: String,
    ends: Vec<usize>,
    state: State,
    /// What was read of a text, number or word.
    token: Vec<u8>,
    too_long: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A value; `true` where a list may end instead.
    Value(bool),
    /// A key; `true` where an object may end instead.
    Key(bool),
    Colon,
    Comma,
    Text {
        key: bool,
        escaped: bool,
    },
    /// A number or a word.
    Word,
    Done,
    Broken,
}

impl Default for Scanner {
    fn default() -> Self {
        Scanner {
            levels: Vec::new(),
            keys: String::new(),
            ends: Vec::new(),
            state: State::Value(false),
            token: Vec::new(),
            too_long: false,
        }
    }
}

impl Scanner {
    /// Reads on.
    pub fn feed(&mut self, mut bytes: &[u8], visitor: &mut impl Visitor) {
        while let Some((&first, rest)) = bytes.split_first() {
            match self.state {
                State::Text { key, escaped } => bytes = self.text(bytes, key, escaped, visitor),
                State::Word if first.is_ascii_alphanumeric() || matches!(first, b'+' | b'-' | b'.') => {
                    self.keep(&[first]);
                    bytes = rest;
                }
                State::Word => self.end_of_word(visitor),
                State::Broken => return,
                _ => {
                    self.structure(first);
                    bytes = rest;
                }
            }
        }
    }

    /// Nothing comes after; whether it was one whole value.
    pub fn end(&mut self, visitor: &mut impl Visitor) -> bool {
        if self.state == State::Word && self.levels.is_empty() {
            self.end_of_word(visitor);
        }
        self.state == State::Done
    }

    /// To read another value.
    pub fn reset(&mut self) {
        self.levels.clear();
        self.keys.clear();
        self.ends.clear();
        self.begin_token();
        self.state = State::Value(false);
    }

    fn structure(&mut self, byte: u8) {
        if byte.is_ascii_whitespace() {
            return;
        }
        self.state = match (self.state, byte) {
            (State::Value(_), b'{') => self.open(true),
            (State::Value(_), b'[') => self.open(false),
            (State::Value(_), b'"') => self.begin_text(false),
            (State::Value(true), b']') | (State::Comma, b']') => self.close(false),
            (State::Value(_), b'-' | b'0'..=b'9' | b'a'..=b'z') => {
                self.begin_token();
                self.keep(&[byte]);
                State::Word
            }
            (State::Key(_), b'"') => self.begin_text(true),
            (State::Key(true), b'}') | (State::Comma, b'}') => self.close(true),
            (State::Colon, b':') => State::Value(false),
            (State::Comma, b',') => match self.levels.last() {
                Some(true) => State::Key(false),
                Some(false) => State::Value(false),
                None => State::Broken,
            },
            _ => State::Broken,
        };
    }

    fn open(&mut self, object: bool) -> State {
        if self.levels.len() >= MOST_DEPTH {
            return State::Broken;
        }
        self.levels.push(object);
        // In a list, and until an object's first key, there is none.
        if self.levels.len() <= LEVELS {
            self.ends.push(self.keys.len());
        }
        if object { State::Key(true) } else { State::Value(true) }
    }

    fn close(&mut self, object: bool) -> State {
        if self.levels.pop() != Some(object) {
            return State::Broken;
        }
        if self.levels.len() < LEVELS {
            self.ends.pop();
            self.keys.truncate(self.ends.last().copied().unwrap_or_default());
        }
        self.after_value()
    }

    fn after_value(&self) -> State {
        if self.levels.is_empty() { State::Done } else { State::Comma }
    }

    fn begin_token(&mut self) {
        self.token.clear();
        self.too_long = false;
    }

    fn begin_text(&mut self, key: bool) -> State {
        self.begin_token();
        State::Text { key, escaped: false }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MOST_TEXT.saturating_sub(self.token.len());
        self.too_long |= bytes.len() > room;
        self.token.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Reads text up to its end, or to the end of what there is; what comes after.
    fn text<'a>(
        &mut self,
        bytes: &'a [u8],
        key: bool,
        escaped: bool,
        visitor: &mut impl Visitor,
    ) -> &'a [u8] {
        if escaped {
            let (one, rest) = bytes.split_at(1.min(bytes.len()));
            self.keep(one);
            self.state = State::Text { key, escaped: false };
            return rest;
        }
        let special = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        let (plain, rest) = bytes.split_at(special.unwrap_or(bytes.len()));
        self.keep(plain);
        let Some((&special, rest)) = rest.split_first() else { return rest };
        if special == b'\\' {
            self.keep(b"\\");
            self.state = State::Text { key, escaped: true };
        } else {
            self.end_of_text(key, visitor);
        }
        rest
    }

    fn end_of_text(&mut self, key: bool, visitor: &mut impl Visitor) {
        let token = std::mem::take(&mut self.token);
        let text = if self.too_long { None } else { unescaped(&token) };
        if key {
            self.set_key(text.as_deref().unwrap_or_default());
            self.state = State::Colon;
        } else {
            if let Some(text) = text {
                self.tell(Scalar::Text(&text), visitor);
            }
            self.state = self.after_value();
        }
        // Its memory is used again.
        self.token = token;
    }

    fn set_key(&mut self, key: &str) {
        let level = self.levels.len();
        if level > LEVELS {
            return;
        }
        self.ends.pop();
        self.keys.truncate(self.ends.last().copied().unwrap_or_default());
        self.keys.push_str(key);
        self.ends.push(self.keys.len());
    }

    fn end_of_word(&mut self, visitor: &mut impl Visitor) {
        let token = std::mem::take(&mut self.token);
        let value = match std::str::from_utf8(&token) {
            _ if self.too_long => None,
            Ok("null") => Some(Scalar::Null),
            Ok("true") => Some(Scalar::Bool(true)),
            Ok("false") => Some(Scalar::Bool(false)),
            Ok(number)
                if number.parse::<f64>().is_ok() && !number.starts_with(|c: char| c.is_alphabetic()) =>
            {
                Some(Scalar::Number(number))
            }
            _ => None,
        };
        self.state = if value.is_some() || self.too_long { self.after_value() } else { State::Broken };
        if let Some(value) = value {
            self.tell(value, visitor);
        }
        self.token = token;
    }

    fn tell(&self, value: Scalar<'_>, visitor: &mut impl Visitor) {
        if self.levels.len() > LEVELS {
            return;
        }
        let mut path = [""; LEVELS];
        let mut start = 0;
        for (key, &end) in path.iter_mut().zip(&self.ends) {
            *key = self.keys.get(start..end).unwrap_or_default();
            start = end;
        }
        visitor.scalar(path.get(..self.ends.len()).unwrap_or_default(), value);
    }
}

/// Text as it is meant; none if it is not UTF-8 or its escapes are none.
fn unescaped(token: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    let text = std::str::from_utf8(token).ok()?;
    if !text.contains('\\') {
        return Some(text.into());
    }
    serde_json::from_str::<String>(&format!("\"{text}\"")).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, PartialEq, Debug)]
    struct Told(Vec<(String, String)>);

    impl Visitor for Told {
        fn scalar(&mut self, path: &[&str], value: Scalar<'_>) {
            self.0.push((path.join("."), format!("{value:?}")));
        }
    }

    fn scan(pieces: &[&[u8]]) -> (Told, bool) {
        let (mut told, mut scanner) = (Told::default(), Scanner::default());
        pieces.iter().for_each(|piece| scanner.feed(piece, &mut told));
        let whole = scanner.end(&mut told);
        (told, whole)
    }

    /// What serde_json makes of it, in the order of the text.
    fn expected(path: &[&str], value: &serde_json::Value, told: &mut Told) {
        let told_as = match value {
            serde_json::Value::Object(map) => {
                return map.iter().for_each(|(key, value)| expected(&[path, &[key]].concat(), value, told));
            }
            serde_json::Value::Array(list) => {
                return list.iter().for_each(|value| expected(&[path, &[""]].concat(), value, told));
            }
            serde_json::Value::String(text) => format!("Text({text:?})"),
            serde_json::Value::Number(number) => format!("Number({:?})", number.to_string()),
            serde_json::Value::Bool(value) => format!("Bool({value})"),
            serde_json::Value::Null => "Null".into(),
        };
        told.0.push((path.join("."), told_as));
    }

    const ANSWER: &str = r#" {"a":{"b":1,"c\u0020d":["x",2.5e3,{"e":null}]},"f":true,"g":"\"q\\\" ü \ud83d\ude00",
        "h":{},"i":[],"j":[[],{}],"k":-7} "#;

    #[test]
    fn scalars_are_told_with_their_paths_however_it_is_cut() {
        let whole = scan(&[ANSWER.as_bytes()]);
        let keys: Vec<_> = whole.0.0.iter().map(|(path, value)| format!("{path}={value}")).collect();
        assert_eq!(
            keys,
            [
                "a.b=Number(\"1\")",
                "a.c d.=Text(\"x\")",
                "a.c d.=Number(\"2.5e3\")",
                "a.c d..e=Null",
                "f=Bool(true)",
                "g=Text(\"\\\"q\\\\\\\" ü 😀\")",
                "k=Number(\"-7\")"
            ]
        );
        assert!(whole.1);
        for first in 0..=ANSWER.len() {
            let (one, rest) = ANSWER.as_bytes().split_at(first);
            for second in [0, 1, 2, rest.len() / 2, rest.len()] {
                let (two, three) = rest.split_at(second.min(rest.len()));
                assert_eq!(scan(&[one, two, three]), whole, "{first} {second}");
            }
        }
        let bytes: Vec<&[u8]> = ANSWER.as_bytes().chunks(1).collect();
        assert_eq!(scan(&bytes), whole);
    }

    #[test]
    fn any_value_is_read_as_serde_json_reads_it() {
        fn any(rng: &mut fastrand::Rng, depth: usize) -> serde_json::Value {
            let key =
                |rng: &mut fastrand::Rng| (0..rng.usize(..4)).map(|_| rng.char('a'..'é')).collect::<String>();
            match rng.u8(..if depth > 5 { 5 } else { 7 }) {
                0 => serde_json::Value::Null,
                1 => rng.bool().into(),
                2 => rng.i64(..).into(),
                3 => (rng.f64() * 1e9).into(),
                4 => std::iter::repeat_with(|| rng.char(..)).take(20).collect::<String>().into(),
                5 => (0..rng.usize(..4)).map(|_| any(rng, depth + 1)).collect::<Vec<_>>().into(),
                _ => (0..rng.usize(..4))
                    .map(|_| (key(rng), any(rng, depth + 1)))
                    .collect::<serde_json::Map<_, _>>()
                    .into(),
            }
        }
        for seed in 0..500 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let value = any(&mut rng, 0);
            let text = value.to_string();
            let mut told = Told::default();
            expected(&[], &value, &mut told);
            let cut = rng.usize(..=text.len());
            let (one, two) = text.as_bytes().split_at(cut);
            assert_eq!(scan(&[one, two]), (told, true), "{seed}: {text}");
        }
    }

    #[test]
    fn what_is_no_json_ends_and_never_panics() {
        for broken in
            ["", "{", "}", "[1,]", "{\"a\"}", "{\"a\":1,}", "nul", "01x", "1 2", "{]", "\"\\x\"x", "[1}", ","]
        {
            assert!(!scan(&[broken.as_bytes()]).1, "{broken}");
        }
        for seed in 0..2000 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut text = ANSWER.as_bytes().to_vec();
            for _ in 0..rng.usize(1..6) {
                let at = rng.usize(..text.len());
                text[at] = rng.u8(..);
            }
            scan(&text.chunks(rng.usize(1..40)).collect::<Vec<_>>());
        }
        let deep = "[".repeat(100_000);
        assert!(!scan(&[deep.as_bytes()]).1);
    }

    #[test]
    fn memory_stays_small_whatever_comes() {
        let (mut told, mut scanner) = (Told::default(), Scanner::default());
        scanner.feed(b"{\"long\":\"", &mut told);
        for _ in 0..10_000 {
            scanner.feed(&[b'x'; 100], &mut told);
        }
        scanner.feed(b"\",\"n\":1}", &mut told);
        assert!(scanner.end(&mut told));
        assert_eq!(told.0, [("n".to_string(), "Number(\"1\")".to_string())]);
        assert!(scanner.token.capacity() <= 2 * MOST_TEXT);
    }
}
