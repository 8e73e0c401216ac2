//! Rows of fields as JSON lines and as CSV.

use std::io::{self, Write};

use super::table::{Column, Field};

/// Writes rows, all of the same columns.
pub(super) trait RowWriter {
    /// Writes a row.
    fn row(&mut self, row: &[Field<'_>]) -> io::Result<()>;
    /// Writes what is still kept back.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A JSON object a line.
pub(super) struct JsonLines<'a> {
    out: &'a mut (dyn Write + Send),
    columns: &'static [Column],
}

impl<'a> JsonLines<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), columns: &'static [Column]) -> Self {
        JsonLines { out, columns }
    }
}

impl RowWriter for JsonLines<'_> {
    fn row(&mut self, row: &[Field<'_>]) -> io::Result<()> {
        for (place, (column, field)) in self.columns.iter().zip(row).enumerate() {
            write!(self.out, "{}\"{}\":", if place == 0 { '{' } else { ',' }, column.name)?;
            match field {
                Field::Signed(number) => write!(self.out, "{number}")?,
                Field::Unsigned(number) => write!(self.out, "{number}")?,
                Field::Text(text) => serde_json::to_writer(&mut *self.out, text)?,
            }
        }
        self.out.write_all(b"}\n")
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

/// Comma-separated values under a header line.
pub(super) struct Csv<'a>(csv::Writer<&'a mut (dyn Write + Send)>);

impl<'a> Csv<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), columns: &[Column]) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(columns.iter().map(|column| column.name))?;
        Ok(Csv(writer))
    }
}

impl RowWriter for Csv<'_> {
    fn row(&mut self, row: &[Field<'_>]) -> io::Result<()> {
        for field in row {
            match field {
                Field::Signed(number) => self.0.write_field(number.to_string())?,
                Field::Unsigned(number) => self.0.write_field(number.to_string())?,
                Field::Text(text) => self.0.write_field(text)?,
            }
        }
        Ok(self.0.write_record(None::<&[u8]>)?)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.0.flush()
    }
}
