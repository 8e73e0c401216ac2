package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Ad;
import thalweg.peers.input.AdBlock;
import thalweg.peers.input.Visit;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code ysb}: views, projected, joined with their campaign through a table in memory, counted per campaign in windows of ten seconds. */
final class Ysb implements Job {
    private int[] campaigns;

    @Override
    public Inputs input(Run run) {
        campaigns = AdBlock.campaigns(run.seed());
        return Inputs.of(new AdBlock(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Totals> counts = plan.source(Ad.class)
                .filter(ad -> ad.eventType == Ad.VIEW)
                .map(new Campaigns(campaigns, plan.settings.objectReuse()))
                .returns(plan.type(Visit.class))
                .keyBy(view -> view.key, Types.LONG)
                .window(TumblingEventTimeWindows.of(Duration.ofSeconds(10)))
                .aggregate(new Count(), new NameWindow(), plan.type(Totals.class), plan.type(Totals.class));
        plan.sink(counts, new AnswerSink<>((row, answer) -> answer.add(row.key, row.start, row.count)));
    }
}
