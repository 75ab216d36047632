//! Bodies that name other records: a customer or an agent, by id or by external id.

use crate::error::ApiError;
use crate::state::{Collection, Key, Store, text};
use crate::validate::Object;

/// The id of the customer that a body names, by id or by external id. A name that
/// nobody has is a 404; two names of different customers are a 400.
pub(super) fn customer_of(store: &Store, body: &Object) -> Result<Option<String>, ApiError> {
    let fields = ["customerId", "customerExternalId"];
    reference(&store.customers, body, fields, "")
}

/// The id of the record that one of two fields names. `at` is where the fields stand.
pub(super) fn reference(
    records: &Collection,
    body: &Object,
    [id_field, external_id_field]: [&str; 2],
    at: &str,
) -> Result<Option<String>, ApiError> {
    let find = |field: &str, key: Option<Key<'_>>| {
        let found = key.map(|key| records.get(key)).transpose();
        found.map_err(|error| error.about(&format!("{at}{field}")))
    };
    let by_id = find(id_field, text(body, id_field).map(Key::Id))?;
    let external_id = text(body, external_id_field);
    let by_external_id = find(external_id_field, external_id.map(Key::ExternalId))?;
    let ids = [by_id, by_external_id].map(|found| found.and_then(|found| text(found, "id")));
    match ids {
        [Some(one), Some(other)] if one != other => Err(ApiError::invalid(format!(
            "{at}{id_field} and {at}{external_id_field} name different records"
        ))),
        [one, other] => Ok(one.or(other).map(str::to_owned)),
    }
}
