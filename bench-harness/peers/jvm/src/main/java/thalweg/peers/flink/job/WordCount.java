package thalweg.peers.flink.job;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.combine.WordCombiner;
import thalweg.peers.flink.sink.WordTable;
import thalweg.peers.flink.type.Word;
import thalweg.peers.input.Line;
import thalweg.peers.input.LineBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** {@code wordcount}: lines split into words, counted by word; every change is emitted, of a word or of a bundle of them. */
final class WordCount implements Job {
    private final boolean combined;

    WordCount(boolean combined) {
        this.combined = combined;
    }

    @Override
    public Inputs input(Run run) {
        return Inputs.of(new LineBlock(run.seed(), run.events(), run.blockBytes()));
    }

    @Override
    public void build(Plan plan) {
        SingleOutputStreamOperator<Line> lines =
                plan.source(Line.class, WatermarkStrategy.noWatermarks(), plan.environment.getParallelism());
        SingleOutputStreamOperator<Word> words = combined
                ? lines.transform("Combine", plan.type(Word.class), new WordCombiner())
                : lines.flatMap(new Split(plan.settings.objectReuse())).returns(plan.type(Word.class));
        SingleOutputStreamOperator<Word> counts = words.keyBy(word -> word.text, Types.STRING)
                .reduce((counted, word) -> {
                    counted.count += word.count;
                    return counted;
                });
        plan.sink(counts, new WordTable());
    }
}
