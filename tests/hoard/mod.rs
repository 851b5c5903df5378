//! Hostile load, and an allocator that counts bytes.
#![expect(unsafe_code, reason = "an allocator is unsafe by its nature")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use churnwatch::event::Stream;
use churnwatch::time::{DAY_MS, Timestamp};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is passed on to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(live, Ordering::Relaxed);
        // SAFETY: by the contract of this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: by the contract of this function.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Bytes currently allocated.
pub fn live_bytes() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Peak bytes allocated during `work`, beyond those allocated before it.
pub fn most_live_bytes_of(work: impl FnOnce()) -> usize {
    let before = live_bytes();
    MOST.store(before, Ordering::Relaxed);
    work();
    MOST.load(Ordering::Relaxed) - before
}

/// A text of maximum length, different for each number.
pub fn text(n: usize, bytes: usize) -> String {
    format!("{n:x>bytes$}")
}

/// One event of each kind for the account `acme`, with nothing seen before in it.
pub fn of_one_account(n: usize, bytes: usize, now: Timestamp) -> Vec<(Stream, String)> {
    let text = text(n, bytes);
    let at = now.0 - i64::try_from(n % 7).unwrap() * DAY_MS - 60_000;
    let event = |stream, kind: &str, fields: String| {
        (stream, format!(r#"{{"type":"{kind}","id":"{text}","account_id":"acme","occurred_at":{at},{fields}}}"#))
    };
    let ticket = format!(
        r#""ticket_id":"{text}","category":"{text}","product":"{text}","channel":"{text}","team":"{text}","requester_id":"{text}""#
    );
    let price = format!(r#"{{"amount_minor":{n},"currency":"USD","interval":"month","quantity":3}}"#);
    let prices = vec![price; 8].join(",");
    // A few subscriptions that change repeatedly, and many that do not.
    let subscription = |id: usize| {
        format!(
            r#""subscription_id":"{}","status":"active","items":[{prices}],"current_period_start":{at},"current_period_end":{},"reason":"{text}""#,
            self::text(id, bytes),
            at + 30 * DAY_MS
        )
    };
    let entitled = (0..1_000).map(|k| format!(r#""{}""#, self::text(n + k, 32))).collect::<Vec<_>>().join(",");
    let mut events = vec![
        event(Stream::Usage, "feature_used", format!(r#""user_id":"{text}","feature":"{text}","count":1000000"#)),
        event(Stream::Usage, "session_ended", format!(r#""user_id":"{text}","session_id":"{text}","duration_seconds":100000"#)),
        event(Stream::Billing, "subscription_changed", subscription(n % 3)),
        event(Stream::Billing, "subscription_changed", subscription(n + 10)),
        event(
            Stream::Billing,
            "invoice_payment_failed",
            format!(r#""invoice_id":"{text}","subscription_id":"{text}","amount_minor":{n},"currency":"USD""#),
        ),
        event(Stream::Billing, "invoice_paid", format!(r#""invoice_id":"{text}p","amount_minor":{n},"currency":"USD""#)),
        event(Stream::Support, "ticket_opened", ticket.clone()),
        event(Stream::Support, "ticket_opened", ticket.replace(r#""ticket_id":"x"#, r#""ticket_id":"y"#)),
        event(Stream::Support, "ticket_resolved", ticket.replace(r#""ticket_id":"x"#, r#""ticket_id":"y"#)),
        event(Stream::Support, "ticket_replied", format!(r#""ticket_id":"busy","by":"agent","public":true,"team":"{text}""#)),
        event(
            Stream::Feedback,
            "nps_answered",
            format!(r#""score":{},"user_id":"{text}","subject":"{text}","theme":"{text}","reason":"{text}""#, n % 11),
        ),
        event(Stream::Feedback, "survey_sent", format!(r#""kind":"nps","user_id":"{text}""#)),
        event(Stream::Feedback, "health_override_set", format!(r#""value":50,"reason":"{text}","by":"{text}""#)),
        event(Stream::Feedback, "referral_made", format!(r#""user_id":"{text}""#)),
        event(Stream::Feedback, "advocacy_made", format!(r#""kind":"{text}""#)),
    ];
    if n.is_multiple_of(64) {
        events.push(event(
            Stream::Accounts,
            "account_profile",
            format!(r#""name":"{text}","segment":"{text}","entitled_features":[{entitled}]"#),
        ));
    }
    events
}
