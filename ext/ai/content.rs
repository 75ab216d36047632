//! Which attributes hold what people wrote and models answered.

/// Keys of content, each with everything below it. Counters such as `gen_ai.completion_tokens` are none.
const CONTENT: [&str; 19] = [
    "gen_ai.prompt",
    "gen_ai.completion",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.request.messages",
    "gen_ai.response.messages",
    "gen_ai.system_instructions",
    "llm.prompts",
    "llm.input_message",
    "llm.input_messages",
    "llm.output_message",
    "llm.output_messages",
    "llm.invocation_parameters",
    "input.value",
    "output.value",
    "langchain.prompt",
    "langchain.retriever.query",
    "langchain.tool.input",
    "langchain.tool.output",
];

/// Whether an attribute holds content, which is kept only with `store_prompt`.
pub(crate) fn is_content(key: &str) -> bool {
    let below = |rest: &str| rest.is_empty() || rest.starts_with('.');
    CONTENT.iter().any(|prefix| key.strip_prefix(prefix).is_some_and(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_told_from_counters_and_names() {
        for key in [
            "gen_ai.prompt",
            "gen_ai.prompt.0.content",
            "gen_ai.completion.0.role",
            "gen_ai.input.messages",
            "gen_ai.system_instructions",
            "llm.prompts.1",
            "llm.input_messages.0.message.content",
            "input.value",
            "output.value",
            "langchain.prompt",
            "langchain.tool.input",
            "langchain.tool.output",
            "langchain.retriever.query",
            "llm.invocation_parameters",
        ] {
            assert!(is_content(key), "{key}");
        }
        for key in [
            "gen_ai.completion_tokens",
            "gen_ai.prompts",
            "gen_ai.prompt_tokens",
            "gen_ai.usage.input_tokens",
            "gen_ai.response.model",
            "langchain.prompts.count",
            "langchain.tool.name",
            "llm.token_count.prompt",
            "input",
        ] {
            assert!(!is_content(key), "{key}");
        }
    }
}
