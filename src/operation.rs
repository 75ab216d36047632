//! What an operation is: the face that generated code shows to the hand-written client.

use std::future::Future;

use progenitor_client::ResponseValue;
use serde::de::DeserializeOwned;

use crate::error::InvalidRequest;
use crate::generated::wire;

/// An operation of the API with its arguments. The SDK generates one type for each.
pub trait Operation: sealed::Sealed + Clone + Send + Sync + 'static {
    /// What the API answers.
    type Output: DeserializeOwned + Send + 'static;

    #[doc(hidden)]
    const FACTS: Facts;

    #[doc(hidden)]
    fn check(&self) -> Result<(), InvalidRequest>;

    /// Refuses a body that the API could do nothing with.
    #[doc(hidden)]
    fn check_body(&self) -> Result<(), InvalidRequest> {
        Ok(())
    }

    #[doc(hidden)]
    fn explain_body(&self) -> Option<InvalidRequest> {
        None
    }

    #[doc(hidden)]
    fn send(&self, client: &wire::Client) -> impl Future<Output = Sent<Self::Output>> + Send;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// What an operation is, whatever its arguments.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// As callers write it: `customers.get`.
    pub name: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    /// The media type of the body, if the operation takes one.
    pub content_type: Option<&'static str>,
    /// Whether a success has content.
    pub has_content: bool,
}

/// What progenitor's functions return.
#[doc(hidden)]
pub type Sent<T> = Result<ResponseValue<T>, progenitor_client::Error<()>>;
