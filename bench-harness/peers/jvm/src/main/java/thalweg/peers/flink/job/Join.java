package thalweg.peers.flink.job;

import java.time.Duration;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.functions.co.ProcessJoinFunction;
import org.apache.flink.util.Collector;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.AnswerSink;
import thalweg.peers.flink.type.Pair;
import thalweg.peers.input.Event;
import thalweg.peers.input.EventBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code join}: two streams joined by key where event times are at most a second apart. */
final class Join implements Job {
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private final boolean byHand;

    Join(boolean byHand) {
        this.byHand = byHand;
    }

    @Override
    public Inputs input(Run run) {
        return Inputs.of(EventBlock.join(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Event> both = plan.source(Event.class);
        SingleOutputStreamOperator<Pair> pairs = byHand
                ? both.keyBy(event -> event.key, Types.LONG).process(new Near(INTERVAL.toMillis())).returns(plan.type(Pair.class))
                : intervalJoin(plan, both);
        plan.sink(pairs, new AnswerSink<>((pair, answer) -> answer.add(pair.key, pair.left, pair.right)));
    }

    private static SingleOutputStreamOperator<Pair> intervalJoin(Plan plan, SingleOutputStreamOperator<Event> both) {
        return both.filter(event -> (event.value & 1) == 0)
                .keyBy(event -> event.key, Types.LONG)
                .intervalJoin(both.filter(event -> (event.value & 1) != 0).keyBy(event -> event.key, Types.LONG))
                .between(INTERVAL.negated(), INTERVAL)
                .process(new Places(), plan.type(Pair.class));
    }

    private static final class Places extends ProcessJoinFunction<Event, Event, Pair> {
        @Override
        public void processElement(Event left, Event right, Context context, Collector<Pair> out) {
            Pair pair = new Pair();
            pair.key = left.key;
            pair.left = left.seq;
            pair.right = right.seq;
            out.collect(pair);
        }
    }
}
