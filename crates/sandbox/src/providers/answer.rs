//! What is answered, before it takes any provider's shape.

use serde_json::Value;

use super::ask::{Ask, tokens};
use super::script::Script;

/// When every answer was made, in seconds since 1970: answers are the same each time.
pub(super) const CREATED: u64 = 1_735_689_600;

/// Longer words of the user are not repeated whole.
const ECHO: usize = 200;

/// A model's answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) model: String,
    pub(super) thinking: Option<String>,
    /// The text, in the pieces in which a stream brings it. None for an answer that only calls a tool.
    pub(super) pieces: Vec<String>,
    pub(super) call: Option<ToolCall>,
    /// None when a script withholds it.
    pub(super) usage: Option<Usage>,
}

/// A tool that is to be called.
#[derive(Debug, Clone)]
pub(super) struct ToolCall {
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// Counts as a provider reports them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cached: u64,
    pub(super) cache_creation: u64,
    pub(super) reasoning: u64,
}

/// Whether a provider counts thinking as output, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    InOutput,
    Apart,
}

impl Reply {
    /// The answer to a request, unless a script wants another.
    pub(super) fn to(ask: &Ask, script: &Script, counted: Thinking) -> Self {
        let answer = script.answer();
        let thinking = answer.thinking.clone().or_else(|| {
            ask.thinks.then(|| format!("The question has {} characters.", ask.last.chars().count()))
        });
        let offered = ask.tool.as_ref().filter(|_| !ask.after_tool && answer.text.is_none());
        let call = answer.call.clone().or_else(|| {
            offered.map(|tool| ToolCall { name: tool.name.clone(), arguments: tool.arguments(&ask.last) })
        });
        let text = answer.text.clone().or_else(|| call.is_none().then(|| echo(ask)));
        let pieces = text.map(|text| pieces(&text, answer.chunks)).unwrap_or_default();
        let mut reply = Self {
            model: answer.model.clone().unwrap_or_else(|| ask.model.clone()),
            thinking,
            pieces,
            call,
            usage: None,
        };
        reply.usage = (!answer.without_usage).then(|| reply.count(ask, script, counted));
        reply
    }

    fn count(&self, ask: &Ask, script: &Script, counted: Thinking) -> Usage {
        let given = script.given();
        let reasoning = given.reasoning.unwrap_or_else(|| self.thinking.as_deref().map_or(0, tokens));
        let called = self.call.as_ref().map_or(0, |call| tokens(&format!("{}{}", call.name, call.arguments)));
        let said = tokens(&self.text()).saturating_add(called);
        let output = if counted == Thinking::InOutput { said.saturating_add(reasoning) } else { said };
        let marked = tokens(&ask.cached_text);
        Usage {
            input: given.input.unwrap_or_else(|| tokens(&ask.text).saturating_sub(marked)),
            output: given.output.unwrap_or(output),
            cached: given.cached.unwrap_or(0),
            cache_creation: given.cache_creation.unwrap_or(marked),
            reasoning,
        }
    }

    /// The whole text.
    pub(super) fn text(&self) -> String {
        self.pieces.concat()
    }

    pub(super) fn has_text(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// One of two names for why the answer ended.
    pub(super) fn ended<'a>(&self, with_text: &'a str, with_call: &'a str) -> &'a str {
        if self.call.is_some() { with_call } else { with_text }
    }
}

impl ToolCall {
    /// The arguments as JSON text, in the pieces in which a stream brings them.
    pub(super) fn pieces(&self) -> Vec<String> {
        let letters: Vec<char> = self.arguments.to_string().chars().collect();
        letters.chunks(8).map(|piece| piece.iter().collect()).collect()
    }
}

fn echo(ask: &Ask) -> String {
    let who = if ask.after_tool { "The tool said" } else { "You said" };
    let last: String = ask.last.chars().take(ECHO).collect();
    format!("{who}: {last}")
}

/// A text in pieces: its words, or this many pieces of them. It is repeated when it has fewer words.
fn pieces(text: &str, count: Option<usize>) -> Vec<String> {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    match count {
        None => words.into_iter().map(str::to_owned).collect(),
        Some(count) if count > words.len() => {
            let last = words.len().saturating_sub(1);
            let spaced = words
                .iter()
                .enumerate()
                .map(|(place, word)| if place == last { format!("{word} ") } else { (*word).to_owned() });
            spaced.collect::<Vec<_>>().into_iter().cycle().take(count).collect()
        }
        Some(count) => (0..count)
            .map(|piece| {
                let bounds = piece * words.len() / count..(piece + 1) * words.len() / count;
                words.get(bounds).map(<[&str]>::concat).unwrap_or_default()
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn a_text_comes_in_as_many_pieces_as_are_asked_for() {
        assert_eq!(pieces("a b c", None), ["a ", "b ", "c"]);
        assert_eq!(pieces("a b c", Some(2)), ["a ", "b c"]);
        assert_eq!(pieces("a b", Some(5)), ["a ", "b ", "a ", "b ", "a "]);
        assert_eq!(pieces("a b", Some(0)), [""; 0]);
        assert_eq!(pieces("", Some(3)), [""; 0]);
        assert_eq!(pieces("long", Some(2_000)).len(), 2_000);
    }
}
