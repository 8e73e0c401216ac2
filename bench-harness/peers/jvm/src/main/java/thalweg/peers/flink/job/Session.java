package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Inputs;
import thalweg.peers.input.Visit;
import thalweg.peers.input.VisitBlock;
import thalweg.peers.protocol.Run;

/** {@code session}: count per key and session, which ends after ten seconds without a record. */
final class Session implements Job {
    @Override
    public Inputs input(Run run) {
        return Inputs.of(new VisitBlock(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Totals> counts = plan.source(Visit.class)
                .keyBy(visit -> visit.key, Types.LONG)
                .window(EventTimeSessionWindows.withGap(Duration.ofSeconds(10)))
                .aggregate(new Count(), new NameWindow(), plan.type(Totals.class), plan.type(Totals.class));
        plan.sink(counts, new AnswerSink<>((row, answer) -> answer.add(row.key, row.start, row.end, row.count)));
    }
}
