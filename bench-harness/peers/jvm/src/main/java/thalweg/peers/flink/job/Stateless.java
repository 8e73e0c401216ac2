package thalweg.peers.flink.job;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.util.Collector;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.TotalSink;
import thalweg.peers.input.Event;
import thalweg.peers.input.EventBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code stateless}: map, a filter that keeps half, map; one chain of operators. */
final class Stateless implements Job {
    private final boolean isFused;

    Stateless(boolean isFused) {
        this.isFused = isFused;
    }

    @Override
    public Inputs input(Run run) {
        return Inputs.of(EventBlock.stateless(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Event> events =
                plan.source(Event.class, WatermarkStrategy.noWatermarks(), plan.environment.getParallelism());
        plan.sink(isFused ? fused(plan, events) : steps(plan, events), new TotalSink<>(event -> event.value));
    }

    /** All in one function: a call from operator to operator costs more than a step does. */
    private static SingleOutputStreamOperator<Event> fused(Plan plan, SingleOutputStreamOperator<Event> events) {
        return events.flatMap((Event event, Collector<Event> out) -> {
            long value = event.value * 3 + event.key;
            if ((value & 1) == 0) {
                event.value = (value >> 1) ^ event.seq;
                out.collect(event);
            }
        }).returns(plan.type(Event.class));
    }

    private static SingleOutputStreamOperator<Event> steps(Plan plan, SingleOutputStreamOperator<Event> events) {
        return events.map(event -> {
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
    }
}
