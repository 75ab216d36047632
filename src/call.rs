//! A call as a value: what to do, options, and how it becomes a result.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use progenitor_client::ResponseValue;
use serde::de::DeserializeOwned;

use crate::client::AsyncPaid;
use crate::error::{Error, InvalidRequest};
use crate::generated::wire;
use crate::options::{Options, option_setters};
use crate::pager::{Items, Paged, Pages};
use crate::response::Response;
use crate::transport;

/// An operation of the API with its arguments. The SDK generates one type for each.
pub trait Operation: sealed::Sealed + Clone + Send + Sync + 'static {
    /// What the API answers.
    type Output: DeserializeOwned + Send + 'static;

    #[doc(hidden)]
    const FACTS: Facts;

    #[doc(hidden)]
    fn check(&self) -> Result<(), InvalidRequest>;

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
}

/// What progenitor's functions return.
#[doc(hidden)]
pub type Sent<T> = Result<ResponseValue<T>, progenitor_client::Error<()>>;

/// A call that has not been made yet: `.await` it, or set options first.
///
/// ```no_run
/// use std::time::Duration;
///
/// # async fn example(client: paid::AsyncPaid) -> Result<(), paid::Error> {
/// let customer = client.customers().get("cus_1").timeout(Duration::from_secs(5)).max_retries(0).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
#[derive(Clone)]
pub struct Call<O> {
    client: AsyncPaid,
    operation: O,
    options: Options,
}

/// A future that is owned by whoever awaits it. Dropping it cancels the call.
type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<O: Operation> Call<O> {
    pub(crate) fn new(client: AsyncPaid, operation: O) -> Self {
        Call { client, operation, options: Options::default() }
    }

    pub(crate) fn operation_mut(&mut self) -> &mut O {
        &mut self.operation
    }

    #[cfg(feature = "blocking")]
    pub(crate) fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    option_setters!(options);

    /// Makes the call and keeps status, headers and body beside the value. Python: `with_raw_response`.
    ///
    /// # Errors
    ///
    /// As the call itself.
    pub async fn raw(self) -> Result<Response<O::Output>, Error> {
        transport::execute(self.client, self.operation, self.options).await
    }
}

impl<O: Paged> Call<O> {
    /// The answer page by page, from the page that the arguments say. See [`Pages`].
    pub fn pages(self) -> Pages<O> {
        Pages::new(self)
    }

    /// The answer item by item, asking for pages as they are needed. See [`Items`].
    pub fn items(self) -> Items<O> {
        Items::new(self.pages())
    }

    /// The call for the page after this one, if there is one.
    pub(crate) fn after(&self, page: &O::Output) -> Option<Self> {
        let operation = self.operation.next(page)?;
        Some(Call { client: self.client.clone(), operation, options: self.options.clone() })
    }
}

impl<O: Operation> IntoFuture for Call<O> {
    type Output = Result<O::Output, Error>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.raw().await.map(|response| response.data) })
    }
}

impl<O: Operation> fmt::Debug for Call<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &O::FACTS.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
