package thalweg.peers.flink.job;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.TotalSink;
import thalweg.peers.input.Event;
import thalweg.peers.input.EventBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code stateless}: map, a filter that keeps half, map; one chain of operators. */
final class Stateless implements Job {
    @Override
    public Inputs input(Run run) {
        return Inputs.of(EventBlock.stateless(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Event> marked = plan.source(Event.class, WatermarkStrategy.noWatermarks(), plan.environment.getParallelism())
                .map(event -> {
                    event.value = event.value * 3 + event.key;
                    return event;
                })
                .returns(plan.type(Event.class))
                .filter(event -> (event.value & 1) == 0)
                .map(event -> {
                    event.value = (event.value >> 1) ^ event.seq;
                    return event;
                })
                .returns(plan.type(Event.class));
        plan.sink(marked, new TotalSink<>(event -> event.value));
    }
}
