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
    private static final long GAP_MS = 10_000;

    private final boolean combined;

    Session(boolean combined) {
        this.combined = combined;
    }

    @Override
    public Inputs input(Run run) {
        return Inputs.of(new VisitBlock(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Visit> visits = plan.source(Visit.class);
        SingleOutputStreamOperator<Totals> counts = combined
                ? Sessions.combined(plan, visits, GAP_MS, (visit, parts) -> parts.add(visit.key, visit.eventTime))
                : plain(plan, visits);
        plan.sink(counts, new AnswerSink<>((row, answer) -> answer.add(row.key, row.start, row.end, row.count)));
    }

    private static SingleOutputStreamOperator<Totals> plain(Plan plan, SingleOutputStreamOperator<Visit> visits) {
        return visits.keyBy(visit -> visit.key, Types.LONG)
                .window(EventTimeSessionWindows.withGap(Duration.ofMillis(GAP_MS)))
                .aggregate(new Count(), new NameWindow(), plan.type(Totals.class), plan.type(Totals.class));
    }
}
