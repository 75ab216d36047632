//! The interceptor of a client.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeSerializationInterceptorContextRef,
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::call::Counted;
use crate::ext::ai::engine::UntracedCall;

/// The operations that are calls of a model.
const CALLS: [&str; 4] = ["Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"];

/// An interceptor that records what calls of models used, in the current scope. Everything else that it sees passes
/// through as it is.
///
/// It goes into the [`Builder`](https://docs.rs/aws-sdk-bedrockruntime/1/aws_sdk_bedrockruntime/config/struct.Builder.html)
/// of a client's configuration, for all of its calls, or into a single call:
///
#[cfg_attr(not(doctest), doc = include_str!("../../../docs/examples/bedrock_interceptor.md"))]
///
/// In both, a call is still counted once.
#[derive(Clone, Debug)]
pub struct PaidInterceptor {
    optional_tracing: bool,
}

impl PaidInterceptor {
    /// Counts calls to every endpoint, and lets those outside of a scope through untraced.
    pub fn new() -> Self {
        PaidInterceptor { optional_tracing: true }
    }

    /// Whether calls outside of a scope go through untraced, as they do by default. Else they fail with
    /// [`UntracedCall`](crate::ai::UntracedCall), among the causes of an `SdkError::ConstructionFailure`, before anything
    /// is sent. Python: `optional_tracing`.
    ///
    /// ```no_run
    /// use std::error::Error;
    /// use std::iter::successors;
    ///
    /// use paid::ai::UntracedCall;
    /// use paid::ai::bedrock::PaidInterceptor;
    ///
    /// let interceptor = PaidInterceptor::new().optional_tracing(false);
    ///
    /// fn is_untraced(error: &(dyn Error + 'static)) -> bool {
    ///     successors(Some(error), |&error| error.source()).any(|error| error.is::<UntracedCall>())
    /// }
    /// # let _ = interceptor;
    /// ```
    #[must_use]
    pub fn optional_tracing(mut self, optional: bool) -> Self {
        self.optional_tracing = optional;
        self
    }
}

impl Default for PaidInterceptor {
    fn default() -> Self {
        Self::new()
    }
}

/// The hooks, in the order in which they are called.
impl Intercept for PaidInterceptor {
    fn name(&self) -> &'static str {
        "PaidInterceptor"
    }

    // The first one that knows the operation, and the last whose error says that nothing was sent.
    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>();
        if operation.is_some_and(|operation| CALLS.contains(&operation.name())) {
            UntracedCall::check(self.optional_tracing)?;
        }
        Ok(())
    }

    // The first one that knows the request, once for all attempts.
    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Another interceptor may have begun.
        if config.load::<Counted>().is_none()
            && let Some(counted) = Counted::begin(context.request())
        {
            config.interceptor_state().store_put(counted);
        }
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(counted) = config.load::<Counted>() {
            counted.attempted(context.response_mut());
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(counted) = config.load::<Counted>() {
            match (context.output_or_error(), context.response()) {
                (Some(Err(error)), response) => counted.failed(error, response),
                (Some(Ok(_)), Some(response)) => counted.succeeded(response),
                // No answer: it tells so when it is dropped.
                _ => {}
            }
        }
        Ok(())
    }
}
