//! The blocking client: the same calls without a runtime of your own.

mod runtime;

use std::fmt;
use std::sync::Arc;

use crate::client::AsyncPaid;
use crate::config::Builder;
use crate::error::Error;
use crate::operation::Operation;
use crate::options::option_setters;
use crate::pager::Paged;
use crate::response::Response;
use crate::token::Token;

use runtime::Runtime;

/// The blocking client of the Paid API. Python: `Paid`.
///
/// It works in plain `main`, in threads, and in `spawn_blocking`. Inside an async task it answers
/// with an error instead of blocking the runtime: use [`AsyncPaid`] there. It is
/// cheap to clone; connections are served by one background thread.
///
/// ```no_run
/// use paid::{Paid, types::CustomerCreate};
///
/// let client = Paid::new("API_KEY")?;
/// let customer = client.customers().create(CustomerCreate::new("Acme, Inc.")).send()?;
/// println!("{}", customer.id);
/// # Ok::<(), paid::Error>(())
/// ```
#[derive(Clone)]
pub struct Paid {
    client: AsyncPaid,
    runtime: Arc<Runtime>,
}

impl Paid {
    /// A client for the production server.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] if the token can't be one: empty, or with characters that don't fit a header.
    pub fn new(token: impl Into<Token>) -> Result<Self, Error> {
        Self::builder().token(token).build()
    }

    /// A client configured by `PAID_API_KEY` and, if set, `PAID_BASE_URL`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().from_env()?.build()
    }

    /// A client with settings of its own.
    pub fn builder() -> Builder<Paid> {
        Builder::new()
    }

    /// The URL that requests go to, without a trailing slash.
    pub fn base_url(&self) -> &str {
        self.client.base_url()
    }

    #[cfg(feature = "cost-tracing")]
    pub(crate) fn account(&self) -> &Arc<crate::account::Account> {
        self.client.account()
    }
}

impl Builder<Paid> {
    /// The client.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] names the setting that is missing or wrong; [`Error::Transport`] if
    /// the system has no thread for it.
    pub fn build(self) -> Result<Paid, Error> {
        let client = AsyncPaid::from_transport(self.transport()?);
        Ok(Paid { client, runtime: Arc::new(Runtime::start()?) })
    }
}

impl fmt::Debug for Paid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paid").field("client", &self.client).finish()
    }
}

/// A call that has not been made yet: `.send()` it, or set options first.
///
/// ```no_run
/// use std::time::Duration;
///
/// # fn example(client: paid::Paid) -> Result<(), paid::Error> {
/// let customer = client.customers().get("cus_1").timeout(Duration::from_secs(5)).send()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until .send()"]
#[derive(Clone)]
pub struct Call<O> {
    call: crate::Call<O>,
    runtime: Arc<Runtime>,
}

impl<O: Operation> Call<O> {
    pub(crate) fn new(client: Paid, operation: O) -> Self {
        Call { call: crate::Call::new(client.client, operation), runtime: client.runtime }
    }

    pub(crate) fn operation_mut(&mut self) -> &mut O {
        self.call.operation_mut()
    }

    option_setters!(call.options_mut());

    /// Makes the call and waits for its answer.
    ///
    /// # Errors
    ///
    /// [`Error`], as the async call; [`Error::InvalidRequest`] inside an async task.
    pub fn send(self) -> Result<O::Output, Error> {
        self.raw().map(|response| response.data)
    }

    /// Makes the call and keeps status, headers and body beside the value. Python: `with_raw_response`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn raw(self) -> Result<Response<O::Output>, Error> {
        self.runtime.wait(self.call.raw())?
    }
}

impl<O: Paged> Call<O> {
    /// The answer page by page, from the page that the arguments say.
    pub fn pages(self) -> Pages<O> {
        Pages { pages: Some(self.call.pages()), runtime: self.runtime }
    }

    /// The answer item by item, asking for pages as they are needed.
    pub fn items(self) -> Items<O> {
        Items { items: Some(self.call.items()), runtime: self.runtime }
    }
}

impl<O: Operation> fmt::Debug for Call<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

/// The pages of an answer, asked for one after the other. See [`crate::Pages`].
///
/// ```no_run
/// # fn example(client: paid::Paid) -> Result<(), paid::Error> {
/// for page in client.customers().get_costs_by_external_id("acme").limit(100).pages() {
///     println!("{} costs", page?.traces.len());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "pages are asked for as they are read"]
#[derive(Debug)]
pub struct Pages<O: Paged> {
    pages: Option<crate::Pages<O>>,
    runtime: Arc<Runtime>,
}

impl<O: Paged> Iterator for Pages<O> {
    type Item = Result<O::Output, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut pages = self.pages.take()?;
        let answer = self.runtime.wait(async move { (pages.next().await, pages) });
        match answer {
            Ok((page, pages)) => {
                self.pages = page.as_ref().and_then(|page| page.as_ref().ok()).map(|_| pages);
                page
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// The items of all pages, asked for page by page. See [`crate::Items`].
///
/// ```no_run
/// # fn example(client: paid::Paid) -> Result<(), paid::Error> {
/// for cost in client.customers().get_costs_by_external_id("acme").items() {
///     println!("{}", cost?.vendor);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "items are asked for as they are read"]
#[derive(Debug)]
pub struct Items<O: Paged> {
    items: Option<crate::Items<O>>,
    runtime: Arc<Runtime>,
}

impl<O: Paged> Iterator for Items<O> {
    type Item = Result<O::Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut items = self.items.take()?;
        if let Some(item) = items.buffered() {
            self.items = Some(items);
            return Some(Ok(item));
        }
        match self.runtime.wait(async move { (items.next().await, items) }) {
            Ok((item, items)) => {
                self.items = item.as_ref().and_then(|item| item.as_ref().ok()).map(|_| items);
                item
            }
            Err(error) => Some(Err(error)),
        }
    }
}
