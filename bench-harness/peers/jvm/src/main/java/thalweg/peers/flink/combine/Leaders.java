package thalweg.peers.flink.combine;

import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.Collector;

/**
 * The records with the highest score of each window of event time. Each task finds those of its own records, so that few cross the network; a window of
 * Flink's finds those of all tasks.
 *
 * <p>As {@link Combiner} it keeps nothing over a checkpoint.
 */
public final class Leaders<T> extends AbstractStreamOperator<T> implements OneInputStreamOperator<T, T> {
    /** What is compared. */
    public interface Score<T> extends Serializable {
        long of(T record);
    }

    /** The leaders of a window so far. */
    private static final class Best<T> {
        private long score = Long.MIN_VALUE;
        private final List<T> records = new ArrayList<>();
    }

    private final long windowMs;
    private final Score<T> score;
    private final TypeSerializer<T> copy;
    private transient TreeMap<Long, Best<T>> open;
    /** The window of the last record. */
    private transient Best<T> current;
    private transient long currentStart;

    private Leaders(long windowMs, Score<T> score, TypeSerializer<T> copy) {
        this.windowMs = windowMs;
        this.score = score;
        this.copy = copy;
    }

    /** Of windows of so many ms. */
    public static <T> SingleOutputStreamOperator<T> of(SingleOutputStreamOperator<T> records, long windowMs, Score<T> score) {
        TypeInformation<T> type = records.getType();
        TypeSerializer<T> copy = type.createSerializer(new SerializerConfigImpl());
        return records.transform("Leaders", type, new Leaders<>(windowMs, score, copy))
                .windowAll(TumblingEventTimeWindows.of(Duration.ofMillis(windowMs)))
                .aggregate(new OfAll<>(score, copy), Types.LIST(type), Types.LIST(type))
                .flatMap((List<T> leaders, Collector<T> out) -> leaders.forEach(out::collect))
                .returns(type)
                .setParallelism(1);
    }

    @Override
    public void open() throws Exception {
        super.open();
        open = new TreeMap<>();
    }

    @Override
    public void processElement(StreamRecord<T> record) {
        long time = record.getTimestamp();
        if (current == null || Long.compareUnsigned(time - currentStart, windowMs) >= 0) {
            currentStart = Math.floorDiv(time, windowMs) * windowMs;
            current = open.computeIfAbsent(currentStart, start -> new Best<>());
        }
        long points = score.of(record.getValue());
        if (points >= current.score) {
            lead(points, record.getValue());
        }
    }

    private void lead(long points, T record) {
        if (points > current.score) {
            current.records.clear();
            current.score = points;
        }
        // With object reuse the record is another one's next time.
        current.records.add(copy.copy(record));
    }

    @Override
    public void processWatermark(Watermark watermark) throws Exception {
        drain(watermark.getTimestamp());
        super.processWatermark(watermark);
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
        drain(Long.MAX_VALUE);
        super.prepareSnapshotPreBarrier(checkpoint);
    }

    @Override
    public void finish() throws Exception {
        drain(Long.MAX_VALUE);
        super.finish();
    }

    /** Hands on the leaders of all windows that hold no time after {@code time}. */
    private void drain(long time) {
        while (!open.isEmpty() && open.firstKey() + windowMs - 1 <= time) {
            Map.Entry<Long, Best<T>> window = open.pollFirstEntry();
            for (T record : window.getValue().records) {
                output.collect(new StreamRecord<>(record, window.getKey() + windowMs - 1));
            }
            if (window.getValue() == current) {
                current = null;
            }
        }
    }

    /** The leaders of those of all tasks. */
    private record OfAll<T>(Score<T> score, TypeSerializer<T> copy) implements AggregateFunction<T, List<T>, List<T>> {
        @Override
        public List<T> createAccumulator() {
            return new ArrayList<>();
        }

        @Override
        public List<T> add(T record, List<T> leaders) {
            int order = leaders.isEmpty() ? 0 : Long.compare(score.of(record), score.of(leaders.get(0)));
            if (order > 0) {
                leaders.clear();
            }
            if (order >= 0) {
                leaders.add(copy.copy(record));
            }
            return leaders;
        }

        @Override
        public List<T> getResult(List<T> leaders) {
            return leaders;
        }

        @Override
        public List<T> merge(List<T> a, List<T> b) {
            b.forEach(record -> add(record, a));
            return a;
        }
    }
}
