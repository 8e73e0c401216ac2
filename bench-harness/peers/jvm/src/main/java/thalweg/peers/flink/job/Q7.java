package thalweg.peers.flink.job;

import thalweg.peers.answer.TextColumn;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.combine.Leaders;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.input.Bid;

/** {@code q7}: in windows of ten seconds, the bids at the highest price. */
final class Q7 extends Query {
    private static final long WINDOW_MS = 10_000;

    @Override
    public void build(Plan plan) {
        plan.sink(Leaders.of(plan.table(Bid.class, "bid"), WINDOW_MS, bid -> bid.price),
                new AnswerSink<>((bid, answer) ->
                        answer.add(bid.auction, bid.price, bid.bidder, bid.dateTime, TextColumn.of(bid.extra))));
    }
}
