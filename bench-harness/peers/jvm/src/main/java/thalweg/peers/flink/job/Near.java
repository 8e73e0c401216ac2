package thalweg.peers.flink.job;

import java.util.Arrays;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import thalweg.peers.flink.type.Pair;
import thalweg.peers.input.Event;

/**
 * Joins the records with even values and those with odd ones of a key whose event times are at most so far apart, as Flink's interval join does, which keeps a
 * map of lists by time and a timer for each record. Here a key has two arrays in order of time: a record is held against the end of the other one.
 *
 * <pre>
 *   left    t t t t          ◀── even records, kept until the watermark has passed their time and the interval
 *   right     t t t t t      ◀── odd ones
 *                 └───┴─ those within the interval of a record that comes
 * </pre>
 */
final class Near extends KeyedProcessFunction<Long, Event, Pair> {
    /** A key without records is given up after so many intervals: a timer for each record would cost more than the memory. */
    private static final long IDLE_INTERVALS = 10;

    private final long intervalMs;
    private transient ValueState<Sides> sides;
    private transient Pair pair;

    /** What is kept of a key. */
    public static class Sides {
        public Side left = new Side();
        public Side right = new Side();

        public Sides() {}
    }

    /** Times, ascending, and places in the sequence: {@code [from, to)} of the arrays. */
    public static class Side {
        public long[] times = new long[4];
        public long[] places = new long[4];
        public int from;
        public int to;

        public Side() {}

        void add(long time, long place) {
            if (to == times.length) {
                makeRoom();
            }
            int at = to++;
            for (; at > from && times[at - 1] > time; at--) {
                times[at] = times[at - 1];
                places[at] = places[at - 1];
            }
            times[at] = time;
            places[at] = place;
        }

        private void makeRoom() {
            int size = to - from;
            int capacity = size * 2 > times.length ? times.length * 2 : times.length;
            times = Arrays.copyOf(Arrays.copyOfRange(times, from, to), capacity);
            places = Arrays.copyOf(Arrays.copyOfRange(places, from, to), capacity);
            from = 0;
            to = size;
        }

        void forgetBefore(long time) {
            while (from < to && times[from] < time) {
                from++;
            }
        }
    }

    Near(long intervalMs) {
        this.intervalMs = intervalMs;
    }

    @Override
    public void open(OpenContext context) {
        sides = getRuntimeContext().getState(new ValueStateDescriptor<>("sides", Sides.class));
        pair = new Pair();
    }

    @Override
    public void processElement(Event event, Context context, Collector<Pair> out) throws Exception {
        Sides both = sides.value();
        if (both == null) {
            both = new Sides();
            sides.update(both);
            context.timerService().registerEventTimeTimer(event.eventTime + IDLE_INTERVALS * intervalMs);
        }
        long now = context.timerService().currentWatermark();
        if (now != Long.MIN_VALUE) {
            both.left.forgetBefore(now - intervalMs);
            both.right.forgetBefore(now - intervalMs);
        }
        boolean isLeft = (event.value & 1) == 0;
        (isLeft ? both.left : both.right).add(event.eventTime, event.seq);
        Side others = isLeft ? both.right : both.left;
        pair.key = event.key;
        for (int at = others.to - 1; at >= others.from && others.times[at] >= event.eventTime - intervalMs; at--) {
            if (others.times[at] <= event.eventTime + intervalMs) {
                pair.left = isLeft ? event.seq : others.places[at];
                pair.right = isLeft ? others.places[at] : event.seq;
                out.collect(pair);
            }
        }
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<Pair> out) throws Exception {
        Sides both = sides.value();
        both.left.forgetBefore(time - intervalMs);
        both.right.forgetBefore(time - intervalMs);
        if (both.left.from == both.left.to && both.right.from == both.right.to) {
            sides.clear();
        } else {
            context.timerService().registerEventTimeTimer(time + IDLE_INTERVALS * intervalMs);
        }
    }
}
