package thalweg.peers.flink.job;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import thalweg.peers.answer.TextColumn;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.input.Auction;
import thalweg.peers.input.Person;

/** {@code q3}: persons of three states who sell in a category; both sides are kept for ever. */
final class Q3 extends Query {
    private static final long CATEGORY = 10;
    private static final byte[][] STATES = {utf8("OR"), utf8("ID"), utf8("CA")};

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A seller and one of its auctions. */
    public static class Sale {
        public Person seller;
        public long auction;

        public Sale() {}
    }

    @Override
    public void build(Plan plan) {
        TypeInformation<Person> person = plan.type(Person.class);
        SingleOutputStreamOperator<Sale> sales = plan.timeless(Auction.class, "auction")
                .filter(auction -> auction.category == CATEGORY)
                .keyBy(auction -> auction.seller, Types.LONG)
                .connect(plan.timeless(Person.class, "person")
                        .filter(seller -> Arrays.stream(STATES).anyMatch(state -> Arrays.equals(state, seller.state)))
                        .keyBy(seller -> seller.id, Types.LONG))
                .process(new Sales(person))
                .returns(Types.POJO(Sale.class));
        plan.sink(sales, new AnswerSink<>((sale, answer) -> answer.add(
                TextColumn.of(sale.seller.name), TextColumn.of(sale.seller.city), TextColumn.of(sale.seller.state), sale.auction)));
    }

    private static final class Sales extends KeyedCoProcessFunction<Long, Auction, Person, Sale> {
        private final ValueStateDescriptor<Person> sellers;
        private transient ValueState<Person> seller;
        /** Of a seller who has not come yet: one who has needs none kept. */
        private transient ListState<Long> waiting;

        Sales(TypeInformation<Person> person) {
            sellers = new ValueStateDescriptor<>("seller", person);
        }

        @Override
        public void open(OpenContext context) {
            seller = getRuntimeContext().getState(sellers);
            waiting = getRuntimeContext().getListState(new ListStateDescriptor<>("waiting", Types.LONG));
        }

        @Override
        public void processElement1(Auction auction, Context context, Collector<Sale> out) throws Exception {
            Person known = seller.value();
            if (known == null) {
                waiting.add(auction.id);
            } else {
                emit(known, auction.id, out);
            }
        }

        @Override
        public void processElement2(Person person, Context context, Collector<Sale> out) throws Exception {
            seller.update(person);
            for (long auction : waiting.get()) {
                emit(person, auction, out);
            }
            waiting.clear();
        }

        private static void emit(Person seller, long auction, Collector<Sale> out) {
            Sale sale = new Sale();
            sale.seller = seller;
            sale.auction = auction;
            out.collect(sale);
        }
    }
}
