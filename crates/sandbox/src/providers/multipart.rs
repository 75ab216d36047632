//! The fields of a `multipart/form-data` body.

/// A field: its name and its bytes.
pub(super) struct Field<'a> {
    pub(super) name: String,
    pub(super) value: &'a [u8],
}

/// All fields, or nothing when the body is no such form.
pub(super) fn fields<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Field<'a>>> {
    let (_, parameters) = content_type.strip_prefix("multipart/form-data")?.split_once("boundary=")?;
    let boundary = parameters.split(';').next()?.trim().trim_matches('"');
    let delimiter = format!("--{boundary}");
    let (_, mut rest) = split(body, delimiter.as_bytes())?;
    let mut fields = Vec::new();
    while !rest.starts_with(b"--") {
        let (part, after) = split(rest, format!("\r\n{delimiter}").as_bytes())?;
        let (head, value) = split(part, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(head);
        let (_, name) = head.split_once("; name=\"")?;
        fields.push(Field { name: name.split('"').next()?.to_owned(), value });
        rest = after;
    }
    Some(fields)
}

/// What is before and after the first place where these bytes are.
fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|window| window == at)?;
    Some((bytes.get(..place)?, bytes.get(place + at.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_other_bodies_are_not() {
        let body = b"--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n\
            --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n\r\n\x00\r\n--b--\r\n";
        let fields = fields("multipart/form-data; boundary=b", body).unwrap();
        let shown: Vec<_> = fields.iter().map(|field| (field.name.as_str(), field.value)).collect();
        assert_eq!(shown, [("model", b"m".as_slice()), ("file", b"\r\n\x00")]);
        assert!(super::fields("multipart/form-data; boundary=c", body).is_none());
        assert!(super::fields("application/json", body).is_none());
    }
}
