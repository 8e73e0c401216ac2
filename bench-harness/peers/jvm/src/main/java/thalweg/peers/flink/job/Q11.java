package thalweg.peers.flink.job;

import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.input.Bid;

/** {@code q11}: bids of each bidder and session, which ends after ten seconds without one. */
final class Q11 extends Query {
    private static final long GAP_MS = 10_000;

    @Override
    public void build(Plan plan) {
        plan.sink(Sessions.combined(plan, plan.table(Bid.class, "bid"), GAP_MS, (bid, parts) -> parts.add(bid.bidder, bid.dateTime)),
                new AnswerSink<>((row, answer) -> answer.add(row.key, row.count, row.start, row.end)));
    }
}
