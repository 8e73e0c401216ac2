package thalweg.peers.flink.job;

import org.apache.flink.streaming.api.functions.windowing.WindowFunction;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import thalweg.peers.flink.type.Totals;

/** Writes its key and window into what a window accumulated. */
final class NameWindow implements WindowFunction<Totals, Totals, Long, TimeWindow> {
    @Override
    public void apply(Long key, TimeWindow window, Iterable<Totals> all, Collector<Totals> out) {
        Totals totals = all.iterator().next();
        totals.key = key;
        totals.start = window.getStart();
        totals.end = window.getEnd();
        out.collect(totals);
    }
}
