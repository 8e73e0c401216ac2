package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.EventBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code sliding}: average per key in windows of ten seconds that slide by so much. Combined, a slice is a slide. */
final class Sliding implements Job {
    private static final Duration SIZE = Duration.ofSeconds(10);

    private final long slideMs;
    private final boolean combined;

    Sliding(long slideMs, boolean combined) {
        this.slideMs = slideMs;
        this.combined = combined;
    }

    @Override
    public Inputs input(Run run) {
        return Inputs.of(EventBlock.sliding(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public void build(Plan plan) {
        SlidingEventTimeWindows windows = SlidingEventTimeWindows.of(SIZE, Duration.ofMillis(slideMs));
        SingleOutputStreamOperator<Totals> totals =
                combined ? EventWindows.combined(plan, windows, slideMs) : EventWindows.plain(plan, windows);
        plan.sink(totals, new AnswerSink<>((row, answer) -> answer.add(row.key, row.end, row.sum / row.count)));
    }
}
