package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Event;
import thalweg.peers.input.EventBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code tumbling}: sum and count per key in windows of a second. */
final class Tumbling implements Job {
    private final boolean scattered;

    Tumbling(boolean scattered) {
        this.scattered = scattered;
    }

    @Override
    public Inputs input(Run run) {
        return Inputs.of(EventBlock.tumbling(run.seed(), run.events(), run.blockBytes(), scattered));
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Totals> totals = plan.source(Event.class)
                .keyBy(event -> event.key, Types.LONG)
                .window(TumblingEventTimeWindows.of(Duration.ofSeconds(1)))
                .aggregate(new SumAndCount(), new NameWindow(), plan.type(Totals.class), plan.type(Totals.class));
        plan.sink(totals, new AnswerSink<>((row, answer) -> answer.add(row.key, row.start, row.sum, row.count)));
    }
}
