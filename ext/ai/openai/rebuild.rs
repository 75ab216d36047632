//! A request that has been looked at, as a factory again.

use std::sync::{Arc, Mutex, PoisonError};

use async_openai::middleware::HttpRequestFactory;
use reqwest::Request;

use crate::ext::ai::http::Change;

struct Looked {
    /// The one that was looked at. It is sent: building a second one would read files twice.
    first: Mutex<Option<Request>>,
    again: HttpRequestFactory,
    change: Option<Change>,
}

/// Builds what was looked at, and for every attempt after the first one the caller's request again, changed alike.
pub(super) fn factory(
    first: Request,
    again: HttpRequestFactory,
    change: Option<Change>,
) -> HttpRequestFactory {
    let looked = Arc::new(Looked { first: Mutex::new(Some(first)), again, change });
    HttpRequestFactory::new(move || {
        let looked = looked.clone();
        async move {
            let first = looked.first.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(first) = first {
                return Ok(first);
            }
            let mut request = looked.again.build().await?;
            if let Some(change) = &looked.change {
                change.repeat(&mut request);
            }
            Ok(request)
        }
    })
}
