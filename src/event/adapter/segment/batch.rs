//! Batches: the bodies that libraries send to the HTTP API, with many calls and what is common to them.
//!
//! A batch is read as its calls would be alone; a call that cannot be read is named by its index and refuses the batch, as a dead letter
//! holds a whole record.

use super::{Call, Context, Options, read_call};
use crate::event::adapter::events::Events;
use crate::event::adapter::inner::{self, at};
use crate::event::adapter::object::Nested;
use crate::event::adapter::payload::Payload;
use crate::event::scan;
use crate::event::{Code, Rejection};

/// Where the calls are.
const CALLS: &str = "batch";

/// Whether an object is a batch of calls rather than a call.
pub(super) fn is_batch(call: &Call<'_>) -> bool {
    call.batch.given().is_some() && call.kind.plain().is_none_or(|kind| kind == CALLS)
}

/// Turns the calls of a batch into events.
pub(super) fn read<'a>(payload: &Payload<'a, '_>, batch: &Call<'a>, options: &Options, events: &mut Events<'a>) -> Result<(), Rejection> {
    for (index, json) in inner::elements(payload, batch.batch, CALLS)?.unwrap_or_default().into_iter().enumerate() {
        let text = json.given().unwrap_or("null");
        let mut call: Call<'a> =
            scan::whole(text).ok_or_else(|| at(index, &Rejection::new(Code::WrongType, "batch[] is not an object")))?;
        if is_batch(&call) {
            return Err(at(index, &Rejection::new(Code::WrongType, "batch[] is a batch itself")));
        }
        add_context(&mut call, batch.context.get());
        read_call(&payload.part(text), &call, options, events)
            .map_err(|Rejection { code, reason }| at(index, &Rejection::new(code, format!("batch[].{reason}"))))?;
    }
    Ok(())
}

/// The context of a batch is merged with that of each call, whose own comes first.
fn add_context<'a>(call: &mut Call<'a>, common: Option<&Context<'a>>) {
    let is_missing = call.context.get().is_none_or(|context| context.group_id.given().is_none());
    if let Some(common) = common.filter(|_| is_missing) {
        call.context = Nested::Given(Context { group_id: common.group_id });
    }
}
