package thalweg.peers.flink.job;

import java.util.Arrays;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import thalweg.peers.answer.TextColumn;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.input.Bid;

/** {@code q22}: bids with three parts of their address. */
final class Q22 extends Query {
    private static final int FIRST_PART = 3;
    private static final int PARTS = 3;

    /** A bid and the parts of its address. */
    public static class Split {
        public Bid bid;
        public byte[][] parts = new byte[PARTS][];

        public Split() {}
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Split> split = plan.timeless(Bid.class, "bid").map(bid -> {
            Split row = new Split();
            row.bid = bid;
            split(bid.url, row.parts);
            return row;
        }).returns(Split.class);
        plan.sink(split, new AnswerSink<>((row, answer) -> answer.add(
                row.bid.auction, row.bid.bidder, row.bid.price, TextColumn.of(row.bid.channel),
                TextColumn.of(row.parts[0]), TextColumn.of(row.parts[1]), TextColumn.of(row.parts[2]))));
    }

    /** Fills {@code parts} with those between slashes, from {@link #FIRST_PART} on. */
    private static void split(byte[] url, byte[][] parts) {
        int from = 0;
        for (int part = 0; part < FIRST_PART + PARTS; part++) {
            int to = from;
            while (to < url.length && url[to] != '/') {
                to++;
            }
            if (part >= FIRST_PART) {
                parts[part - FIRST_PART] = Arrays.copyOfRange(url, from, to);
            }
            from = Math.min(to + 1, url.length);
        }
    }
}
