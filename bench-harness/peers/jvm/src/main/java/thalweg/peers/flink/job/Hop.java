package thalweg.peers.flink.job;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.TotalSink;
import thalweg.peers.input.Number;
import thalweg.peers.input.NumberBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code hop}: source, one channel to another task, map, sink. */
final class Hop implements Job {
    @Override
    public Inputs input(Run run) {
        return Inputs.of(new NumberBlock(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public boolean hasOpenLoop() {
        return true;
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Number> source = plan.source(Number.class, WatermarkStrategy.noWatermarks(), 1);
        SingleOutputStreamOperator<Number> mapped = source.map(number -> number)
                .returns(plan.type(Number.class))
                .setParallelism(1)
                .startNewChain();
        plan.sink(mapped, new TotalSink<>(number -> number.value));
    }
}
