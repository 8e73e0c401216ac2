package thalweg.peers.flink.source;

import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.core.io.InputStatus;

/** Emits its share as fast as the job takes it. */
final class ReplayReader<T> extends BlockReader<T> {
    private final int pollRecords;
    private final boolean objectReuse;
    private T record;
    private long emitted;

    ReplayReader(String table, int pollRecords, boolean objectReuse) {
        super(table);
        this.pollRecords = pollRecords;
        this.objectReuse = objectReuse;
        this.record = block.create();
    }

    @Override
    InputStatus emit(ReaderOutput<T> output, long nanoTime) {
        if (nanoTime >= stage.deadline) {
            return InputStatus.END_OF_INPUT;
        }
        for (int i = 0; i < pollRecords; i++) {
            if (!objectReuse) {
                record = block.create();
            }
            if (!cursor.next(record)) {
                stage.progress(number, emitted, nanoTime);
                return InputStatus.END_OF_INPUT;
            }
            output.collect(record, block.eventTime(record));
            emitted++;
        }
        stage.progress(number, emitted, nanoTime);
        return InputStatus.MORE_AVAILABLE;
    }
}
