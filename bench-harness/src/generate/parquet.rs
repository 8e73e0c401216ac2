//! Rows of fields as Apache Parquet: plain columns that are always there, in row groups of up to 65,536.

use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    data_type::{ByteArray, ByteArrayType, Int64Type},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use super::{
    table::{Column, Field, Is},
    write::RowWriter,
};

const GROUP_ROWS: usize = 1 << 16;

/// Gathers rows by column, and writes them a group at a time.
pub(super) struct Parquet<'a> {
    writer: SerializedFileWriter<&'a mut (dyn Write + Send)>,
    columns: Vec<Values>,
    rows: usize,
}

enum Values {
    Int(Vec<i64>),
    Text(Vec<ByteArray>),
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

impl<'a> Parquet<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), columns: &[Column]) -> io::Result<Self> {
        let field = |column: &Column| match column.is {
            Is::Signed => format!("REQUIRED INT64 {};\n", column.name),
            Is::Unsigned => format!("REQUIRED INT64 {} (INTEGER(64,false));\n", column.name),
            Is::Text => format!("REQUIRED BYTE_ARRAY {} (UTF8);\n", column.name),
        };
        let schema = format!("message events {{\n{}}}", columns.iter().map(field).collect::<String>());
        let schema = Arc::new(parse_message_type(&schema).map_err(failed)?);
        let writer = SerializedFileWriter::new(out, schema, Arc::new(WriterProperties::builder().build())).map_err(failed)?;
        let values = |column: &Column| if column.is == Is::Text { Values::Text(Vec::new()) } else { Values::Int(Vec::new()) };
        Ok(Parquet { writer, columns: columns.iter().map(values).collect(), rows: 0 })
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for values in &mut self.columns {
            let mut column = group.next_column()?.ok_or_else(|| ParquetError::General("fewer columns than the schema".into()))?;
            match values {
                Values::Int(values) => {
                    column.typed::<Int64Type>().write_batch(values, None, None)?;
                    values.clear();
                }
                Values::Text(values) => {
                    column.typed::<ByteArrayType>().write_batch(values, None, None)?;
                    values.clear();
                }
            }
            column.close()?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl RowWriter for Parquet<'_> {
    fn row(&mut self, row: &[Field<'_>]) -> io::Result<()> {
        for (values, field) in self.columns.iter_mut().zip(row) {
            match (values, field) {
                (Values::Int(values), Field::Signed(number)) => values.push(*number),
                // The same 64 bits: the schema says that they have no sign.
                (Values::Int(values), Field::Unsigned(number)) => values.push(*number as i64),
                (Values::Text(values), Field::Text(text)) => values.push(ByteArray::from(*text)),
                _ => return Err(io::Error::other("a field is not of its column's type")),
            }
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS { self.group().map_err(failed) } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.rows > 0 {
            self.group().map_err(failed)?;
        }
        self.writer.close().map(drop).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use crate::{
        generate::{Format, NEXMARK, Request, generate},
        workload::nexmark::{Kind, Options},
    };

    /// Of more rows than a group holds, and of every type of column.
    #[test]
    fn it_holds_what_csv_holds() {
        let folder = tempfile::tempdir().unwrap();
        for (workload, events, kind) in [(NEXMARK, 100_000, Some(Kind::Bid)), ("stateless", 70_000, None), ("ysb", 3_000, None)] {
            let written = |format| {
                let (out, workload) = (folder.path().join("out"), workload.to_owned());
                generate(&Request { workload, events, seed: 1, format, out: out.clone(), nexmark: Options::default(), kind }).unwrap();
                out
            };
            let rows: Vec<csv::StringRecord> =
                csv::Reader::from_path(written(Format::Csv)).unwrap().records().map(Result::unwrap).collect();
            let reader = SerializedFileReader::new(std::fs::File::open(written(Format::Parquet)).unwrap()).unwrap();
            let read: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
            assert_eq!(read.len(), rows.len());
            for (parquet, csv) in read.iter().zip(&rows) {
                let columns: Vec<String> =
                    parquet.get_column_iter().map(|(_, field)| field.to_string().trim_matches('"').to_owned()).collect();
                assert!(columns.iter().eq(csv.iter()), "{columns:?}, {csv:?}");
            }
        }
    }
}
