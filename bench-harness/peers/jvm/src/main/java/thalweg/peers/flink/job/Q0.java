package thalweg.peers.flink.job;

import thalweg.peers.answer.TextColumn;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.input.Bid;

/** {@code q0}: all bids. */
final class Q0 extends Query {
    @Override
    public void build(Plan plan) {
        plan.sink(plan.timeless(Bid.class, "bid"), new AnswerSink<>((bid, answer) ->
                answer.add(bid.auction, bid.bidder, bid.price, bid.dateTime, TextColumn.of(bid.extra))));
    }
}
