package thalweg.peers.flink.job;

import java.util.Collection;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.MergingWindowAssigner;
import org.apache.flink.streaming.api.windowing.triggers.EventTimeTrigger;
import org.apache.flink.streaming.api.windowing.triggers.Trigger;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.combine.SessionCombiner;
import thalweg.peers.flink.type.Totals;

/** Counts per key and session, of which parts are put together before the exchange. */
final class Sessions {
    private Sessions() {}

    /** A session ends after {@code gapMs} without a record. */
    static <T> SingleOutputStreamOperator<Totals> combined(
            Plan plan, DataStream<T> records, long gapMs, SessionCombiner.Step<T> step) {
        TypeInformation<Totals> type = plan.type(Totals.class);
        return records.transform("Combine", type, new SessionCombiner<>(gapMs, step))
                .keyBy(part -> part.key, Types.LONG)
                .window(new OfParts(gapMs))
                .aggregate(new AddUp(), new NameWindow(), type, type);
    }

    /** As Flink's {@code EventTimeSessionWindows}, of elements that are parts of a session and not a moment of it. */
    private static final class OfParts extends MergingWindowAssigner<Object, TimeWindow> {
        private final long gapMs;

        OfParts(long gapMs) {
            this.gapMs = gapMs;
        }

        @Override
        public Collection<TimeWindow> assignWindows(Object element, long timestamp, WindowAssignerContext context) {
            Totals part = (Totals) element;
            return List.of(new TimeWindow(part.start, part.end + gapMs));
        }

        @Override
        public void mergeWindows(Collection<TimeWindow> windows, MergeCallback<TimeWindow> callback) {
            TimeWindow.mergeWindows(windows, callback);
        }

        @Override
        public Trigger<Object, TimeWindow> getDefaultTrigger() {
            return EventTimeTrigger.create();
        }

        @Override
        public TypeSerializer<TimeWindow> getWindowSerializer(ExecutionConfig config) {
            return new TimeWindow.Serializer();
        }

        @Override
        public boolean isEventTime() {
            return true;
        }
    }
}
