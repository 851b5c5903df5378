//! Debezium's envelope: around rows, or added to flattened ones.

use crate::event::adapter::object::{Json, List, Listed, Nested, object};
use crate::event::scan::{self, Scan, Scanner};

object! {
    /// A value: the envelope, a flattened row, or either in `payload` beside its `schema`.
    struct Envelope<'a> {
        payload: Wrapped<'a> = "payload",
        schema: Schema<'a> = "schema",
        before: Json<'a> = "before",
        after: Listed<'a> = "after",
        source: Nested<Source<'a>> = "source",
        op: Json<'a> = "op",
        // MongoDB, where an update may come without the document.
        update: Json<'a> = "updateDescription",
        patch: Json<'a> = "patch",
        // Flattened rows.
        kind: Json<'a> = "type",
        flat_op: Json<'a> = "__op",
        flat_deleted: Json<'a> = "__deleted",
        flat_source_ts: Json<'a> = "__source_ts_ms",
        flat_lsn: Json<'a> = "__source_lsn",
        flat_short_lsn: Json<'a> = "__lsn",
        flat_file: Json<'a> = "__source_file",
        flat_pos: Json<'a> = "__source_pos",
        // Signs of other providers.
        data: Json<'a> = "data",
        content: Json<'a> = "content",
        detail: Json<'a> = "detail",
    }
}

object! {
    /// Where a change comes from.
    struct Source<'a> {
        ts_ms: Json<'a> = "ts_ms",
        // PostgreSQL.
        lsn: Json<'a> = "lsn",
        // MySQL and MariaDB.
        file: Json<'a> = "file",
        pos: Json<'a> = "pos",
        row: Json<'a> = "row",
        // SQL Server.
        change_lsn: Json<'a> = "change_lsn",
        commit_lsn: Json<'a> = "commit_lsn",
        event_serial_no: Json<'a> = "event_serial_no",
        // Oracle, where changes of one transaction may share the SCN.
        scn: Json<'a> = "scn",
        rs_id: Json<'a> = "rs_id",
        ssn: Json<'a> = "ssn",
        // MongoDB.
        ord: Json<'a> = "ord",
    }
}

object! {
    /// A field of a schema.
    struct Column<'a> {
        field: Json<'a> = "field",
        name: Json<'a> = "name",
        parameters: Nested<Parameters<'a>> = "parameters",
        fields: Json<'a> = "fields",
    }
}

object! {
    /// The parameters of a field's type.
    struct Parameters<'a> {
        scale: Json<'a> = "scale",
    }
}

/// What is in `payload`.
#[derive(Debug, Default)]
pub(super) struct Wrapped<'a> {
    /// On the heap, since most values have no `payload` and are smaller without room for it.
    pub(super) envelope: Nested<Box<Envelope<'a>>>,
    pub(super) text: &'a str,
}

impl<'a> Scan<'a> for Wrapped<'a> {
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        let end = self.envelope.scan(scanner, at)?;
        self.text = scanner.between(at, end)?;
        Some(end)
    }
}

/// The schema of a value.
#[derive(Debug, Default)]
pub(super) struct Schema<'a> {
    /// The whole schema.
    pub(super) json: Json<'a>,
    /// Its fields.
    pub(super) fields: List<Column<'a>>,
}

impl<'a> Scan<'a> for Schema<'a> {
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        *self = Self::default();
        let end = if scanner.peek(at) == Some(b'{') {
            scanner.object(at, |scanner, key, at| if key == b"fields" { self.fields.scan(scanner, at) } else { scanner.skip(at) })?
        } else {
            scanner.skip(at)?
        };
        self.json = Json::of(scanner.between(at, end));
        Some(end)
    }
}

impl Source<'_> {
    /// The position in the database's log, as far as the connector gives one.
    pub(super) fn position(&self) -> Option<String> {
        position(&[
            self.lsn,
            self.file,
            self.pos,
            self.row,
            self.commit_lsn,
            self.change_lsn,
            self.event_serial_no,
            self.scn,
            self.rs_id,
            self.ssn,
            self.ord,
            self.ts_ms,
        ])
    }
}

impl Envelope<'_> {
    /// The position that was added to a flattened row.
    pub(super) fn flat_position(&self) -> Option<String> {
        let has_position = [self.flat_lsn, self.flat_short_lsn, self.flat_pos].iter().any(|part| part.given().is_some());
        let parts = [self.flat_lsn, self.flat_short_lsn, self.flat_file, self.flat_pos, self.flat_source_ts];
        if has_position { position(&parts) } else { None }
    }
}

impl<'a> Schema<'a> {
    /// The fields of the row in this field of the envelope.
    pub(super) fn fields_in(&self, name: &str) -> List<Column<'a>> {
        let of_row = self.fields.given().find(|field| field.field.plain() == Some(name));
        of_row.and_then(|field| scan::whole(field.fields.given()?)).unwrap_or_default()
    }
}

/// The parts that are given, with colons between them.
fn position(parts: &[Json<'_>]) -> Option<String> {
    /// Enough for most positions, and what follows them in an id.
    const USUAL_BYTES: usize = 64;
    let mut position: Option<String> = None;
    for part in parts.iter().filter_map(|part| part.given()) {
        let word = if part.starts_with('"') { part.trim_matches('"') } else { part };
        if word.len() > 64 {
            continue;
        }
        let is_first = position.is_none();
        let words = position.get_or_insert_with(|| String::with_capacity(USUAL_BYTES));
        if !is_first {
            words.push(':');
        }
        words.push_str(word);
    }
    position
}

/// The columns of a record key, of which only a single one can be the account.
#[derive(Debug, Default)]
pub(super) struct Key<'a> {
    /// The JSON of the only column.
    pub(super) only: Option<&'a str>,
}

impl<'a> Scan<'a> for Key<'a> {
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        let mut columns = 0;
        scanner.object(at, |scanner, _, at| {
            let (value, end) = scanner.value(at)?;
            columns += 1;
            self.only = Json::of(Some(value)).given().filter(|_| columns == 1);
            Some(end)
        })
    }
}
