package thalweg.peers.flink.source;

import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.core.io.InputStatus;

/** Emits each record when it is due. It never sleeps, since a wake-up takes longer than most records do. */
final class PacedReader<T> extends BlockReader<T> {
    /** Records that a poll emits at most, so that the task sees to its other duties. */
    private static final int POLL_RECORDS = 32;

    private long due;
    private long sent;

    PacedReader(String table) {
        super(table);
    }

    @Override
    InputStatus emit(ReaderOutput<T> output, long nanoTime) {
        long now = stage.pace.now();
        due = stage.pace.arrivals.dueBy(now, due);
        for (int i = 0; i < POLL_RECORDS && sent < due; i++) {
            // One of its own: it crosses to another thread.
            T record = block.create();
            cursor.next(record);
            output.collect(record, block.eventTime(record));
            stage.pace.sent(sent++, now);
        }
        stage.progress(number, sent, nanoTime);
        boolean isOver = sent == stage.events || nanoTime >= stage.deadline;
        return isOver ? InputStatus.END_OF_INPUT : InputStatus.MORE_AVAILABLE;
    }
}
