//! Objects and lists inside a payload that are rare or small enough to be parsed only when they are needed.

use super::object::Json;
use super::payload::Payload;
use crate::event::native::MAX_VALUES;
use crate::event::scan::{self, Scan, Scanner};
use crate::event::{Code, Rejection};

/// An object declared with `object!`; `None` if it is missing, null or empty text.
///
/// # Errors
/// `wrong_type` if it is something else.
pub(super) fn object<'a, 'c, T: Scan<'a>>(payload: &Payload<'a, 'c>, json: Json<'a>, path: &'c str) -> Result<Option<T>, Rejection> {
    let wrong = || Rejection::new(Code::WrongType, format!("{path} is not an object"));
    payload.optional(json, path, |value| scan::whole(value.json).ok_or_else(wrong))
}

/// Whether JSON text is an object.
pub(super) fn is_object(json: &str) -> bool {
    json.starts_with('{')
}

/// The elements of a list; `None` if it is missing, null or empty text.
///
/// # Errors
/// `wrong_type` if it is something else, `out_of_range` if it has too many elements.
pub(super) fn elements<'a, 'c>(payload: &Payload<'a, 'c>, json: Json<'a>, path: &'c str) -> Result<Option<Vec<Json<'a>>>, Rejection> {
    payload.optional(json, path, |value| {
        let Elements(elements) = scan::whole(value.json).ok_or_else(|| value.wrong_type("is not a list"))?;
        if elements.len() > MAX_VALUES { Err(value.out_of_range(&format!("has more than {MAX_VALUES} values"))) } else { Ok(elements) }
    })
}

/// The elements of a list.
#[derive(Default)]
struct Elements<'a>(Vec<Json<'a>>);

impl<'a> Scan<'a> for Elements<'a> {
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        scanner.list(at, |scanner, at| {
            let (element, end) = scanner.value(at)?;
            self.0.push(Json::of(Some(element)));
            Some(end)
        })
    }
}

/// The member of an object under a key known only at run time; the last of repeated keys.
pub(super) fn member<'a>(json: Json<'a>, key: &str) -> Json<'a> {
    Json::of(json.given().and_then(|json| scan::member(json, key)))
}

/// Puts the index of a list's element into the path that a rejection names: `data[]` becomes `data[2]`.
#[cold]
pub(super) fn at(index: usize, rejection: &Rejection) -> Rejection {
    Rejection::new(rejection.code, rejection.reason.replacen("[]", &format!("[{index}]"), 1))
}
