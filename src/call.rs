//! A call as a value: what to do, options, and how it becomes a result.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use crate::client::AsyncPaid;
use crate::error::Error;
use crate::operation::Operation;
use crate::options::{Options, option_setters};
use crate::response::Response;
use crate::transport;

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

    /// The same call with another operation.
    pub(crate) fn with(&self, operation: O) -> Self {
        Call { client: self.client.clone(), operation, options: self.options.clone() }
    }

    pub(crate) fn operation(&self) -> &O {
        &self.operation
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
        transport::execute(self.client.transport(), self.operation, self.options).await
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
