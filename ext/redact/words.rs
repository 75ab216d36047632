//! Which words are keys.

use std::borrow::Cow;

/// How keys begin, and how many letters and digits follow at least.
const PREFIXES: [(&str, usize); 36] = [
    // OpenAI, Anthropic, OpenRouter, DeepSeek, and many gateways; Stripe.
    ("sk-", 9),
    ("sk_", 9),
    ("rk_", 16),
    ("pk_", 16),
    // Google: keys, tokens of users, secrets of clients.
    ("AIza", 12),
    ("AQ.", 20),
    ("ya29.", 8),
    ("GOCSPX-", 12),
    // AWS: keys, temporary keys, keys of Bedrock.
    ("AKIA", 12),
    ("ASIA", 12),
    ("ABSK", 16),
    ("bedrock-api-key-", 8),
    // Groq, xAI, Hugging Face, Perplexity, Fireworks, Replicate, NVIDIA, Cerebras, Together, Voyage, Tavily, Langfuse.
    ("gsk_", 12),
    ("xai-", 12),
    ("hf_", 16),
    ("api_org_", 16),
    ("pplx-", 12),
    ("fw_", 16),
    ("r8_", 16),
    ("nvapi-", 12),
    ("csk-", 16),
    ("tgp_v1_", 12),
    ("pa-", 20),
    ("tvly-", 12),
    ("pk-lf-", 12),
    ("lsv2_", 16),
    // GitHub, GitLab, Slack, npm, a JSON web token.
    ("ghp_", 16),
    ("gho_", 16),
    ("ghs_", 16),
    ("ghu_", 16),
    ("github_pat_", 16),
    ("glpat-", 12),
    ("xoxb-", 12),
    ("xoxp-", 12),
    ("npm_", 20),
    ("eyJ", 16),
];
/// Prefixes whose rest is letters and digits alone, so that names such as `hf_hub_download` are none.
const PLAIN: [&str; 9] = ["AKIA", "ASIA", "ABSK", "gsk_", "hf_", "fw_", "r8_", "npm_", "api_org_"];
/// What comes before a key in a header.
const SCHEMES: [&str; 7] = ["bearer", "basic", "apikey", "api-key", "token", "key", "digest"];
/// Names of secrets, as the end of a name. After the others, a word has to look like a key.
const SECRETS: [&str; 22] = [
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "subscriptionkey",
    "accountkey",
    "sharedkey",
    "signingkey",
    "secretaccesskey",
    "accesskeyid",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "authorization",
    "accesstoken",
    "authtoken",
    "bearertoken",
    "refreshtoken",
    "sessiontoken",
    "securitytoken",
    "idtoken",
];
const PERHAPS: [&str; 8] = ["key", "token", "signature", "sig", "credential", "credentials", "cookie", "pwd"];

/// A text without its keys.
pub(super) fn without_keys(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut words = Words { text, at: 0 };
    // The word before, and where it ends.
    let mut before = ("", 0);
    let mut expected = Expected::Nothing;
    while let Some((start, end)) = words.next() {
        let between = text.get(before.1..start).unwrap_or_default();
        expected = match expected {
            // The scheme came after `authorization:`.
            Expected::Key if is_space(between) => Expected::Key,
            _ => expected_after(before.0, between),
        };
        let (word, mut last) = (text.get(start..end).unwrap_or_default(), end);
        let is_scheme = SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme));
        let is_key = match expected {
            Expected::Key if is_scheme && is_space_after(text, end) => {
                before = (word, end);
                continue;
            }
            Expected::Key => {
                last = end_of_value(text, end);
                word.len() >= 4
            }
            Expected::Likely => looks_like_a_key(word),
            Expected::Nothing => false,
        };
        expected = Expected::Nothing;
        if let Some(from) = is_key.then_some(0).or_else(|| key_within(word)) {
            out.push_str(text.get(copied..start + from).unwrap_or_default());
            out.push_str("[key]");
            copied = last;
            words.at = last;
            before = ("", last);
        } else {
            before = (word, end);
        }
    }
    if copied == 0 {
        return text.into();
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out.into()
}

/// What the word after a name, or after a scheme, is.
#[derive(Clone, Copy, PartialEq)]
enum Expected {
    Nothing,
    /// A key, if it looks like one.
    Likely,
    Key,
}

/// What comes after a word and what is between it and the next.
fn expected_after(word: &str, between: &str) -> Expected {
    if is_space(between) {
        let is_scheme = SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme));
        return if is_scheme { Expected::Likely } else { Expected::Nothing };
    }
    // `=`, `: `, `": "`, `\": \"`, ` => `, `='`
    let sign = between.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\'));
    if !matches!(sign, "=" | ":" | "=>" | ":=" | "==") {
        return Expected::Nothing;
    }
    let name: String =
        word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let is_secret = SECRETS.iter().any(|secret| name.ends_with(secret));
    let is_perhaps = PERHAPS.iter().any(|perhaps| name == *perhaps || ends_with_segment(word, perhaps));
    // Prose has a space after its colon; so do headers, whose names are those of secrets.
    let is_assigned = !between.contains(char::is_whitespace) || between.contains(['"', '\'']);
    match (is_secret, is_perhaps, is_assigned) {
        (true, _, true) => Expected::Key,
        (false, true, true) if PERHAPS.contains(&name.as_str()) => Expected::Key,
        (true, ..) if name == "authorization" || name.ends_with("apikey") => Expected::Key,
        (true, ..) | (_, true, _) => Expected::Likely,
        _ => Expected::Nothing,
    }
}

/// Whether a name such as `page_token` or `pageToken` ends with this word.
fn ends_with_segment(name: &str, segment: &str) -> bool {
    let Some(at) = name.len().checked_sub(segment.len()) else { return false };
    let (Some(before), Some(end)) = (name.get(..at), name.get(at..)) else { return false };
    end.eq_ignore_ascii_case(segment)
        && (before.ends_with(['-', '_', '.', '/'])
            || end.starts_with(|c: char| c.is_ascii_uppercase())
                && before.ends_with(|c: char| c.is_ascii_lowercase()))
}

fn is_space(between: &str) -> bool {
    !between.is_empty() && between.chars().all(char::is_whitespace)
}

fn is_space_after(text: &str, end: usize) -> bool {
    text.get(end..).is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

/// Where a value that is a secret ends, which may hold more than letters and digits.
fn end_of_value(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '\'' | '`' | '&' | ',' | ';' | ')' | ']' | '}' | '<' | '>' | '\\')
    };
    from + rest.find(ends).unwrap_or(rest.len())
}

/// Where in a word a key begins, by its prefix or its shape.
fn key_within(word: &str) -> Option<usize> {
    // "task-" does not begin with "sk-".
    let starts = word
        .char_indices()
        .filter(|&(at, _)| at == 0 || !word.as_bytes().get(at - 1).is_some_and(u8::is_ascii_alphanumeric));
    let by_prefix = |at: usize| {
        let rest = word.get(at..).unwrap_or_default();
        PREFIXES.iter().any(|(prefix, least)| {
            let Some(rest) = rest.strip_prefix(prefix) else { return false };
            if PLAIN.contains(prefix) {
                rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).len() >= *least
                    && (*prefix != "ASIA" && *prefix != "AKIA"
                        || !rest.starts_with(|c: char| c.is_ascii_lowercase()))
            } else {
                rest.len() >= *least
            }
        })
    };
    starts.map(|(at, _)| at).find(|&at| by_prefix(at)).or_else(|| has_shape_of_key(word).then_some(0))
}

/// 32 letters and digits on end, or as many as 40 in base64.
fn has_shape_of_key(word: &str) -> bool {
    let mixed = |part: &str| {
        part.bytes().any(|byte| byte.is_ascii_digit()) && part.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let is_run = |run: &str| run.len() >= 32 && mixed(run);
    if word.split(|c: char| !c.is_ascii_alphanumeric()).any(is_run) {
        return true;
    }
    let is_base64 = |run: &str| {
        let parts = run.split(['/', '-', '_']).count();
        let has = |is: fn(&u8) -> bool| run.bytes().any(|byte| is(&byte));
        run.len() >= 40
            && run.len() / parts >= 10
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_uppercase)
            && changes(run) >= 4
    };
    word.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '-' | '_')).any(is_base64)
}

/// How often digits and letters take turns.
fn changes(run: &str) -> usize {
    let digits: Vec<bool> = run.bytes().map(|byte| byte.is_ascii_digit()).collect();
    digits.windows(2).filter(|pair| pair.first() != pair.last()).count()
}

/// Whether a word after a name is no word of a sentence.
fn looks_like_a_key(word: &str) -> bool {
    let is_key = |part: &str| {
        let (letters, digits) = (
            part.bytes().any(|byte| byte.is_ascii_alphabetic()),
            part.bytes().any(|byte| byte.is_ascii_digit()),
        );
        part.len() >= 6 && letters && digits || part.len() >= 20 || odd_case(part) >= 2
    };
    word.len() >= 8 && (word.ends_with('=') || word.split(|c: char| !c.is_ascii_alphanumeric()).any(is_key))
}

/// How often capitals and small letters change as they do in no name.
fn odd_case(part: &str) -> usize {
    let case: Vec<bool> = part.bytes().map(|byte| byte.is_ascii_uppercase()).collect();
    case.windows(3).filter(|three| matches!(three, [false, true, true] | [true, false, true])).count()
}

/// The words of a text, from where to where.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl Words<'_> {
    fn next(&mut self) -> Option<(usize, usize)> {
        let rest = self.text.get(self.at..)?;
        let start = self.at + rest.find(is_of_word)?;
        let word = self.text.get(start..)?;
        let mut length = word.find(|c: char| !is_of_word(c)).unwrap_or(word.len());
        // Of base64.
        length += word.get(length..)?.bytes().take_while(|byte| *byte == b'=').count().min(2)
            * usize::from(is_padding(word.get(length..)?));
        let whole = word.get(..length)?;
        // The end of a sentence is none of its last word.
        let end = start + whole.trim_end_matches(['.', '/']).len().max(1);
        self.at = end.max(self.at + 1);
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        Some((start, end))
    }
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | '/' | '+' | '~' | '%')
}

/// Whether the signs at the start of what comes after a word end it, and are no assignment.
fn is_padding(rest: &str) -> bool {
    let after = rest.trim_start_matches('=');
    rest.len() > after.len()
        && !after.starts_with(|c: char| is_of_word(c) || matches!(c, '"' | '\'' | '`' | '>'))
}
