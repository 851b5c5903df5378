use super::*;

fn remember(dedup: &mut Dedup, day: i64, identity: u64, newest_day: i64) -> bool {
    let at = |day: i64| Timestamp(day * DAY_MS + 1);
    dedup.remember(Stream::Usage, at(day), identity, at(newest_day), &Settings::default(), &mut LimitMeter::default())
}

#[test]
fn a_second_read_is_a_duplicate_only_on_the_same_day() {
    let mut dedup = Dedup::default();
    assert!(!remember(&mut dedup, 100, 1, 100));
    assert!(remember(&mut dedup, 100, 1, 100));
    assert!(!remember(&mut dedup, 101, 1, 101));
}

/// The separate parts that change, and whether each is written (true) or deleted.
fn taken(dedup: &mut Dedup, inline: bool) -> Vec<bool> {
    let mut parts = Vec::new();
    dedup.take_day_parts(Stream::Usage, inline, StateVersion::NEWEST, &mut Digests::default(), |_, bytes| parts.push(bytes.is_some()));
    parts
}

#[test]
fn days_before_the_dedup_window_are_forgotten_in_memory_and_in_the_changelog() {
    let mut dedup = Dedup::default();
    remember(&mut dedup, 100, 1, 100);
    assert_eq!(taken(&mut dedup, false), [true]);
    remember(&mut dedup, 108, 2, 108);
    assert_eq!(taken(&mut dedup, false), [true, false]);
    assert_eq!(dedup.parts(&Digests::default()).count(), 1);
    assert!(taken(&mut dedup, false).is_empty());
    remember(&mut dedup, 116, 3, 116);
    assert_eq!(taken(&mut dedup, true), [false]);
    assert_eq!(dedup.days().count(), 1);
}

#[test]
fn the_memory_of_a_busy_day_is_released() {
    let mut dedup = Dedup::default();
    for identity in 0..10_000_u64 {
        remember(&mut dedup, 100, identity << 32, 100);
    }
    remember(&mut dedup, 120, 1, 120);
    assert_eq!(dedup.days().count(), 1);
    assert!(dedup.bytes.capacity() <= MAX_SPARE_BYTES, "{}", dedup.bytes.capacity());
}

#[test]
fn a_forgotten_day_is_deleted_when_its_own_stream_is_written() {
    let mut dedup = Dedup::default();
    remember(&mut dedup, 100, 1, 100);
    assert_eq!(taken(&mut dedup, false), [true]);
    remember(&mut dedup, 108, 2, 108);
    dedup.take_day_parts(Stream::Billing, true, StateVersion::NEWEST, &mut Digests::default(), |_, _| panic!("billing has no ids"));
    assert_eq!(taken(&mut dedup, false), [true, false], "the record of day 100 is deleted");
}

#[test]
fn inline_ids_are_written_separately_once_they_are_many() {
    let mut dedup = Dedup::default();
    for (identity, day) in (0..MAX_INLINE_IDS as u64).zip((0..5).cycle()) {
        remember(&mut dedup, day, identity, 5);
    }
    assert!(dedup.fit_inline(Stream::Usage));
    assert!(taken(&mut dedup, true).is_empty());
    remember(&mut dedup, 4, 1_000, 5);
    assert!(!dedup.fit_inline(Stream::Usage));
    assert_eq!(taken(&mut dedup, false), [true; 5]);
    remember(&mut dedup, 4, 1_001, 5);
    assert_eq!(taken(&mut dedup, false), [true]);
    assert_eq!(taken(&mut dedup, true), [false; 5]);
    assert_eq!(dedup.parts(&Digests::default()).count(), 0);
}

#[test]
fn what_was_written_is_restored() {
    for inline in [false, true] {
        let mut dedup = Dedup::default();
        for (day, identity) in [(100, 5), (100, 3), (101, 9)] {
            remember(&mut dedup, day, identity, 101);
        }
        let mut restored = Dedup::default();
        if inline {
            let mut out = Writer::default();
            dedup.write_inline(Stream::Usage, &mut out);
            restored.restore_inline(Stream::Usage, &out.0).unwrap();
        }
        dedup.take_day_parts(Stream::Usage, inline, StateVersion::NEWEST, &mut Digests::default(), |part, bytes| {
            restored.restore(part, &bytes.unwrap(), &mut Digests::default()).unwrap();
        });
        assert_eq!(restored, dedup);
    }
}

#[test]
fn inline_ids_fit_their_reserved_bytes() {
    let mut settings = Settings::default();
    settings.time.dedup_ms = i64::MAX / 4;
    let mut dedup = Dedup::default();
    for day in (0..).take(MAX_INLINE_IDS) {
        let at = Timestamp(-(1 << 40) + day * DAY_MS);
        dedup.remember(Stream::Usage, at, u64::MAX, Timestamp(0), &settings, &mut LimitMeter::default());
    }
    assert_eq!(dedup.days().count(), MAX_INLINE_IDS);
    let mut out = Writer::default();
    dedup.write_inline(Stream::Usage, &mut out);
    assert!(out.0.len() <= MAX_INLINE_BYTES, "{}", out.0.len());
}

#[test]
fn a_day_at_the_limit_keeps_its_smallest_identities() {
    let mut settings = Settings::default();
    settings.limits.ids_per_day = 2;
    let mut limits = LimitMeter::default();
    let mut dedup = Dedup::default();
    for identity in [9, 1, 5] {
        dedup.remember(Stream::Usage, Timestamp(1), identity, Timestamp(1), &settings, &mut limits);
    }
    let day = dedup.days().next().unwrap();
    assert_eq!(dedup.ids(&day), [id_of(1), id_of(5)]);
    assert_eq!(limits.iter().find(|(limit, _)| *limit == Limit::IdsPerDay).unwrap().1, 1);
}
