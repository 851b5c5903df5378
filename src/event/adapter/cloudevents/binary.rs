//! Binary mode: the attributes are headers, and the value is the data.

use std::borrow::Cow;

use super::{Envelope, HEADERS, Inside, check_data_type, check_version, identity, text};
use crate::event::adapter::payload::{Payload, missing};
use crate::event::{Code, Rejection};
use crate::time::Timestamp;

/// Opens an envelope whose attributes are in these headers.
pub(super) fn open<'a>(
    payload: &Payload<'a, '_>,
    headers: &[Option<&'a [u8]>; HEADERS.len()],
    media_type: &str,
) -> Result<Envelope<'a>, Rejection> {
    let [_, version, id, source, kind, time, subject] = *headers;
    let required = |value: Option<&'a [u8]>, name: &str| text(value).ok_or_else(|| missing(name));
    check_version(text(version).unwrap_or_default(), "ce_specversion")?;
    check_data_type(media_type, "content-type", payload.text)?;
    let time = text(time).map(|time| {
        let wrong = || Rejection::new(Code::WrongType, "ce_time is not an instant with offset");
        Timestamp::parse_rfc3339(time).ok_or_else(wrong)
    });
    Ok(Envelope {
        id: identity(required(source, "ce_source")?, required(id, "ce_id")?),
        type_name: required(kind, "ce_type")?.into(),
        time: time.transpose()?,
        subject: text(subject).map(Cow::Borrowed),
        data: Cow::Borrowed(payload.text.as_bytes()),
        inside: (Inside::Unread, ""),
    })
}
