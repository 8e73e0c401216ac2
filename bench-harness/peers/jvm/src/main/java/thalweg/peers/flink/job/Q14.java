package thalweg.peers.flink.job;

import java.nio.charset.StandardCharsets;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.util.Collector;
import thalweg.peers.answer.DecimalColumn;
import thalweg.peers.answer.TextColumn;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.input.Bid;

/** {@code q14}: the bids between two prices, with the time of day and how often a letter occurs in their text. */
final class Q14 extends Query {
    /** In thousandths, and not among them. */
    private static final long LOWEST = 1_000_000_000;
    private static final long HIGHEST = 50_000_000_000L;
    private static final long HOUR_MS = 3_600_000;
    private static final byte[] DAY = "day".getBytes(StandardCharsets.UTF_8);
    private static final byte[] NIGHT = "night".getBytes(StandardCharsets.UTF_8);
    private static final byte[] OTHER = "other".getBytes(StandardCharsets.UTF_8);

    /** A bid, its price in another currency, and what was found out about it. */
    public static class Found {
        public Bid bid;
        public long thousandths;
        public byte[] timeOfDay;
        public long letters;

        public Found() {}
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Found> found = plan.timeless(Bid.class, "bid").flatMap((Bid bid, Collector<Found> out) -> {
            long thousandths = bid.price * Q1.THOUSANDTHS_PER_UNIT;
            if (thousandths > LOWEST && thousandths < HIGHEST) {
                Found row = new Found();
                row.bid = bid;
                row.thousandths = thousandths;
                row.timeOfDay = timeOfDay(bid.dateTime);
                row.letters = count(bid.extra, (byte) 'c');
                out.collect(row);
            }
        }).returns(Found.class);
        plan.sink(found, new AnswerSink<>((row, answer) -> answer.add(
                row.bid.auction, row.bid.bidder, DecimalColumn.ofThousandths(row.thousandths), TextColumn.of(row.timeOfDay),
                row.bid.dateTime, TextColumn.of(row.bid.extra), row.letters)));
    }

    private static byte[] timeOfDay(long time) {
        long hour = Math.floorMod(time / HOUR_MS, 24);
        return hour >= 8 && hour <= 18 ? DAY : hour <= 6 || hour >= 20 ? NIGHT : OTHER;
    }

    private static long count(byte[] text, byte letter) {
        long count = 0;
        for (byte b : text) {
            count += b == letter ? 1 : 0;
        }
        return count;
    }
}
