package thalweg.peers.flink.combine;

import java.io.Serializable;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
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
 * A row's time is the last of its slice, so that a window that consists of whole slices takes it exactly where it belongs.
 */
public final class Combiner<T> extends AbstractStreamOperator<Totals> implements OneInputStreamOperator<T, Totals> {
    /** Adds a record, or passes over it. */
    public interface Step<T> extends Serializable {
        void add(T record, Slices slices);
    }

    private final long sliceMs;
    private final Step<T> step;
    private transient Slices slices;
    private transient StreamRecord<Totals> row;

    private Combiner(long sliceMs, Step<T> step) {
        this.sliceMs = sliceMs;
        this.step = step;
    }

    /** Aggregates a stream before it is exchanged. */
    public static <T> SingleOutputStreamOperator<Totals> combine(
            Plan plan, DataStream<T> records, long sliceMs, Step<T> step) {
        return records.transform("Combine", plan.type(Totals.class), new Combiner<>(sliceMs, step));
    }

    @Override
    public void open() throws Exception {
        super.open();
        slices = new Slices(sliceMs);
        // One for all: the exchange serialises it at once.
        row = new StreamRecord<>(new Totals());
    }

    @Override
    public void processElement(StreamRecord<T> record) {
        step.add(record.getValue(), slices);
    }

    @Override
    public void processWatermark(Watermark watermark) throws Exception {
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
