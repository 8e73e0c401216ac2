package thalweg.peers.flink.job;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.sink.WordTable;
import thalweg.peers.flink.type.Word;
import thalweg.peers.input.Line;
import thalweg.peers.input.LineBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code wordcount}: lines split into words, counted by word; every change is emitted. */
final class WordCount implements Job {
    @Override
    public Inputs input(Run run) {
        return Inputs.of(new LineBlock(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Word> counts = plan.source(Line.class, WatermarkStrategy.noWatermarks(), plan.environment.getParallelism())
                .flatMap(new Split(plan.settings.objectReuse()))
                .returns(plan.type(Word.class))
                .keyBy(word -> word.text, Types.STRING)
                .reduce((counted, word) -> {
                    counted.count += word.count;
                    return counted;
                });
        plan.sink(counts, new WordTable());
    }
}
