//! What an answer's types tell of its usage, in the words that the engine reads.

use gemini_rust::{
    BlockReason, FinishReason, GenerationResponse, Interaction, InteractionError, InteractionEvent,
    InteractionStatus, InteractionUsage, PromptTokenDetails,
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
    usage_metadata: Option<Counts<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<[Finished<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failed<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts<'a> {
    prompt_token_count: Option<i64>,
    candidates_token_count: Option<i64>,
    cached_content_token_count: Option<i64>,
    thoughts_token_count: Option<i64>,
    tool_use_prompt_token_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens_details: Option<&'a [PromptTokenDetails]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finished<'a> {
    finish_reason: Reason<'a>,
}

/// As the answer tells it, or a word for an answer that has ended otherwise.
#[derive(Serialize)]
#[serde(untagged)]
enum Reason<'a> {
    Told(&'a FinishReason),
    Blocked(&'a BlockReason),
    Word(&'static str),
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

fn finished(reason: Reason<'_>) -> Option<[Finished<'_>; 1]> {
    Some([Finished { finish_reason: reason }])
}

#[allow(deprecated)]
impl Tells for GenerationResponse {
    fn tell(&self) -> Told<'_> {
        let usage = self.usage_metadata.as_ref().map(|usage| Counts {
            prompt_token_count: usage.prompt_token_count.map(i64::from),
            candidates_token_count: usage.candidates_token_count.map(i64::from),
            cached_content_token_count: usage.cached_content_token_count.map(i64::from),
            thoughts_token_count: usage.thoughts_token_count.map(i64::from),
            tool_use_prompt_token_count: None,
            prompt_tokens_details: usage.prompt_tokens_details.as_deref(),
        });
        let blocked = self.prompt_feedback.as_ref().and_then(|feedback| feedback.block_reason.as_ref());
        let ended = self.candidates.iter().find_map(|candidate| candidate.finish_reason.as_ref());
        Told {
            model_version: self.model_version.as_deref(),
            usage_metadata: usage,
            candidates: ended.map(Reason::Told).or(blocked.map(Reason::Blocked)).and_then(finished),
            response_id: self.response_id.as_deref(),
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
            response_id: None,
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
                    candidates: finished(Reason::Word("completed")),
                    response_id: None,
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

fn counts(usage: &InteractionUsage) -> Counts<'static> {
    Counts {
        prompt_token_count: usage.total_input_tokens,
        candidates_token_count: usage.total_output_tokens,
        cached_content_token_count: usage.total_cached_tokens,
        thoughts_token_count: usage.total_thought_tokens,
        tool_use_prompt_token_count: usage.total_tool_use_tokens,
        prompt_tokens_details: None,
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
