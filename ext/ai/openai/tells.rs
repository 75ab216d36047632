//! What a span tells of an error of `async-openai`.

use async_openai::error::OpenAIError;

use crate::ext::ai::engine::Watch;

/// The call failed. Its span says so as those of other clients do, and without the answer's content.
pub(super) fn fail(watch: &mut Watch, error: &OpenAIError) {
    match error {
        OpenAIError::ApiError(refused) => {
            let error = &refused.api_error;
            let kind = error.r#type.iter().chain(&error.code).find(|text| !text.is_empty());
            let mut message = refused.status_code.to_string();
            for part in kind.into_iter().chain(Some(&error.message).filter(|text| !text.is_empty())) {
                message = format!("{message}: {part}");
            }
            watch.fail_as("ApiError", &message);
        }
        // Its text quotes the whole answer.
        OpenAIError::JSONDeserialize(error, _) => {
            let (line, column) = (error.line(), error.column());
            let message = format!("failed to deserialize api response: line {line}, column {column}");
            watch.fail_as("OpenAIError", &message);
        }
        error => watch.fail(error),
    }
}
