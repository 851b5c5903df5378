//! Debezium's envelope: around rows, or added to flattened ones.

use crate::event::adapter::object::{Json, List, Nested, object};
use crate::event::scan::{self, Scan, Scanner};

object! {
    /// The envelope, or a flattened row.
    struct Envelope<'a> {
        before: Json<'a> = "before",
        after: Json<'a> = "after",
        source: Nested<Source<'a>> = "source",
        op: Json<'a> = "op",
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
    /// The schema of a value: its fields.
    struct Schema<'a> {
        fields: Json<'a> = "fields",
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

object! {
    /// A value: the envelope itself, or one in `payload` beside its `schema`.
    struct Outer<'a> {
        schema: Json<'a> = "schema",
        payload: Nested<Envelope<'a>> = "payload",
        before: Json<'a> = "before",
        after: Json<'a> = "after",
        source: Nested<Source<'a>> = "source",
        op: Json<'a> = "op",
        kind: Json<'a> = "type",
        flat_op: Json<'a> = "__op",
        flat_deleted: Json<'a> = "__deleted",
        flat_source_ts: Json<'a> = "__source_ts_ms",
        flat_lsn: Json<'a> = "__source_lsn",
        flat_short_lsn: Json<'a> = "__lsn",
        flat_file: Json<'a> = "__source_file",
        flat_pos: Json<'a> = "__source_pos",
        data: Json<'a> = "data",
        content: Json<'a> = "content",
        detail: Json<'a> = "detail",
    }
}

impl<'a> Outer<'a> {
    /// The envelope: from `payload` if that is given, else the value itself.
    pub(super) fn into_envelope(self) -> Envelope<'a> {
        if let Nested::Given(envelope) = self.payload {
            return envelope;
        }
        let Self { before, after, op, kind, flat_op, flat_deleted, flat_source_ts, source, .. } = self;
        let Self { flat_lsn, flat_short_lsn, flat_file, flat_pos, data, content, detail, .. } = self;
        Envelope {
            before,
            after,
            source,
            op,
            kind,
            flat_op,
            flat_deleted,
            flat_source_ts,
            flat_lsn,
            flat_short_lsn,
            flat_file,
            flat_pos,
            data,
            content,
            detail,
        }
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
    pub(super) fn columns(&self, name: &str) -> Json<'a> {
        let fields = self.fields.given().and_then(scan::whole::<List<Column<'a>>>);
        let fields = fields.and_then(|fields| match fields.0 {
            Nested::Given(fields) => Some(fields),
            _ => None,
        });
        let of_row = fields.into_iter().flatten().find_map(|field| match field {
            Nested::Given(field) if field.field.plain() == Some(name) => Some(field.fields),
            _ => None,
        });
        of_row.unwrap_or_default()
    }
}

fn position(parts: &[Json<'_>]) -> Option<String> {
    let given = parts.iter().filter_map(|part| part.given());
    let words: Vec<&str> = given.map(|part| part.trim_matches('"')).filter(|part| part.len() <= 64).collect();
    (!words.is_empty()).then(|| words.join(":"))
}

/// The columns of a record key, of which only a single one can be the account.
#[derive(Debug, Default)]
pub(super) struct Key<'a> {
    /// The JSON of the only column.
    pub(super) only: Option<&'a str>,
}

impl<'a> Scan<'a> for Key<'a> {
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        let mut columns = 0;
        scanner.object(|scanner, _| {
            let value = scanner.value()?;
            columns += 1;
            self.only = Json::of(Some(value)).given().filter(|_| columns == 1);
            Some(())
        })
    }
}
