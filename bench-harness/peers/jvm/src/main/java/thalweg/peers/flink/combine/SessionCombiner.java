package thalweg.peers.flink.combine;

import java.io.Serializable;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import thalweg.peers.flink.type.Totals;

/**
 * Puts records of a key that belong to one session together before they are exchanged: what crosses the network is a part of a session, its first and last
 * time and the number of its records. That is exact: two parts are of one session if and only if a record of one is within the gap of one of the other.
 *
 * <p>All parts go on before each watermark, before which their times lie or not, and before a checkpoint's barrier: nothing is kept that would have to be stored.
 */
public final class SessionCombiner<T> extends AbstractStreamOperator<Totals> implements OneInputStreamOperator<T, Totals> {
    /** Adds a record. */
    public interface Step<T> extends Serializable {
        void add(T record, SessionParts parts);
    }

    private final long gapMs;
    private final Step<T> step;
    private transient SessionParts parts;
    private transient StreamRecord<Totals> row;

    public SessionCombiner(long gapMs, Step<T> step) {
        this.gapMs = gapMs;
        this.step = step;
    }

    @Override
    public void open() throws Exception {
        super.open();
        parts = new SessionParts(gapMs, this::emit);
        // One for all: the exchange serialises it at once.
        row = new StreamRecord<>(new Totals());
    }

    @Override
    public void processElement(StreamRecord<T> record) {
        step.add(record.getValue(), parts);
    }

    @Override
    public void processWatermark(Watermark watermark) throws Exception {
        parts.drain();
        super.processWatermark(watermark);
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
        parts.drain();
        super.prepareSnapshotPreBarrier(checkpoint);
    }

    @Override
    public void finish() throws Exception {
        parts.drain();
        super.finish();
    }

    private void emit(long key, long first, long last, long count) {
        row.setTimestamp(last);
        Totals totals = row.getValue();
        totals.key = key;
        totals.start = first;
        totals.end = last;
        totals.count = count;
        output.collect(row);
    }
}
