package thalweg.peers.flink.job;

import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import thalweg.peers.answer.DecimalColumn;
import thalweg.peers.answer.TextColumn;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.input.Bid;

/** {@code q1}: prices in another currency, in thousandths of it. */
final class Q1 extends Query {
    static final long THOUSANDTHS_PER_UNIT = 908;

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Bid> converted = plan.timeless(Bid.class, "bid").map(bid -> {
            bid.price *= THOUSANDTHS_PER_UNIT;
            return bid;
        }).returns(plan.type(Bid.class));
        plan.sink(converted, new AnswerSink<>((bid, answer) -> answer.add(
                bid.auction, bid.bidder, DecimalColumn.ofThousandths(bid.price), bid.dateTime, TextColumn.of(bid.extra))));
    }
}
