package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.combine.Combiner;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Bid;

/** {@code q12}: bids of each bidder in windows of ten seconds. */
final class Q12 extends Query {
    private static final long WINDOW_MS = 10_000;

    @Override
    public void build(Plan plan) {
        TypeInformation<Totals> type = plan.type(Totals.class);
        SingleOutputStreamOperator<Totals> counts = Combiner.combine(
                        plan, plan.table(Bid.class, "bid"), WINDOW_MS, (bid, slices) -> slices.add(bid.dateTime, bid.bidder, 0))
                .keyBy(part -> part.key, Types.LONG)
                .window(TumblingEventTimeWindows.of(Duration.ofMillis(WINDOW_MS)))
                .aggregate(new AddUp(), new NameWindow(), type, type);
        plan.sink(counts, new AnswerSink<>((row, answer) -> answer.add(row.key, row.count, row.start, row.end)));
    }
}
