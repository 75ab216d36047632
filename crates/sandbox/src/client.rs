//! Clients of the SDK that talk to a sandbox.

use paid::{AsyncPaid, Paid};

use crate::Sandbox;

impl Sandbox {
    /// The builder of an async client with this sandbox's key, base URL and collector.
    ///
    /// ```
    /// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
    /// let sandbox = paid_sandbox::Sandbox::start().await?;
    /// let client = sandbox.client_builder().max_retries(0).build()?;
    /// client.paid_tracing("acme").external_agent_id("writer").try_run(|| client.signal("report_done").send())?;
    /// assert_eq!(sandbox.wait_for_spans(2, std::time::Duration::from_secs(10)).await.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn client_builder(&self) -> paid::Builder<AsyncPaid> {
        AsyncPaid::builder()
            .token(self.api_key())
            .base_url(self.base_url())
            .collector_endpoint(self.collector_endpoint())
    }

    /// The builder of a blocking client with this sandbox's key, base URL and collector.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sandbox = paid_sandbox::Sandbox::start_blocking()?;
    /// let client = sandbox.blocking_client_builder().build()?;
    /// assert!(client.customers().list().send()?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn blocking_client_builder(&self) -> paid::Builder<Paid> {
        Paid::builder()
            .token(self.api_key())
            .base_url(self.base_url())
            .collector_endpoint(self.collector_endpoint())
    }
}
