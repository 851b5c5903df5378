//! Billing as changelog records: subscriptions and invoices in as many parts as they need, none split.

use serde::{Deserialize, Serialize};

use super::State;
use super::invoices::{Invoice, PaidInvoices};
use super::packed::pack;
use super::subscription::Subscription;
use crate::account::{CodecError, MAX_PART_BYTES, Section, section};
use crate::time::Timestamp;

/// The format that is written: a version byte, then a [`Part`].
const VERSION: u8 = 1;
/// Room of a part besides what it holds: version, header, lengths.
const OVERHEAD_BYTES: usize = 256;

/// One changelog record.
#[derive(Default, Serialize, Deserialize)]
struct Part<'a> {
    /// In part 0.
    header: Option<Header>,
    /// Hash of the id and the packed subscription.
    #[serde(borrow)]
    subscriptions: Vec<(u64, &'a [u8])>,
    #[serde(borrow)]
    invoices: Vec<Invoice<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    first_subscription_at: Option<Timestamp>,
    first_invoice_at: Option<Timestamp>,
    settled: Option<PaidInvoices>,
}

impl Section for State {
    fn parts(&self) -> Vec<(u16, Vec<u8>)> {
        if self.first_record_at().is_none() {
            return Vec::new();
        }
        let header = Header {
            first_subscription_at: self.first_subscription_at,
            first_invoice_at: self.first_invoice_at,
            settled: self.invoices.settled().copied(),
        };
        let mut parts = vec![Part { header: Some(header), ..Part::default() }];
        let mut room = MAX_PART_BYTES - OVERHEAD_BYTES;
        for packed in &self.subscriptions {
            make_room(&mut parts, &mut room, packed.bytes.len() + 16);
            if let Some(part) = parts.last_mut() {
                part.subscriptions.push((packed.hash, &packed.bytes));
            }
        }
        for invoice in self.invoices.kept() {
            make_room(&mut parts, &mut room, pack(&invoice).len());
            if let Some(part) = parts.last_mut() {
                part.invoices.push(invoice);
            }
        }
        (0..).zip(parts.iter().map(|part| section::encode(VERSION, part))).collect()
    }

    fn restore(&mut self, _part: u16, bytes: &[u8]) -> Result<(), CodecError> {
        let part: Part<'_> = section::decode(VERSION, bytes)?;
        for (hash, packed) in part.subscriptions {
            let whole: Result<Subscription<'_>, _> = postcard::from_bytes(packed);
            if whole.map_or(true, |subscription| subscription.newest_at().is_none()) {
                return Err(CodecError::Corrupt("a subscription of the billing part"));
            }
            self.put(hash, packed.into());
        }
        let settled = part.header.as_ref().and_then(|header| header.settled);
        self.invoices.restore(&part.invoices, settled);
        if let Some(header) = part.header {
            self.first_subscription_at = header.first_subscription_at;
            self.first_invoice_at = header.first_invoice_at;
        }
        Ok(())
    }
}

/// Begins another part where the last one has no room for so many bytes.
fn make_room(parts: &mut Vec<Part<'_>>, room: &mut usize, bytes: usize) {
    if *room < bytes {
        parts.push(Part::default());
        *room = MAX_PART_BYTES - OVERHEAD_BYTES;
    }
    *room = room.saturating_sub(bytes);
}
