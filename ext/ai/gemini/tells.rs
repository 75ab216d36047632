//! What an answer's types tell of its usage, in the words that the engine reads.

use gemini_rust::{
    GenerationResponse, Interaction, InteractionError, InteractionEvent, InteractionStatus, InteractionUsage,
};
use serde::Serialize;

/// An answer, or a part of one.
pub(super) trait Tells: Send {
    fn tell(&self) -> Told<'_>;
}

/// As Gemini's own JSON has it.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_metadata: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<[Finished; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failed<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    prompt_token_count: Option<i64>,
    candidates_token_count: Option<i64>,
    cached_content_token_count: Option<i64>,
    thoughts_token_count: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finished {
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Failed<'a> {
    code: &'a str,
    message: &'a str,
}

impl Told<'_> {
    fn is_nothing(&self) -> bool {
        self.model_version.is_none()
            && self.usage_metadata.is_none()
            && self.candidates.is_none()
            && self.error.is_none()
    }
}

fn finished(is: bool) -> Option<[Finished; 1]> {
    is.then_some([Finished { finish_reason: "STOP" }])
}

#[allow(deprecated)]
impl Tells for GenerationResponse {
    fn tell(&self) -> Told<'_> {
        let usage = self.usage_metadata.as_ref().map(|usage| Counts {
            prompt_token_count: usage.prompt_token_count.map(i64::from),
            candidates_token_count: usage.candidates_token_count.map(i64::from),
            cached_content_token_count: usage.cached_content_token_count.map(i64::from),
            thoughts_token_count: usage.thoughts_token_count.map(i64::from),
        });
        let blocked = self.prompt_feedback.as_ref().is_some_and(|feedback| feedback.block_reason.is_some());
        let ended = self.candidates.iter().any(|candidate| candidate.finish_reason.is_some());
        Told {
            model_version: self.model_version.as_deref(),
            usage_metadata: usage,
            candidates: finished(blocked || ended),
            error: None,
        }
    }
}

impl Tells for Interaction {
    fn tell(&self) -> Told<'_> {
        let failed = self.status == InteractionStatus::Failed;
        let error =
            self.error.as_ref().map(error).or(failed.then_some(Failed { code: "failed", message: "" }));
        Told {
            model_version: self.model.as_deref(),
            usage_metadata: self.usage.as_ref().map(counts),
            candidates: None,
            error,
        }
    }
}

impl Tells for InteractionEvent {
    fn tell(&self) -> Told<'_> {
        match self {
            InteractionEvent::InteractionCreated { interaction, .. } => {
                Told { model_version: interaction.model.as_deref(), ..Told::default() }
            }
            InteractionEvent::InteractionCompleted { interaction, metadata, .. } => {
                let beside = metadata.as_ref().and_then(|metadata| metadata.total_usage.as_ref());
                let failed = interaction.status == InteractionStatus::Failed;
                Told {
                    model_version: interaction.model.as_deref(),
                    usage_metadata: interaction.usage.as_ref().or(beside).map(counts),
                    candidates: finished(true),
                    error: failed.then_some(Failed { code: "failed", message: "" }),
                }
            }
            InteractionEvent::Error { error: told, .. } => {
                Told { error: Some(error(told)), ..Told::default() }
            }
            _ => Told::default(),
        }
    }
}

fn counts(usage: &InteractionUsage) -> Counts {
    Counts {
        prompt_token_count: usage.total_input_tokens,
        candidates_token_count: usage.total_output_tokens,
        cached_content_token_count: usage.total_cached_tokens,
        thoughts_token_count: usage.total_thought_tokens,
    }
}

fn error(error: &InteractionError) -> Failed<'_> {
    let code = error.code.as_deref().filter(|code| !code.is_empty()).unwrap_or("failed");
    Failed { code, message: error.message.as_deref().unwrap_or_default() }
}

/// Text that is used again for every part.
#[derive(Default)]
pub(super) struct Words(Vec<u8>);

impl Words {
    /// An answer that is whole.
    pub fn whole(&mut self, told: &Told<'_>) -> &[u8] {
        self.write("", told)
    }

    /// An event of a stream; empty if it tells nothing.
    pub fn event(&mut self, told: &Told<'_>) -> &[u8] {
        if told.is_nothing() {
            return &[];
        }
        self.write("data: ", told);
        self.0.extend_from_slice(b"\n\n");
        &self.0
    }

    fn write(&mut self, start: &str, told: &Told<'_>) -> &[u8] {
        self.0.clear();
        self.0.extend_from_slice(start.as_bytes());
        // Numbers and texts are always JSON, and a vector takes all of it.
        let _ = serde_json::to_writer(&mut self.0, told);
        &self.0
    }
}
