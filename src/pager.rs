//! Paged operations as a stream of pages or items.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use serde::Serialize;

use crate::call::Call;
use crate::error::{DecodeError, Error};
use crate::operation::Operation;
use crate::response::Response;

/// An operation whose answer comes in pages.
pub trait Paged: Operation {
    /// What the pages are lists of.
    type Item: Serialize + Send + Unpin + 'static;

    #[doc(hidden)]
    fn items(page: Self::Output) -> Vec<Self::Item>;

    #[doc(hidden)]
    fn listed(page: &Self::Output) -> &[Self::Item];

    #[doc(hidden)]
    fn next(&self, page: &Self::Output) -> Option<Self>;
}

impl<O: Paged> Call<O> {
    /// The answer page by page, from the page that the arguments say. See [`Pages`].
    pub fn pages(self) -> Pages<O> {
        Pages { state: State::Ready(Box::new(self)), before: None }
    }

    /// The answer item by item, asking for pages as they are needed. See [`Items`].
    pub fn items(self) -> Items<O> {
        Items { pages: self.pages(), items: VecDeque::new() }
    }
}

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The pages of an answer, asked for one after the other. It ends after a page with no items, or
/// when the API says that there are no more. A page with the same items as the one before is an
/// error: the API ignores where the page should begin, and would go on for ever.
///
/// It is a `Stream`; without a stream library, `next` does. After an error it ends.
///
/// ```no_run
/// # async fn example(client: paid::AsyncPaid) -> Result<(), paid::Error> {
/// let mut pages = client.customers().get_costs_by_external_id("acme").limit(100).pages();
/// while let Some(page) = pages.next().await {
///     println!("{} costs", page?.traces.len());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "pages are asked for as they are read"]
pub struct Pages<O: Paged> {
    state: State<O>,
    /// What the items of the page before add up to, if it had any.
    before: Option<u64>,
}

enum State<O: Paged> {
    Ready(Box<Call<O>>),
    Waiting(Box<Call<O>>, Pending<Result<Response<O::Output>, Error>>),
    Done,
}

// Nothing in it is pinned in place: the pending call is boxed.
impl<O: Paged> Unpin for Pages<O> {}
impl<O: Paged> Unpin for Items<O> {}

impl<O: Paged> Pages<O> {
    /// The next page, `None` after the last.
    ///
    /// # Errors
    ///
    /// As the call for that page.
    pub async fn next(&mut self) -> Option<Result<O::Output, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl<O: Paged> Stream for Pages<O> {
    type Item = Result<O::Output, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Ready(call) => {
                    let pending = Box::pin((*call).clone().raw());
                    self.state = State::Waiting(call, pending);
                }
                State::Waiting(call, mut pending) => match pending.as_mut().poll(context) {
                    Poll::Pending => {
                        self.state = State::Waiting(call, pending);
                        return Poll::Pending;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                    Poll::Ready(Ok(answer)) => {
                        let items = fingerprint(O::listed(&answer.data));
                        if items.is_some() && items == self.before {
                            return Poll::Ready(Some(Err(repeated::<O>(answer))));
                        }
                        self.before = items;
                        let page = answer.data;
                        if let Some(next) = call.operation().next(&page) {
                            self.state = State::Ready(Box::new(call.with(next)));
                        }
                        return Poll::Ready(Some(Ok(page)));
                    }
                },
            }
        }
    }
}

/// A page that is the one before once more.
fn repeated<O: Paged>(answer: Response<O::Output>) -> Error {
    let reason = "it has the same items as the page before, so the API ignores where a page should begin";
    let answer = Response { status: answer.status, headers: answer.headers, body: answer.body, data: () };
    DecodeError::new(O::FACTS.name, answer, ".".into(), reason.into(), 1).into()
}

/// A hash of the items in their JSON form; none of no items.
fn fingerprint<T: Serialize>(items: &[T]) -> Option<u64> {
    struct Hashed(DefaultHasher);

    impl io::Write for Hashed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut hashed = Hashed(DefaultHasher::new());
    let written = !items.is_empty() && serde_json::to_writer(&mut hashed, items).is_ok();
    written.then(|| hashed.0.finish())
}

/// The items of all pages, asked for page by page. It ends like [`Pages`], and after an error.
///
/// ```no_run
/// # async fn example(client: paid::AsyncPaid) -> Result<(), paid::Error> {
/// let mut costs = client.customers().get_costs_by_external_id("acme").items();
/// while let Some(cost) = costs.next().await {
///     println!("{}", cost?.vendor);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "items are asked for as they are read"]
pub struct Items<O: Paged> {
    pages: Pages<O>,
    items: VecDeque<O::Item>,
}

impl<O: Paged> Items<O> {
    /// The next item, `None` after the last.
    ///
    /// # Errors
    ///
    /// As the call for the page it is on.
    pub async fn next(&mut self) -> Option<Result<O::Item, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// The items that are here already.
    #[cfg(feature = "blocking")]
    pub(crate) fn buffered(&mut self) -> Option<O::Item> {
        self.items.pop_front()
    }
}

impl<O: Paged> Stream for Items<O> {
    type Item = Result<O::Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(Pin::new(&mut self.pages).poll_next(context)) {
                Some(Ok(page)) => self.items = O::items(page).into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<O: Paged> fmt::Debug for Pages<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pages({})", O::FACTS.name)
    }
}

impl<O: Paged> fmt::Debug for Items<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Items({})", O::FACTS.name)
    }
}
