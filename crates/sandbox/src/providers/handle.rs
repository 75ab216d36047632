//! What a sandbox's handle offers for providers.

use super::{PREFIX, Provider, Script};
use crate::{ReceivedRequest, Sandbox};

impl Sandbox {
    /// OpenAI's base URL, in place of `https://api.openai.com/v1`.
    pub fn openai_base(&self) -> String {
        self.provider_base(Provider::OpenAi, "/v1")
    }

    /// Azure OpenAI's endpoint, in place of `https://NAME.openai.azure.com`. Below it are
    /// `/openai/deployments/{deployment}/…?api-version=…` and `/openai/v1/…`.
    pub fn azure_base(&self) -> String {
        self.provider_base(Provider::Azure, "")
    }

    /// Anthropic's base URL, in place of `https://api.anthropic.com`. Some clients want `/v1` after it.
    pub fn anthropic_base(&self) -> String {
        self.provider_base(Provider::Anthropic, "")
    }

    /// Gemini's base URL, in place of `https://generativelanguage.googleapis.com/v1beta/`. It ends with a slash, since
    /// clients join paths to it.
    pub fn gemini_base(&self) -> String {
        self.provider_base(Provider::Gemini, "/v1beta/")
    }

    /// Mistral's base URL, in place of `https://api.mistral.ai/v1`.
    pub fn mistral_base(&self) -> String {
        self.provider_base(Provider::Mistral, "/v1")
    }

    /// Bedrock's endpoint URL, in place of `https://bedrock-runtime.REGION.amazonaws.com`.
    pub fn bedrock_base(&self) -> String {
        self.provider_base(Provider::Bedrock, "")
    }

    fn provider_base(&self, provider: Provider, path: &str) -> String {
        format!("{}{PREFIX}{}{path}", self.origin(), provider.name())
    }

    /// Makes a provider answer the next requests to a route in another way. Scripts queue up: a request meets the first
    /// one that names its route and is not used up.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use paid_sandbox::{Sandbox, Script};
    ///
    /// let sandbox = Sandbox::start_blocking()?;
    /// sandbox.provider_script(Script::on("/v1/chat/completions").text("Hello!").input_tokens(12));
    /// // … the code under test talks to sandbox.openai_base() …
    /// # Ok(())
    /// # }
    /// ```
    pub fn provider_script(&self, script: Script) {
        self.shared.scripts().push(script);
    }

    /// How many scripts are not used up. One that lasts forever always counts.
    pub fn pending_provider_scripts(&self) -> usize {
        self.shared.scripts().len()
    }

    /// Takes back every script that is not used up.
    pub fn clear_provider_scripts(&self) {
        self.shared.scripts().clear();
    }
}

impl ReceivedRequest {
    /// Whether the request carried this key where its provider wants one: as a bearer token, in a header such as
    /// `x-api-key`, or in Gemini's query. Like the bearer token, none of them is ever shown.
    pub fn provider_key_is(&self, key: &str) -> bool {
        self.bearer_is(key) || self.has_key(key)
    }
}
