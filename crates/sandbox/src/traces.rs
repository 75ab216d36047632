//! What a sandbox's handle tells about traces.

use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::Sandbox;
use crate::otlp::{self, ReceivedSpan, TracedSignal};

impl Sandbox {
    /// The collector's endpoint to give to a tracer: `http://127.0.0.1:PORT/v1/traces`.
    /// The key travels in the resource, as its attribute `api.key`.
    pub fn collector_endpoint(&self) -> String {
        format!("{}{}", self.origin(), otlp::PATH)
    }

    /// Every span that was taken, in the order of arrival. A span that was sent again is
    /// there again.
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        self.shared.store().spans().to_vec()
    }

    /// Every signal that came as a span, in the order of arrival, with the costs of its
    /// trace as far as they are known by now. A signal that was sent again is there again.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// # let sandbox = paid_sandbox::Sandbox::start_blocking()?;
    /// for signal in sandbox.traced_signals() {
    ///     let cost: f64 = signal.linked.iter().map(|linked| linked.cost.amount()).sum();
    ///     println!("{:?} cost {cost}", signal.event_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn traced_signals(&self) -> Vec<TracedSignal> {
        otlp::traced_signals(self.shared.store().spans())
    }

    /// A trace as text, one line per span: its name, how it ended, and the attributes
    /// that its parent does not have as well. Empty when nothing of the trace has come.
    ///
    /// ```text
    /// paid.trace.parent_span  OK  external_customer_id=acme  external_agent_id=writer
    /// ├─ paid.trace.openai.chat.completions.create  OK  gen_ai.usage.input_tokens=12
    /// └─ paid.trace.signal  OK  event_name=report_done  enable_cost_tracing=true
    /// ```
    pub fn trace_tree(&self, trace_id: &str) -> String {
        otlp::draw(self.shared.store().spans(), trace_id)
    }

    /// Waits until at least this many spans have come, or for this long, and returns all
    /// that have come. Needs no particular runtime.
    ///
    /// ```
    /// # async fn test() -> std::io::Result<()> {
    /// # use std::time::Duration;
    /// # let sandbox = paid_sandbox::Sandbox::start().await?;
    /// // … the code under test traces something …
    /// let spans = sandbox.wait_for_spans(2, Duration::from_secs(5)).await;
    /// assert_eq!(spans.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_for_spans(&self, count: usize, timeout: Duration) -> Vec<ReceivedSpan> {
        let (tell, told) = oneshot::channel();
        self.shared.when_spans(count, timeout, move || {
            // Nobody listens when the caller gave up waiting.
            let _ = tell.send(());
        });
        // It ends by being dropped when the server has ended: no more will come.
        let _ = told.await;
        self.spans()
    }

    /// Waits as [`wait_for_spans`](Self::wait_for_spans) does, in code that is not async.
    pub fn wait_for_spans_blocking(&self, count: usize, timeout: Duration) -> Vec<ReceivedSpan> {
        let (tell, told) = mpsc::sync_channel(1);
        self.shared.when_spans(count, timeout, move || {
            let _ = tell.send(());
        });
        let _ = told.recv();
        self.spans()
    }
}
