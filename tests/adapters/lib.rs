//! Examples of the crate's docs whose dependencies the crate itself does without.

#[cfg(doctest)]
#[doc = include_str!("../../docs/examples/bedrock_interceptor.md")]
mod bedrock_interceptor {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/examples/bedrock.md")]
mod bedrock {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/examples/openai_layer.md")]
mod openai_layer {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/examples/tower_layer.md")]
mod tower_layer {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/examples/tower_layer_2.md")]
mod tower_layer_2 {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/examples/tower.md")]
mod tower {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/examples/tower_2.md")]
mod tower_2 {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/examples/tracing_options.md")]
mod tracing_options {}
