//! What a call used, in the provider's own numbers, and as attributes.

use opentelemetry::KeyValue;

use super::json::Scalar;
use super::recognize::Format;

/// Counts of one call. What a later part of the answer tells replaces what an earlier one told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub input: Option<u64>,
    pub output: Option<u64>,
    /// Read from the provider's cache.
    pub cached: Option<u64>,
    /// Written to it.
    pub cache_creation: Option<u64>,
    pub reasoning: Option<u64>,
    pub pages: Option<u64>,
    /// Of audio.
    pub seconds: Option<f64>,
    /// The model that answered.
    pub model: Option<String>,
}

impl Usage {
    /// Takes what is not known from a second source, such as headers.
    pub fn fill(&mut self, other: &Usage) {
        self.input = self.input.or(other.input);
        self.output = self.output.or(other.output);
        self.cached = self.cached.or(other.cached);
        self.cache_creation = self.cache_creation.or(other.cache_creation);
    }

    /// Whether it tells what a call of this format costs.
    pub fn is_known(&self, format: Format) -> bool {
        match format {
            // What was asked for is what is paid for.
            Format::Images => true,
            Format::Transcription => self.seconds.is_some() || self.input.is_some(),
            Format::Ocr => self.pages.is_some(),
            _ => self.input.is_some() || self.output.is_some(),
        }
    }

    pub fn attributes(&self, format: Format) -> Vec<KeyValue> {
        let mut attributes = Attributes(Vec::new());
        match format {
            Format::Images => {}
            Format::Transcription => match self.seconds {
                Some(seconds) => {
                    attributes.0.push(KeyValue::new("gen_ai.audio.input_duration_seconds", seconds))
                }
                // Models that are priced by tokens and tell no duration.
                None => {
                    attributes.count("gen_ai.usage.input_tokens", self.input);
                    attributes.count("gen_ai.usage.output_tokens", self.output);
                }
            },
            Format::Ocr => {
                attributes.count("gen_ai.ocr.pages_processed", self.pages);
                attributes.model(self);
            }
            Format::Embeddings => {
                attributes.count("gen_ai.usage.input_tokens", self.input);
                attributes.model(self);
            }
            Format::Chat
            | Format::MistralChat
            | Format::Responses
            | Format::Gemini
            | Format::Interactions => {
                attributes.tokens(self);
                attributes.count("gen_ai.usage.cached_input_tokens", self.cached);
                attributes.count("gen_ai.usage.reasoning_output_tokens", self.reasoning);
                attributes.model(self);
            }
            Format::Messages | Format::Converse | Format::Invoke => {
                let above_zero = |count: Option<u64>| count.filter(|&count| count > 0);
                attributes.tokens(self);
                attributes.count("gen_ai.usage.cache_creation_input_tokens", above_zero(self.cache_creation));
                attributes.count("gen_ai.usage.cached_input_tokens", above_zero(self.cached));
                // With Bedrock, the model that was asked for is the one that is priced.
                if format == Format::Messages {
                    attributes.model(self);
                }
            }
        }
        attributes.0
    }
}

struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn count(&mut self, key: &'static str, count: Option<u64>) {
        if let Some(count) = count {
            self.0.push(KeyValue::new(key, i64::try_from(count).unwrap_or(i64::MAX)));
        }
    }

    fn tokens(&mut self, usage: &Usage) {
        self.count("gen_ai.usage.input_tokens", usage.input);
        self.count("gen_ai.usage.output_tokens", usage.output);
    }

    fn model(&mut self, usage: &Usage) {
        if let Some(model) = &usage.model {
            self.0.push(KeyValue::new("gen_ai.response.model", model.clone()));
        }
    }
}

/// A count, if the value is one.
pub(super) fn count(value: Scalar<'_>) -> Option<u64> {
    /// Floats up to here are whole numbers without loss.
    const MOST: f64 = 9_007_199_254_740_992.0;
    let Scalar::Number(text) = value else { return None };
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        ((0.0..=MOST).contains(&number) && number.fract() == 0.0).then_some(number as u64)
    })
}

/// A duration, if the value is one; some services write it as text.
pub(super) fn seconds(value: Scalar<'_>) -> Option<f64> {
    let (Scalar::Number(text) | Scalar::Text(text)) = value else { return None };
    text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(usage: &Usage, format: Format) -> Vec<String> {
        let attributes = usage.attributes(format);
        attributes.iter().map(|one| format!("{}={}", one.key, one.value)).collect()
    }

    #[test]
    fn zeros_are_kept_where_the_contract_keeps_them() {
        let usage = Usage {
            input: Some(0),
            output: Some(0),
            cached: Some(0),
            cache_creation: Some(0),
            reasoning: Some(0),
            ..Usage::default()
        };
        assert_eq!(
            keys(&usage, Format::Chat),
            [
                "gen_ai.usage.input_tokens=0",
                "gen_ai.usage.output_tokens=0",
                "gen_ai.usage.cached_input_tokens=0",
                "gen_ai.usage.reasoning_output_tokens=0"
            ]
        );
        assert_eq!(
            keys(&usage, Format::Messages),
            ["gen_ai.usage.input_tokens=0", "gen_ai.usage.output_tokens=0"]
        );
        assert_eq!(keys(&usage, Format::Embeddings), ["gen_ai.usage.input_tokens=0"]);
        assert_eq!(keys(&Usage::default(), Format::Gemini), [""; 0]);
    }

    #[test]
    fn counts_are_whole_numbers_that_are_not_negative() {
        for (text, expected) in [
            ("12", Some(12)),
            ("12.0", Some(12)),
            ("1.2e1", Some(12)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-1", None),
            ("1.5", None),
            ("1e300", None),
        ] {
            assert_eq!(count(Scalar::Number(text)), expected, "{text}");
        }
        assert_eq!(count(Scalar::Text("12")), None);
        assert_eq!(
            (seconds(Scalar::Text("1.5")), seconds(Scalar::Number("-1")), seconds(Scalar::Text("inf"))),
            (Some(1.5), None, None)
        );
    }
}
