package thalweg.peers.flink.job;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.TotalSink;
import thalweg.peers.input.Wide;
import thalweg.peers.input.WideBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code hop64}: source, one channel to another task, map, sink. */
final class Hop64 implements Job {
    @Override
    public Inputs input(Run run) {
        return Inputs.of(new WideBlock(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public boolean hasOpenLoop() {
        return true;
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Wide> source = plan.source(Wide.class, WatermarkStrategy.noWatermarks(), 1);
        SingleOutputStreamOperator<Wide> mapped = source.map(wide -> wide)
                .returns(plan.type(Wide.class))
                .setParallelism(1)
                .startNewChain();
        plan.sink(mapped, new TotalSink<>(Wide::digest));
    }
}
