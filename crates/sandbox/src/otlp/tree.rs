//! A trace as a small tree of text.

use std::collections::{HashMap, HashSet};

use super::ReceivedSpan;

/// How much of a value is shown, in characters.
const SHOWN: usize = 60;

/// How many levels are indented. Deeper ones would drown in their own margin.
const INDENTED: usize = 32;

/// Draws the trace of this id, one line per span.
pub(crate) fn draw(spans: &[ReceivedSpan], trace_id: &str) -> String {
    let spans = first_copies(spans, trace_id);
    let by_id: HashMap<&str, &ReceivedSpan> =
        spans.iter().map(|span| (span.span_id.as_str(), *span)).collect();
    let mut children: HashMap<&str, Vec<&ReceivedSpan>> = HashMap::new();
    let mut roots = Vec::new();
    for &span in &spans {
        match span.parent_span_id.as_deref() {
            Some(parent) if by_id.contains_key(parent) => children.entry(parent).or_default().push(span),
            _ => roots.push(span),
        }
    }
    let mut tree = Tree { children, by_id, drawn: HashSet::new(), text: String::new() };
    for root in roots {
        tree.branch(root);
    }
    // Whatever is left goes round in circles: it has no root, so any span will do.
    for span in spans {
        tree.branch(span);
    }
    tree.text
}

fn first_copies<'a>(spans: &'a [ReceivedSpan], trace_id: &str) -> Vec<&'a ReceivedSpan> {
    let mut known = HashSet::new();
    let mut spans: Vec<_> = spans
        .iter()
        .filter(|span| span.trace_id.eq_ignore_ascii_case(trace_id))
        .filter(|span| known.insert(span.span_id.as_str()))
        .collect();
    spans.sort_by_key(|span| span.start_unix_nano);
    spans
}

struct Tree<'a> {
    children: HashMap<&'a str, Vec<&'a ReceivedSpan>>,
    by_id: HashMap<&'a str, &'a ReceivedSpan>,
    drawn: HashSet<&'a str>,
    text: String,
}

/// A span that waits to be drawn, and what stands before it and before its children.
struct Waiting<'a> {
    span: &'a ReceivedSpan,
    before: String,
    before_children: String,
    depth: usize,
}

impl<'a> Tree<'a> {
    /// Draws a span and all below it. It keeps its own stack, because a trace may be
    /// deeper than a thread's.
    fn branch(&mut self, root: &'a ReceivedSpan) {
        let mut waiting =
            vec![Waiting { span: root, before: String::new(), before_children: String::new(), depth: 0 }];
        while let Some(Waiting { span, before, before_children, depth }) = waiting.pop() {
            if !self.drawn.insert(&span.span_id) {
                continue;
            }
            self.line(span, &before);
            let children = self.children.get(span.span_id.as_str()).map(Vec::as_slice).unwrap_or_default();
            for (index, child) in children.iter().rev().enumerate() {
                let (turn, margin) = if index == 0 { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                let margin = if depth < INDENTED { margin } else { "" };
                waiting.push(Waiting {
                    span: child,
                    before: format!("{before_children}{turn}"),
                    before_children: format!("{before_children}{margin}"),
                    depth: depth + 1,
                });
            }
        }
    }

    fn line(&mut self, span: &ReceivedSpan, before: &str) {
        let status = &span.status;
        self.text.push_str(&format!("{before}{}  {}", one_line(&span.name), status.code));
        if !status.message.is_empty() {
            self.text.push_str(&format!(": {}", one_line(&status.message)));
        }
        let parent = span.parent_span_id.as_deref().and_then(|parent| self.by_id.get(parent));
        for (name, value) in &span.attributes {
            // What the parent says, too, needs no saying again.
            if parent.is_none_or(|parent| parent.attribute(name) != Some(value)) {
                self.text.push_str(&format!("  {}={}", one_line(name), one_line(&value.to_string())));
            }
        }
        self.text.push('\n');
    }
}

fn one_line(text: &str) -> String {
    let mut characters = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    let mut shown: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}
