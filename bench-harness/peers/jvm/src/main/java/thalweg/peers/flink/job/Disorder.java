package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.datastream.WindowedStream;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import thalweg.peers.answer.Answer;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.combine.Combiner;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Event;
import thalweg.peers.input.EventBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.input.Mix;
import thalweg.peers.protocol.Run;

/** {@code disorder}: as {@code tumbling}, out of order; what is late goes to an output of its own. */
final class Disorder implements Job {
    /** How long after its end a window of {@code disorder-lenient} is corrected, in ms. */
    static final long LATENESS_MS = 1_000;

    private static final long WINDOW_MS = 1_000;

    private final long latenessMs;
    private final boolean combined;

    Disorder(long latenessMs, boolean combined) {
        this.latenessMs = latenessMs;
        this.combined = combined;
    }

    @Override
    public Inputs input(Run run) {
        return Inputs.of(EventBlock.disorder(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public void build(Plan plan) {
        OutputTag<Event> late = new OutputTag<>("late", plan.type(Event.class));
        // Flink's bound is inclusive.
        Duration bound = Duration.ofMillis(EventBlock.BOUND_MS);
        WatermarkStrategy<Event> watermarks = WatermarkStrategy.forBoundedOutOfOrderness(bound);
        SingleOutputStreamOperator<Event> events = plan.source(Event.class, watermarks, plan.environment.getParallelism());
        TumblingEventTimeWindows windows = TumblingEventTimeWindows.of(Duration.ofMillis(WINDOW_MS));
        SingleOutputStreamOperator<Totals> corrections;
        DataStream<Event> lateEvents;
        if (combined) {
            SingleOutputStreamOperator<Totals> parts = Combiner.combine(
                    plan, events, WINDOW_MS, (event, slices) -> slices.add(event.eventTime, event.key, event.value), latenessMs, late);
            corrections = corrections(plan, parts.keyBy(part -> part.key, Types.LONG).window(windows), new AddUp());
            lateEvents = parts.getSideOutput(late);
        } else {
            WindowedStream<Event, Long, TimeWindow> windowed = events.keyBy(event -> event.key, Types.LONG).window(windows);
            corrections = corrections(plan, windowed.sideOutputLateData(late), new SumAndCount());
            lateEvents = corrections.getSideOutput(late);
        }
        plan.sink(corrections, new AnswerSink<>((row, answer) -> add(answer, row.key, row.start, row.sum, row.count)));
        plan.sink(lateEvents, new AnswerSink<>(Disorder::addLate));
    }

    private <T> SingleOutputStreamOperator<Totals> corrections(
            Plan plan, WindowedStream<T, Long, TimeWindow> windowed, AggregateFunction<T, Totals, Totals> aggregate) {
        TypeInformation<Totals> type = plan.type(Totals.class);
        if (latenessMs == 0) {
            // Each window fires once.
            return windowed.aggregate(aggregate, new NameWindow(), type, type);
        }
        return windowed.allowedLateness(Duration.ofMillis(latenessMs)).aggregate(aggregate, new Corrections(type), type, type, type);
    }

    /** What a record adds is the same whether a window counts it or it is late. */
    private static void add(Answer answer, long key, long start, long sum, long count) {
        long weight = Answer.row(key, start);
        answer.addReduced(weight * sum + Mix.mix(weight) * count, count);
    }

    /** A late record that the bound should have saved counts twice, so that the answer is wrong. */
    private static void addLate(Event event, Answer answer) {
        long times = event.value >= EventBlock.STRAGGLER_MARK / 2 ? 1 : 2;
        add(answer, event.key, Math.floorDiv(event.eventTime, WINDOW_MS) * WINDOW_MS, event.value * times, times);
    }

    /** Of a window that fires again, what its row has more than the one before. */
    private static final class Corrections extends ProcessWindowFunction<Totals, Totals, Long, TimeWindow> {
        private final ValueStateDescriptor<Totals> before;

        Corrections(TypeInformation<Totals> totals) {
            before = new ValueStateDescriptor<>("before", totals);
        }

        @Override
        public void process(Long key, Context context, Iterable<Totals> all, Collector<Totals> out) throws Exception {
            Totals now = all.iterator().next();
            ValueState<Totals> state = context.windowState().getState(before);
            Totals known = state.value();
            if (known == null) {
                known = new Totals();
            }
            Totals more = new Totals();
            more.key = key;
            more.start = context.window().getStart();
            more.end = context.window().getEnd();
            more.sum = now.sum - known.sum;
            more.count = now.count - known.count;
            known.sum = now.sum;
            known.count = now.count;
            state.update(known);
            out.collect(more);
        }

        @Override
        public void clear(Context context) throws Exception {
            context.windowState().getState(before).clear();
        }
    }
}
