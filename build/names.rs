//! Rust names for what the spec calls its things.

/// `externalId`, `external-id`, `External ID` → `external_id`.
pub fn snake(text: &str) -> String {
    words(text).join("_")
}

/// `external_id`, `oneTime`, `Mr.` → `ExternalId`, `OneTime`, `Mr`.
pub fn pascal(text: &str) -> String {
    words(text)
        .iter()
        .map(|word| {
            let mut letters = word.chars();
            match letters.next() {
                Some(first) => first.to_uppercase().chain(letters).collect::<String>(),
                None => String::new(),
            }
        })
        .collect()
}

/// A snake-case name that is usable as an identifier: keywords get an underscore, digits a prefix.
pub fn ident(text: &str) -> String {
    let name = snake(text);
    let name = match name.as_str() {
        "" => "empty".to_string(),
        name if starts_wrong(name) => format!("n{name}"),
        name => name.to_string(),
    };
    if is_keyword(&name) { format!("{name}_") } else { name }
}

/// A Pascal-case name that is usable as the name of a variant.
pub fn variant(text: &str) -> String {
    let name = pascal(text);
    match name.as_str() {
        "" => spelled(text),
        "Self" => "SelfValue".to_string(),
        name if starts_wrong(name) => format!("V{name}"),
        name => name.to_string(),
    }
}

/// A name for text without a letter, such as the `>=` of an enum of operators.
fn spelled(text: &str) -> String {
    const MARKS: [(char, &str); 14] = [
        ('<', "Less"),
        ('>', "Greater"),
        ('=', "Equal"),
        ('!', "Not"),
        ('+', "Plus"),
        ('-', "Minus"),
        ('*', "Star"),
        ('/', "Slash"),
        ('%', "Percent"),
        ('&', "And"),
        ('|', "Or"),
        ('.', "Dot"),
        ('$', "Dollar"),
        ('#', "Hash"),
    ];
    if text.trim().is_empty() {
        return "Empty".to_string();
    }
    let name = |letter| MARKS.iter().find(|(mark, _)| *mark == letter).map(|(_, name)| name.to_string());
    text.trim()
        .chars()
        .map(|letter| name(letter).unwrap_or_else(|| format!("U{:x}", u32::from(letter))))
        .collect()
}

/// Whether an identifier can contain the letter; `²` is a number, but not one of those.
fn fits(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || letter.is_alphanumeric() && syn::parse_str::<syn::Ident>(&format!("a{letter}")).is_ok()
}

fn starts_wrong(name: &str) -> bool {
    let first = name.chars().next().map(String::from).unwrap_or_default();
    first != "_" && syn::parse_str::<syn::Ident>(&first).is_err()
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let letters: Vec<char> = text.chars().collect();
    let mut word = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        if !fits(letter) {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(at + 1);
        let starts_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if starts_word && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.extend(letter.to_lowercase().filter(|letter| fits(*letter)));
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn is_keyword(name: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
        "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self",
        "static", "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
        "virtual", "where", "while", "yield",
    ];
    KEYWORDS.contains(&name)
}
