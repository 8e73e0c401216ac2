package thalweg.peers.flink.combine;

import java.io.Serializable;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.type.Totals;

/**
 * Aggregates by key and slice of event time before records are exchanged: what crosses the network is a row per key and slice, in place of a row per
 * record. Flink SQL does the same of itself (its two-phase aggregation); DataStream leaves it to an operator of one's own.
 *
 * <pre>
 *   source ─▶ Combiner ── key, slice, sum, count ──▶ keyBy ─▶ window, which adds up rows
 *                │
 *                ├ a watermark passes a slice's end: its rows go on before it
 *                └ a checkpoint's barrier: all rows go on before it, so that nothing is kept that would have to be stored
 * </pre>
 *
 * A row's time is the last of its slice, so that a window that consists of whole slices takes it exactly where it belongs. A record that is too late for
 * its slice goes to an output of its own, if there is one; where windows allow lateness, a row more follows with the next watermark.
 */
public final class Combiner<T> extends AbstractStreamOperator<Totals> implements OneInputStreamOperator<T, Totals> {
    /** Adds a record, or passes over it. */
    public interface Step<T> extends Serializable {
        void add(T record, Slices slices);
    }

    private final long sliceMs;
    private final Step<T> step;
    private final long latenessMs;
    /** Null: no record is late. */
    private final OutputTag<T> late;
    private transient Slices slices;
    private transient StreamRecord<Totals> row;
    /** Slices that end by this time are over. */
    private transient long limit;

    private Combiner(long sliceMs, Step<T> step, long latenessMs, OutputTag<T> late) {
        this.sliceMs = sliceMs;
        this.step = step;
        this.latenessMs = latenessMs;
        this.late = late;
    }

    /** Aggregates a stream before it is exchanged. */
    public static <T> SingleOutputStreamOperator<Totals> combine(
            Plan plan, DataStream<T> records, long sliceMs, Step<T> step) {
        return records.transform("Combine", plan.type(Totals.class), new Combiner<>(sliceMs, step, 0, null));
    }

    /** The same of records of which some come too late for windows of a slice that wait so long after their end. */
    public static <T> SingleOutputStreamOperator<Totals> combine(
            Plan plan, DataStream<T> records, long sliceMs, Step<T> step, long latenessMs, OutputTag<T> late) {
        return records.transform("Combine", plan.type(Totals.class), new Combiner<>(sliceMs, step, latenessMs, late));
    }

    @Override
    public void open() throws Exception {
        super.open();
        slices = new Slices(sliceMs);
        limit = Long.MIN_VALUE;
        // One for all: the exchange serialises it at once.
        row = new StreamRecord<>(new Totals());
    }

    @Override
    public void processElement(StreamRecord<T> record) {
        if (late != null && isLate(record.getTimestamp())) {
            output.collect(late, record);
            return;
        }
        step.add(record.getValue(), slices);
    }

    private boolean isLate(long time) {
        // Most times are past the watermark itself: what their slice is need not be known.
        return time <= limit && Math.floorDiv(time, sliceMs) * sliceMs + sliceMs - 1 <= limit;
    }

    @Override
    public void processWatermark(Watermark watermark) throws Exception {
        limit = watermark.getTimestamp() - latenessMs;
        slices.drain(watermark.getTimestamp(), this::rows);
        super.processWatermark(watermark);
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
        slices.drainAll(this::rows);
        super.prepareSnapshotPreBarrier(checkpoint);
    }

    @Override
    public void finish() throws Exception {
        slices.drainAll(this::rows);
        super.finish();
    }

    private KeyTable.Rows rows(long start) {
        row.setTimestamp(start + sliceMs - 1);
        return this::emit;
    }

    private void emit(long key, long sum, long count) {
        Totals totals = row.getValue();
        totals.key = key;
        totals.sum = sum;
        totals.count = count;
        output.collect(row);
    }
}
