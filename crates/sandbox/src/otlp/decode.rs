//! A body of OTLP/HTTP as messages: its media type, its compression, its encoding, and the limits on them.

use std::io::Read;

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use flate2::read::MultiGzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::json;

/// How large a body may be, in bytes, before and after it is decompressed.
const LIMIT: usize = 64 * 1024 * 1024;

/// The encodings of OTLP/HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    /// The encoding that a request says it has.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let sent = text(headers, header::CONTENT_TYPE)?.unwrap_or_default();
        let essence = sent.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case(Self::Protobuf.media_type()) {
            Ok(Self::Protobuf)
        } else if essence.eq_ignore_ascii_case(Self::Json.media_type()) {
            Ok(Self::Json)
        } else {
            let message =
                format!("the content-type must be application/x-protobuf or application/json, not {sent:?}");
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// Why a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// 400: this can't be understood, and sending it again won't help.
    pub(super) fn undecodable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: the key is missing or wrong.
    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {LIMIT} bytes"))
    }
}

/// Reads a body that says it has this encoding.
pub(crate) fn decode(
    encoding: Encoding,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<ExportTraceServiceRequest, Refusal> {
    if body.len() > LIMIT {
        return Err(Refusal::too_large());
    }
    let compression = text(headers, header::CONTENT_ENCODING)?.unwrap_or_default().trim();
    if compression.eq_ignore_ascii_case("gzip") {
        read(encoding, &decompress(body, LIMIT)?)
    } else if compression.is_empty() || compression.eq_ignore_ascii_case("identity") {
        read(encoding, body)
    } else {
        let message = format!("the content-encoding must be gzip or none, not {compression:?}");
        Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
    }
}

fn read(encoding: Encoding, body: &[u8]) -> Result<ExportTraceServiceRequest, Refusal> {
    match encoding {
        Encoding::Protobuf => ExportTraceServiceRequest::decode(body).map_err(|error| {
            Refusal::undecodable(format!("the body is not an ExportTraceServiceRequest: {error}"))
        }),
        Encoding::Json => json::read(body).map_err(Refusal::undecodable),
    }
}

/// A body of gzip as it was before; none if it is not whole, or too large.
pub(crate) fn inflated(body: &[u8]) -> Option<Vec<u8>> {
    decompress(body, LIMIT).ok()
}

fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
    let one_too_many = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut whole = Vec::new();
    MultiGzDecoder::new(body)
        .take(one_too_many)
        .read_to_end(&mut whole)
        .map_err(|error| Refusal::undecodable(format!("the body is not valid gzip: {error}")))?;
    if whole.len() > limit { Err(Refusal::too_large()) } else { Ok(whole) }
}

/// The value of a header that may be sent once at most.
fn text(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(&name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value
            .to_str()
            .map(Some)
            .map_err(|_| Refusal::undecodable(format!("the header {name} is not plain text"))),
        (Some(_), Some(_)) => {
            let message = format!("the header {name} is sent more than once");
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn zipped(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn decompression_stops_at_the_limit() {
        let body = zipped(&[7; 1000]);
        assert_eq!(decompress(&body, 1000).unwrap().len(), 1000);
        assert_eq!(decompress(&body, 999).unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
        let twice = [body.clone(), body.clone()].concat();
        assert_eq!(decompress(&twice, 2000).unwrap().len(), 2000);
        let torn = body.get(..body.len() - 1).unwrap();
        assert_eq!(decompress(torn, 1000).unwrap_err().status, StatusCode::BAD_REQUEST);
        assert_eq!(decompress(b"", 1000).unwrap_err().status, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn media_types_may_have_parameters_and_any_letter_case() {
        let encoding = |value: &'static str| {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
            Encoding::of(&headers).map_err(|refusal| refusal.status.as_u16())
        };
        assert_eq!(encoding("application/x-protobuf"), Ok(Encoding::Protobuf));
        assert_eq!(encoding("Application/JSON; charset=utf-8"), Ok(Encoding::Json));
        for other in ["", "text/plain", "application/protobuf", "application/jsonx"] {
            assert_eq!(encoding(other), Err(415), "{other}");
        }
        assert_eq!(Encoding::of(&HeaderMap::new()).unwrap_err().status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}
