//! What most programs need: `use paid::prelude::*;`.
//!
//! ```no_run
//! use paid::prelude::*;
//!
//! # async fn example() -> Result<(), Error> {
//! let client = AsyncPaid::from_env()?;
//! let signal = Signal::new().event_name("report_written").external_customer_id("acme");
//! client.usage().record_bulk([signal]).await?;
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "blocking")]
pub use crate::Paid;
pub use crate::{AsyncPaid, Error, JsonObject, Nullable, types};
#[cfg(feature = "cost-tracing")]
pub use crate::{
    Signal,
    cost::CostData,
    tracing::{InCurrentScope, paid_tracing, signal},
};
