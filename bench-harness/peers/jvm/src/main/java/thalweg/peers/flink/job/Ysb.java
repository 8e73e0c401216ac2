package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.combine.Combiner;
import thalweg.peers.flink.combine.Slices;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Ad;
import thalweg.peers.input.AdBlock;
import thalweg.peers.input.Visit;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code ysb}: views, projected, joined with their campaign through a table in memory, counted per campaign in windows of ten seconds. */
final class Ysb implements Job {
    private static final long WINDOW_MS = 10_000;

    private final boolean combined;
    private int[] campaigns;

    Ysb(boolean combined) {
        this.combined = combined;
    }

    @Override
    public Inputs input(Run run) {
        campaigns = AdBlock.campaigns(run.seed());
        return Inputs.of(new AdBlock(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Totals> counts = combined ? combined(plan) : plain(plan);
        plan.sink(counts, new AnswerSink<>((row, answer) -> answer.add(row.key, row.start, row.count)));
    }

    private SingleOutputStreamOperator<Totals> plain(Plan plan) {
        TypeInformation<Totals> type = plan.type(Totals.class);
        return plan.source(Ad.class)
                .filter(ad -> ad.eventType == Ad.VIEW)
                .map(new Campaigns(campaigns, plan.settings.objectReuse()))
                .returns(plan.type(Visit.class))
                .keyBy(view -> view.key, Types.LONG)
                .window(TumblingEventTimeWindows.of(Duration.ofMillis(WINDOW_MS)))
                .aggregate(new Count(), new NameWindow(), type, type);
    }

    private SingleOutputStreamOperator<Totals> combined(Plan plan) {
        TypeInformation<Totals> type = plan.type(Totals.class);
        return Combiner.combine(plan, plan.source(Ad.class), WINDOW_MS, new CountViews(campaigns))
                .keyBy(part -> part.key, Types.LONG)
                .window(TumblingEventTimeWindows.of(Duration.ofMillis(WINDOW_MS)))
                .aggregate(new AddUp(), new NameWindow(), type, type);
    }

    /** Filter, projection and join in one step: as operators of their own they cost a call each. */
    private record CountViews(int[] campaigns) implements Combiner.Step<Ad> {
        @Override
        public void add(Ad ad, Slices slices) {
            if (ad.eventType == Ad.VIEW) {
                slices.add(ad.eventTime, campaigns[ad.ad], 0);
            }
        }
    }
}
