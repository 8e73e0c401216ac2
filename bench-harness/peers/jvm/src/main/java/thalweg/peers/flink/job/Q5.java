package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.combine.Combiner;
import thalweg.peers.flink.combine.Leaders;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Bid;

/** {@code q5}: in windows of ten seconds that slide by two, the auctions with the most bids. A slice is a slide. */
final class Q5 extends Query {
    private static final long SIZE_MS = 10_000;
    private static final long SLIDE_MS = 2_000;

    @Override
    public void build(Plan plan) {
        TypeInformation<Totals> type = plan.type(Totals.class);
        SingleOutputStreamOperator<Totals> counts = Combiner.combine(
                        plan, plan.table(Bid.class, "bid"), SLIDE_MS, (bid, slices) -> slices.add(bid.dateTime, bid.auction, 0))
                .keyBy(part -> part.key, Types.LONG)
                .window(SlidingEventTimeWindows.of(Duration.ofMillis(SIZE_MS), Duration.ofMillis(SLIDE_MS)))
                .aggregate(new AddUp(), new NameWindow(), type, type);
        // All counts of a window have its last time, and so are alone in one slide.
        plan.sink(Leaders.of(counts, SLIDE_MS, count -> count.count),
                new AnswerSink<>((leader, answer) -> answer.add(leader.key, leader.count, leader.start)));
    }
}
