//! JSON read as it comes, in pieces of any size and in constant memory: scalars are told with their path, and nothing is
//! kept.

use memchr::memchr2;

/// Levels whose keys are known; nothing that is looked for lies deeper.
const LEVELS: usize = 8;
/// The longest text or number that is told whole; of a longer text the start is.
const MOST_TEXT: usize = 256;
/// Beyond so many levels it is not read on.
const MOST_DEPTH: usize = 512;

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Text(&'a str),
    /// Of a text that is too long to be kept.
    Start(&'a str),
    /// As it is written.
    Number(&'a str),
    Bool(bool),
    Null,
}

/// What a scanner finds.
pub(crate) trait Visitor {
    /// A scalar under these keys, from the outermost on; in a list, the key is empty.
    fn scalar(&mut self, path: &[&str], value: Scalar<'_>);

    /// An object or a list ended; so many levels are open around it, the innermost a list or not.
    fn closed(&mut self, _levels: usize, _in_list: bool) {}
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
                State::Word if is_of_word(first) => {
                    let end = bytes.iter().position(|byte| !is_of_word(*byte)).unwrap_or(bytes.len());
                    let (word, after) = bytes.split_at(end);
                    self.keep(word);
                    bytes = after;
                }
                State::Word => self.end_of_word(visitor),
                State::Broken => return,
                _ => {
                    self.structure(first, visitor);
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

    /// Whether it is no JSON.
    pub fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    /// To read another value.
    pub fn reset(&mut self) {
        self.levels.clear();
        self.keys.clear();
        self.ends.clear();
        self.begin_token();
        self.state = State::Value(false);
    }

    fn structure(&mut self, byte: u8, visitor: &mut impl Visitor) {
        if byte.is_ascii_whitespace() {
            return;
        }
        self.state = match (self.state, byte) {
            (State::Value(_), b'{') => self.open(true),
            (State::Value(_), b'[') => self.open(false),
            (State::Value(_), b'"') => self.begin_text(false),
            (State::Value(true), b']') | (State::Comma, b']') => self.close(false, visitor),
            (State::Value(_), b'-' | b'0'..=b'9' | b'a'..=b'z') => {
                self.begin_token();
                self.keep(&[byte]);
                State::Word
            }
            (State::Key(_), b'"') => self.begin_text(true),
            (State::Key(true), b'}') | (State::Comma, b'}') => self.close(true, visitor),
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

    fn close(&mut self, object: bool, visitor: &mut impl Visitor) -> State {
        if self.levels.pop() != Some(object) {
            return State::Broken;
        }
        if self.levels.len() < LEVELS {
            self.ends.pop();
            self.keys.truncate(self.ends.last().copied().unwrap_or_default());
        }
        visitor.closed(self.levels.len(), self.levels.last() == Some(&false));
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
        let special = memchr2(b'"', b'\\', bytes);
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
        if key {
            // A key that is too long is none that is looked for.
            let key = if self.too_long { None } else { unescaped(&token) };
            self.set_key(key.as_deref().unwrap_or_default());
            self.state = State::Colon;
        } else {
            if self.levels.len() > LEVELS {
                // It is told to nobody.
            } else if self.too_long {
                self.tell(Scalar::Start(&start(&token)), visitor);
            } else if let Some(text) = unescaped(&token) {
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
            Ok(number) if is_number(number) => Some(Scalar::Number(number)),
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

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn is_number(word: &str) -> bool {
    // Most are whole, and need no second look.
    (!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()))
        || (word.parse::<f64>().is_ok() && !word.starts_with(|c: char| c.is_alphabetic()))
}

/// Text as it is meant; none if it is not UTF-8 or its escapes are none.
fn unescaped(token: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    let text = std::str::from_utf8(token).ok()?;
    if !text.contains('\\') {
        return Some(text.into());
    }
    serde_json::from_str::<String>(&format!("\"{text}\"")).ok().map(Into::into)
}

/// The start of a text that was cut, which may be within a character or an escape.
fn start(token: &[u8]) -> std::borrow::Cow<'_, str> {
    const LONGEST_ESCAPE: usize = "\\ud83d\\ude00".len();
    let cuts = token.len().saturating_sub(LONGEST_ESCAPE)..=token.len();
    cuts.rev().find_map(|cut| unescaped(token.get(..cut)?)).unwrap_or_default()
}
