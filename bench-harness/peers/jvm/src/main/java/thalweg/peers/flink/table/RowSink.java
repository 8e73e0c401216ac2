package thalweg.peers.flink.table;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.types.RowKind;
import thalweg.peers.answer.Answer;
import thalweg.peers.answer.DecimalColumn;
import thalweg.peers.answer.TextColumn;
import thalweg.peers.flink.Stage;

/** Adds rows up. With a key the last row of each counts, and every change is counted. */
final class RowSink implements Sink<RowData> {
    /** What stands for a column that is missing. */
    private static final long NULL = 0x6e756c6c_6e756c6cL;

    private final LogicalType[] columns;
    private final int[] key;

    RowSink(LogicalType[] columns, int[] key) {
        this.columns = columns;
        this.key = key;
    }

    @Override
    public SinkWriter<RowData> createWriter(WriterInitContext context) {
        Stage stage = Stage.current();
        stage.ready();
        return new Writer(stage, columns, key);
    }

    private static final class Writer implements SinkWriter<RowData> {
        private final Stage stage;
        private final LogicalType[] columns;
        private final int[] key;
        private final long[] numbers;
        private final long[] keyNumbers;
        private final Answer answer = new Answer();
        /** By a key's checksum, that of its last row. */
        private final Map<Long, Long> last = new HashMap<>();
        private long changes;

        Writer(Stage stage, LogicalType[] columns, int[] key) {
            this.stage = stage;
            this.columns = columns;
            this.key = key;
            this.numbers = new long[columns.length];
            this.keyNumbers = new long[key.length];
        }

        @Override
        public void write(RowData row, Context context) {
            for (int i = 0; i < columns.length; i++) {
                numbers[i] = row.isNullAt(i) ? NULL : number(row, i, columns[i]);
            }
            if (key.length == 0) {
                answer.add(numbers);
            } else {
                change(row.getRowKind() == RowKind.DELETE);
            }
        }

        private void change(boolean isDeleted) {
            changes++;
            for (int i = 0; i < key.length; i++) {
                keyNumbers[i] = numbers[key[i]];
            }
            Long of = Answer.row(keyNumbers);
            Long before;
            if (isDeleted) {
                before = last.remove(of);
            } else {
                long row = Answer.row(numbers);
                before = last.put(of, row);
                answer.addReduced(row, 1);
            }
            if (before != null) {
                answer.addReduced(-before, -1);
            }
        }

        private static long number(RowData row, int column, LogicalType type) {
            return switch (type.getTypeRoot()) {
                case BIGINT -> row.getLong(column);
                case INTEGER -> row.getInt(column);
                case TIMESTAMP_WITHOUT_TIME_ZONE -> row.getTimestamp(column, 3).getMillisecond();
                case VARCHAR -> text((BinaryStringData) row.getString(column));
                case DECIMAL -> DecimalColumn.ofThousandths(row.getDecimal(column, ((DecimalType) type).getPrecision(), 3).toUnscaledLong());
                default -> throw new IllegalArgumentException("no result has a column of type " + type);
            };
        }

        private static long text(BinaryStringData text) {
            text.ensureMaterialized();
            MemorySegment[] segments = text.getSegments();
            if (segments.length == 1 && !segments[0].isOffHeap()) {
                return TextColumn.of(segments[0].getArray(), text.getOffset(), text.getSizeInBytes());
            }
            byte[] bytes = text.toBytes();
            return TextColumn.of(bytes, 0, bytes.length);
        }

        @Override
        public void flush(boolean isEndOfInput) {
            if (isEndOfInput) {
                stage.end(answer, changes, System.nanoTime());
            }
        }

        @Override
        public void close() {}
    }
}
