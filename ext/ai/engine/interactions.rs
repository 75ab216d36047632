//! What an answer of Gemini's Interactions API tells.

use super::found::{Cut, Found, Kind};
use super::json::Scalar;

impl Found {
    pub(super) fn interactions(&mut self, path: &[&str], value: Scalar<'_>) {
        // The answer is an interaction; events hold one.
        let of_interaction = match (self.cut, path) {
            (Cut::Events, ["interaction", rest @ ..]) => rest,
            (Cut::Events, _) => return self.interaction_event(path, value),
            (_, path) => path,
        };
        match of_interaction {
            ["model"] => self.model(value),
            ["id"] => self.id(value),
            ["usage", key] => self.interaction_count(key, value),
            ["usage", list @ ("input_tokens_by_modality" | "output_tokens_by_modality"), "", key] => {
                self.modality(*list == "input_tokens_by_modality", *key == "tokens", value);
            }
            ["status"] => {
                if matches!(value, Scalar::Text("completed" | "incomplete" | "requires_action")) {
                    self.finish_reason(value);
                }
                // A stream goes on itself.
                let goes_on = matches!(value, Scalar::Text("in_progress" | "queued"));
                self.goes_on = goes_on && self.cut != Cut::Events;
                if value == Scalar::Text("failed") {
                    self.part.kind = Kind::Error;
                }
            }
            ["errors", "", "message"] if self.part.bare.message().is_some() => {}
            ["errors", "", key] => self.part.bare.note(key, value),
            path => self.part.error.note_in(path, value),
        }
    }

    fn interaction_event(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["event_type"] => match value {
                // Of the API's first revision, and of later ones.
                Scalar::Text("interaction.complete" | "interaction.completed")
                    if self.part.kind != Kind::Error =>
                {
                    self.part.kind = Kind::Last;
                }
                Scalar::Text("error") => self.part.kind = Kind::Error,
                _ => {}
            },
            // So far, and of all steps. That of a step alone doesn't count.
            ["metadata", "total_usage", key] => self.interaction_count(key, value),
            [key @ ("code" | "message")] => self.part.bare.note(key, value),
            path => self.part.error.note_in(path, value),
        }
    }

    fn interaction_count(&mut self, key: &str, value: Scalar<'_>) {
        match key {
            "total_input_tokens" => self.count(|counts| &mut counts.input, value),
            "total_output_tokens" => self.count(|counts| &mut counts.output, value),
            "total_cached_tokens" => self.count(|counts| &mut counts.cached, value),
            "total_tool_use_tokens" => self.count(|counts| &mut counts.tool_use, value),
            "total_thought_tokens" => self.count(|counts| &mut counts.reasoning, value),
            _ => {}
        }
    }
}
