package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.combine.Combiner;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Event;
import thalweg.peers.input.EventBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code tumbling}: sum and count per key in windows of a second. */
final class Tumbling implements Job {
    private static final long WINDOW_MS = 1_000;

    private final boolean scattered;
    private final boolean combined;

    Tumbling(boolean scattered, boolean combined) {
        this.scattered = scattered;
        this.combined = combined;
    }

    @Override
    public Inputs input(Run run) {
        return Inputs.of(EventBlock.tumbling(run.seed(), run.events(), run.blockBytes(), scattered));
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Event> events = plan.source(Event.class);
        TumblingEventTimeWindows windows = TumblingEventTimeWindows.of(Duration.ofMillis(WINDOW_MS));
        TypeInformation<Totals> type = plan.type(Totals.class);
        SingleOutputStreamOperator<Totals> totals = combined
                ? Combiner.combine(plan, events, WINDOW_MS, (event, slices) -> slices.add(event.eventTime, event.key, event.value))
                        .keyBy(part -> part.key, Types.LONG).window(windows).aggregate(new AddUp(), new NameWindow(), type, type)
                : events.keyBy(event -> event.key, Types.LONG).window(windows).aggregate(new SumAndCount(), new NameWindow(), type, type);
        plan.sink(totals, new AnswerSink<>((row, answer) -> answer.add(row.key, row.start, row.sum, row.count)));
    }
}
