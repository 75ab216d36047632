//! Descriptions of the spec as text that is safe in doc comments.
//!
//! rustdoc compiles what looks like a code block, takes brackets for links to Rust items and angle
//! brackets for HTML. A description means none of that.

/// A description with its code spans, lists, links and fences kept, and everything else made plain.
pub fn clean(text: &str) -> String {
    let mut lines = Vec::new();
    let mut fenced = false;
    for line in text.trim().lines() {
        let line = plain(line);
        let bare = line.trim_start();
        if bare.starts_with("```") || bare.starts_with("~~~") {
            lines.push(if fenced { "```" } else { "```text" }.to_string());
            fenced = !fenced;
        } else if fenced {
            lines.push(line);
        } else {
            // From four spaces on it would be code.
            let indent = (line.len() - bare.len()).min(3);
            lines.push(format!("{}{}", " ".repeat(indent), inline(bare)));
        }
    }
    if fenced {
        lines.push("```".into());
    }
    lines.join("\n")
}

/// Text on one line as a code span.
pub fn code(text: &str) -> String {
    format!("`{}`", plain(text).replace('`', "'"))
}

/// Without the characters that the compiler refuses in comments.
pub fn plain(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|letter| !turns(*letter)).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let kept = match letter {
            '`' => code_span(rest),
            '[' => link(rest),
            '<' => autolink(rest),
            '\\' => rest.char_indices().nth(1).map(|(at, next)| at + next.len_utf8()),
            _ => None,
        };
        if let Some((span, after)) = kept.and_then(|end| rest.split_at_checked(end)) {
            out.push_str(span);
            rest = after;
            continue;
        }
        if let Some(url) = url(rest).filter(|_| !out.ends_with(char::is_alphanumeric)) {
            out.push_str(&format!("<{url}>"));
            rest = rest.strip_prefix(url).unwrap_or_default();
            continue;
        }
        match letter {
            '`' | '[' | ']' | '<' | '>' => out.extend(['\\', letter]),
            // Several spaces after a list mark would start a code block.
            ' ' if out.ends_with(' ') => {}
            letter => out.push(letter),
        }
        rest = rest.strip_prefix(letter).unwrap_or_default();
    }
    out
}

/// Where the code span at the start of the text ends.
fn code_span(text: &str) -> Option<usize> {
    let marks = text.len() - text.trim_start_matches('`').len();
    let mut at = marks;
    while let Some(found) = text.get(at..)?.find('`') {
        let start = at + found;
        let run = text.get(start..)?;
        let length = run.len() - run.trim_start_matches('`').len();
        if length == marks {
            return Some(start + length);
        }
        at = start + length;
    }
    None
}

/// Where a link to the web ends.
fn link(text: &str) -> Option<usize> {
    let middle = text.find("](")?;
    let target = text.get(middle + 2..)?;
    let end = target.find(')')?;
    let to_web = target.starts_with("http") && !target.get(..end)?.contains([' ', '<', '>']);
    (to_web && !text.get(1..middle)?.contains(['[', ']', '<', '>', '`'])).then_some(middle + 2 + end + 1)
}

fn autolink(text: &str) -> Option<usize> {
    let end = text.find('>')?;
    let inner = text.get(1..end)?;
    (url(inner) == Some(inner)).then_some(end + 1)
}

/// The web address at the start of the text.
fn url(text: &str) -> Option<&str> {
    let start = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme))?;
    let end = text.find(|letter: char| letter.is_whitespace() || "<>\"'`)]}|\\".contains(letter));
    let url =
        text.get(..end.unwrap_or(text.len()))?.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_']);
    (url.len() > start.len()).then_some(url)
}
