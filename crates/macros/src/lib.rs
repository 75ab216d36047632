//! The attribute `#[paid_tracing]` of the crate `paid`: use it from there, as `paid::tracing::paid_tracing`.

mod arguments;
mod expand;
mod function;

use proc_macro::TokenStream;

/// Runs every call of a function in a cost-tracing scope. Python: the decorator `@paid_tracing(..)`.
///
/// The scope opens before the body and closes after it. An `Err`, or a panic, is recorded with its text and goes on
/// untouched; where tracing is off, the function runs as it would without the attribute.
///
/// ```no_run
/// use paid::tracing::paid_tracing;
///
/// struct Question {
///     customer_id: String,
///     text: String,
/// }
///
/// #[paid_tracing(&question.customer_id, external_agent_id = "agent_456")]
/// async fn answer(question: Question) -> Result<String, std::io::Error> {
///     Ok(format!("{}? 42.", question.text)) // ...the work, with calls of models and signals...
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::io::Error> {
/// let question = Question { customer_id: "customer_123".into(), text: "6 × 7".into() };
/// assert_eq!(answer(question).await?, "6 × 7? 42.");
/// # Ok(())
/// # }
/// ```
///
/// # Arguments
///
/// | | |
/// |---|---|
/// | first, or `external_customer_id = ..` | for whom the work is done; needed |
/// | second, or `external_agent_id = ..` | the agent that does it; signals need it |
/// | `tracing_token = ..` | joins the trace of this token |
/// | `store_prompt = ..` | whether the content of prompts and completions is kept |
/// | `metadata = ..` | attributes of every span of the scope |
/// | `crate = path` | where `paid` is, if it goes by another name |
///
/// Each is any expression that the method of that name on [`PaidTracing`] takes, `None::<&str>` and other optional
/// values included. It may use the function's parameters, `self` too, and is evaluated before the body. To leave a
/// parameter to the body, lend it: `&customer_id`, not `customer_id`.
///
/// [`PaidTracing`]: https://docs.rs/paid/latest/paid/tracing/struct.PaidTracing.html
///
/// # Where it goes
///
/// On any function with a body: async or not, free or a method, in a trait or an impl, generic, `unsafe` or `extern`;
/// a `const fn` can't be traced. Other attributes keep their places above and below it.
///
/// A function that is not `async` but says that it returns a future (`impl Future`, `Pin<Box<dyn Future>>`,
/// `BoxFuture`, as `#[async_trait]` makes them) is traced while that future runs. Other work that is only begun when
/// the function returns is not in the scope: iterators, streams and callbacks that are returned, tasks that are
/// spawned.
#[proc_macro_attribute]
pub fn paid_tracing(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(arguments.into(), item.into()).into()
}
