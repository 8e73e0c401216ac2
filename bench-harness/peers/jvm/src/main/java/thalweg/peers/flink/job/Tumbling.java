package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.flink.type.Totals;
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
        TumblingEventTimeWindows windows = TumblingEventTimeWindows.of(Duration.ofMillis(WINDOW_MS));
        SingleOutputStreamOperator<Totals> totals =
                combined ? EventWindows.combined(plan, windows, WINDOW_MS) : EventWindows.plain(plan, windows);
        plan.sink(totals, new AnswerSink<>((row, answer) -> answer.add(row.key, row.start, row.sum, row.count)));
    }
}
