//! What a call used, in the provider's own numbers, and as attributes.

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::json::Scalar;
use super::recognize::Format;

/// What is counted of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub input: Option<u64>,
    pub output: Option<u64>,
    /// All of it, which shows whether reasoning is part of the output.
    pub total: Option<u64>,
    /// Read from the provider's cache.
    pub cached: Option<u64>,
    /// Written to it, and the part of that which is kept for an hour.
    pub cache_creation: Option<u64>,
    pub cache_creation_1h: Option<u64>,
    pub reasoning: Option<u64>,
    /// Of the input, what the provider's tools have put into the prompt.
    pub tool_use: Option<u64>,
    pub audio_input: Option<u64>,
    pub audio_output: Option<u64>,
    pub image_input: Option<u64>,
    pub image_output: Option<u64>,
    pub searches: Option<u64>,
    pub citations: Option<u64>,
    pub pages: Option<u64>,
    pub images: Option<u64>,
}

/// Where one count is among them.
pub(super) type Place = fn(&mut Counts) -> &mut Option<u64>;

const PLACES: [Place; 16] = [
    |counts| &mut counts.input,
    |counts| &mut counts.output,
    |counts| &mut counts.total,
    |counts| &mut counts.cached,
    |counts| &mut counts.cache_creation,
    |counts| &mut counts.cache_creation_1h,
    |counts| &mut counts.reasoning,
    |counts| &mut counts.tool_use,
    |counts| &mut counts.audio_input,
    |counts| &mut counts.audio_output,
    |counts| &mut counts.image_input,
    |counts| &mut counts.image_output,
    |counts| &mut counts.searches,
    |counts| &mut counts.citations,
    |counts| &mut counts.pages,
    |counts| &mut counts.images,
];

impl Counts {
    /// Takes what is told later: counts are cumulative and never fall, so the larger one is right.
    pub fn raise(&mut self, place: Place, count: u64) {
        let known = place(self);
        *known = Some(known.unwrap_or_default().max(count));
    }

    pub fn add(&mut self, place: Place, count: u64) {
        let known = place(self);
        *known = Some(known.unwrap_or_default().saturating_add(count));
    }

    pub fn raise_all(&mut self, mut other: Counts) {
        for place in PLACES {
            if let Some(count) = *place(&mut other) {
                self.raise(place, count);
            }
        }
    }

    /// Takes what the other one tells in place of what is known.
    pub fn replace_with(&mut self, mut other: Counts) {
        for place in PLACES {
            *place(self) = place(&mut other).or(*place(self));
        }
    }

    /// Takes what is not known from a second source, such as headers.
    pub fn fill(&mut self, other: Counts) {
        let mut whole = other;
        whole.replace_with(*self);
        *self = whole;
    }

    /// Reasoning is billed as output. Where the total shows that the output was told without it, it is added.
    pub fn include_reasoning(&mut self) {
        if let (Some(input), Some(output), Some(total), Some(reasoning @ 1..)) =
            (self.input, self.output, self.total, self.reasoning)
            && input.checked_add(output).and_then(|sum| sum.checked_add(reasoning)) == Some(total)
        {
            self.output = Some(output + reasoning);
        }
    }

    /// The same where reasoning is told by nothing but the total.
    pub fn include_untold_reasoning(&mut self) {
        if let (Some(input), Some(output), Some(total)) = (self.input, self.output, self.total)
            && let Some(reasoning @ 1..) = total.checked_sub(input).and_then(|rest| rest.checked_sub(output))
            && self.reasoning.unwrap_or_default() == 0
        {
            (self.output, self.reasoning) = (Some(output + reasoning), Some(reasoning));
        }
    }
}

/// What one call used, and what else its answer tells of its price.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub counts: Counts,
    /// Of audio.
    pub seconds: Option<f64>,
    /// The model that answered.
    pub model: Option<String>,
    pub id: Option<String>,
    /// As it was served, which may be another one than was asked for.
    pub service_tier: Option<String>,
    /// Of each choice.
    pub finish_reasons: Vec<Option<String>>,
    pub image_size: Option<String>,
    pub image_quality: Option<String>,
}

impl Usage {
    /// Whether it tells what a call of this format costs.
    pub fn is_known(&self, format: Format) -> bool {
        match format {
            // What was asked for is what is paid for.
            Format::Images | Format::Speech => true,
            Format::Transcription => self.seconds.is_some() || self.counts.input.is_some(),
            Format::Ocr => self.counts.pages.is_some(),
            _ => self.counts.input.is_some() || self.counts.output.is_some(),
        }
    }

    pub fn attributes(&self, format: Format) -> Vec<KeyValue> {
        let mut attributes = Attributes(Vec::new());
        let counts = &self.counts;
        match format {
            // What is priced is the images, in their size and quality.
            Format::Images => {
                attributes.count("gen_ai.image.count", above_zero(counts.images));
                attributes.text("gen_ai.image.size", self.image_size.as_ref());
                attributes.text("gen_ai.image.quality", self.image_quality.as_ref());
            }
            Format::Speech => attributes.tokens(counts),
            Format::Transcription => match self.seconds {
                Some(seconds) => attributes.seconds(seconds),
                // Models that are priced by tokens and tell no duration.
                None => attributes.tokens(counts),
            },
            Format::Ocr => {
                attributes.count("gen_ai.ocr.pages_processed", counts.pages);
                attributes.text(MODEL, self.model.as_ref());
            }
            Format::Embeddings | Format::Predict => {
                attributes.count("gen_ai.usage.input_tokens", counts.input);
                attributes.text(MODEL, self.model.as_ref());
            }
            Format::Chat
            | Format::MistralChat
            | Format::Responses
            | Format::Gemini
            | Format::Interactions => {
                attributes.tokens(counts);
                attributes.count("gen_ai.usage.cached_input_tokens", counts.cached);
                attributes
                    .count("gen_ai.usage.cache_creation_input_tokens", above_zero(counts.cache_creation));
                attributes.count("gen_ai.usage.reasoning_output_tokens", counts.reasoning);
                if let Some(seconds) = self.seconds.filter(|seconds| *seconds > 0.0) {
                    attributes.seconds(seconds);
                }
                attributes.text(MODEL, self.model.as_ref());
            }
            Format::Messages | Format::Converse | Format::Invoke => {
                attributes.tokens(counts);
                attributes
                    .count("gen_ai.usage.cache_creation_input_tokens", above_zero(counts.cache_creation));
                attributes.count("gen_ai.usage.cached_input_tokens", above_zero(counts.cached));
                // With Bedrock, the model that was asked for is the one that is priced.
                if format == Format::Messages {
                    attributes.text(MODEL, self.model.as_ref());
                }
            }
        }
        attributes.what_changes_the_price(self);
        attributes.0
    }
}

const MODEL: &str = "gen_ai.response.model";

fn above_zero(count: Option<u64>) -> Option<u64> {
    count.filter(|&count| count > 0)
}

struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn count(&mut self, key: &'static str, count: Option<u64>) {
        if let Some(count) = count {
            self.0.push(KeyValue::new(key, i64::try_from(count).unwrap_or(i64::MAX)));
        }
    }

    fn tokens(&mut self, counts: &Counts) {
        self.count("gen_ai.usage.input_tokens", counts.input);
        self.count("gen_ai.usage.output_tokens", counts.output);
    }

    fn seconds(&mut self, seconds: f64) {
        self.0.push(KeyValue::new("gen_ai.audio.input_duration_seconds", seconds));
    }

    fn text(&mut self, key: &'static str, text: Option<&String>) {
        if let Some(text) = text {
            self.0.push(KeyValue::new(key, text.clone()));
        }
    }

    /// What is told of it in every format, each only where it is not zero.
    fn what_changes_the_price(&mut self, usage: &Usage) {
        let counts = &usage.counts;
        for (key, count) in [
            ("gen_ai.usage.cache_creation_1h_input_tokens", counts.cache_creation_1h),
            ("gen_ai.usage.audio.input_tokens", counts.audio_input),
            ("gen_ai.usage.audio.output_tokens", counts.audio_output),
            ("gen_ai.usage.image.input_tokens", counts.image_input),
            ("gen_ai.usage.image.output_tokens", counts.image_output),
            ("gen_ai.usage.tool_use_prompt_tokens", counts.tool_use),
            ("gen_ai.usage.web_search_requests", counts.searches),
            ("gen_ai.usage.citation_tokens", counts.citations),
        ] {
            self.count(key, above_zero(count));
        }
        self.text("gen_ai.response.service_tier", usage.service_tier.as_ref());
        self.text("gen_ai.response.id", usage.id.as_ref());
        let reasons: Vec<StringValue> =
            usage.finish_reasons.iter().flatten().map(|reason| reason.clone().into()).collect();
        if !reasons.is_empty() {
            self.0
                .push(KeyValue::new("gen_ai.response.finish_reasons", Value::Array(Array::String(reasons))));
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
        let counts = Counts {
            input: Some(0),
            output: Some(0),
            cached: Some(0),
            cache_creation: Some(0),
            reasoning: Some(0),
            ..Counts::default()
        };
        let usage = Usage { counts, ..Usage::default() };
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
