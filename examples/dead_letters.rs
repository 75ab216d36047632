//! Looks at the spans that a collector refused for good, sends them again, or removes them.
//!
//! ```sh
//! cargo run --example dead_letters -- list|show|resend|remove SPOOL_DIR [ID]
//! ```

use std::error::Error;
use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use paid::tracing::{StoredDeadLetter, dead_letters};
use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["list", directory] => dead_letters(directory)?.iter().for_each(list),
        ["show", directory, id] => show(&find(directory, id)?)?,
        ["resend", directory, id] => find(directory, id)?.resend()?,
        ["remove", directory, id] => find(directory, id)?.remove()?,
        _ => return Err("use: dead_letters list DIRECTORY | show|resend|remove DIRECTORY ID".into()),
    }
    Ok(())
}

fn find(directory: &str, id: &str) -> Result<StoredDeadLetter, Box<dyn Error>> {
    let found = dead_letters(directory)?.into_iter().find(|stored| stored.id() == id);
    found.ok_or_else(|| format!("there is no {id} in {directory}: see list").into())
}

fn list(stored: &StoredDeadLetter) {
    let letter = stored.letter();
    let age = SystemTime::now().duration_since(stored.recorded_at()).unwrap_or_default().as_secs();
    println!(
        "{}  {} min ago  status {}  {} of {} refused  {}",
        stored.id(),
        age / 60,
        letter.status,
        letter.refused,
        letter.spans,
        letter.reason
    );
}

fn show(stored: &StoredDeadLetter) -> Result<(), Box<dyn Error>> {
    list(stored);
    let request = ExportTraceServiceRequest::decode(stored.letter().otlp.as_slice())?;
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    for span in scopes.flat_map(|scope| &scope.spans) {
        println!("{}", span.name);
        for attribute in &span.attributes {
            let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
            println!("  {} = {value:?}", attribute.key);
        }
    }
    Ok(())
}
