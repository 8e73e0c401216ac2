package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.api.common.functions.CoGroupFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.util.Collector;
import thalweg.peers.answer.TextColumn;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.input.Auction;
import thalweg.peers.input.Person;

/** {@code q8}: the persons who opened an auction in the window of ten seconds in which they registered. */
final class Q8 extends Query {
    private static final long WINDOW_MS = 10_000;

    @Override
    public void build(Plan plan) {
        DataStream<Person> sellers = plan.table(Person.class, "person")
                .coGroup(plan.table(Auction.class, "auction"))
                .where(person -> person.id, Types.LONG)
                .equalTo(auction -> auction.seller, Types.LONG)
                .window(TumblingEventTimeWindows.of(Duration.ofMillis(WINDOW_MS)))
                .apply(new Both(), plan.type(Person.class));
        plan.sink(sellers, new AnswerSink<>((person, answer) -> answer.add(
                person.id, TextColumn.of(person.name), Math.floorDiv(person.dateTime, WINDOW_MS) * WINDOW_MS)));
    }

    private static final class Both implements CoGroupFunction<Person, Auction, Person> {
        @Override
        public void coGroup(Iterable<Person> persons, Iterable<Auction> auctions, Collector<Person> out) {
            if (auctions.iterator().hasNext()) {
                persons.forEach(out::collect);
            }
        }
    }
}
