package thalweg.peers.flink.table;

import java.util.Arrays;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import thalweg.peers.input.Block;
import thalweg.peers.input.Nexmark;

/**
 * Rows of whole numbers and texts, replayed in laps that each move some columns on: Nexmark's events of one kind.
 *
 * <p>A lap of the input has more events than rows, as each table holds those of its kind.
 */
public final class FlatRows extends Block<RowData> {
    private final long[][] numbers;
    private final StringData[][] texts;
    /** What each lap adds to each number. */
    private final long[] shifts;
    private final int timeColumn;

    /**
     * @param numbers of each row, its columns; those that are texts are 0
     * @param texts the same; those that are numbers are null
     * @param shifts what a lap adds to each column
     */
    FlatRows(long[][] numbers, StringData[][] texts, long[] shifts, int timeColumn) {
        super(numbers.length, shifts[timeColumn]);
        this.numbers = numbers;
        this.texts = texts;
        this.shifts = shifts;
        this.timeColumn = timeColumn;
    }

    /** A table of Nexmark. */
    public static FlatRows of(String kind, Nexmark.Table table) {
        StringData[][] texts = new StringData[table.length()][];
        for (int row = 0; row < texts.length; row++) {
            texts[row] = Arrays.stream(table.texts()[row]).map(text -> text == null ? null : StringData.fromBytes(text)).toArray(StringData[]::new);
        }
        return new FlatRows(table.numbers(), texts, table.shifts(), table.column("date_time"));
    }

    @Override
    public RowData create() {
        return new FlatRow(shifts.length);
    }

    @Override
    public void fill(RowData record, int index, long time, long seq) {
        FlatRow row = (FlatRow) record;
        row.numbers = numbers[index];
        row.texts = texts[index];
        row.shifts = shifts;
        if (row.seq != seq) {
            row.seq = seq;
            row.lap = seq / length;
        }
    }

    @Override
    public long eventTime(RowData record) {
        return record.getLong(timeColumn);
    }

    private static final class FlatRow extends InputRow {
        private long[] numbers;
        private StringData[] texts;
        private long[] shifts;
        private long seq;
        private long lap;

        FlatRow(int arity) {
            super(arity);
        }

        @Override
        public long getLong(int column) {
            return numbers[column] + lap * shifts[column];
        }

        @Override
        public StringData getString(int column) {
            return texts[column];
        }
    }
}
