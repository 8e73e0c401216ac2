package thalweg.peers.flink.job;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.WindowAssigner;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import thalweg.peers.flink.Plan;
import thalweg.peers.flink.combine.Combiner;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Event;

/** Sum and count per key and window of event time. */
final class EventWindows {
    private EventWindows() {}

    /** Each record goes to its key's window. */
    static SingleOutputStreamOperator<Totals> plain(Plan plan, WindowAssigner<Object, TimeWindow> windows) {
        TypeInformation<Totals> type = plan.type(Totals.class);
        return plan.source(Event.class)
                .keyBy(event -> event.key, Types.LONG)
                .window(windows)
                .aggregate(new SumAndCount(), new NameWindow(), type, type);
    }

    /** Of windows that consist of whole slices, each of which is added up before the exchange. */
    static SingleOutputStreamOperator<Totals> combined(Plan plan, WindowAssigner<Object, TimeWindow> windows, long sliceMs) {
        TypeInformation<Totals> type = plan.type(Totals.class);
        return Combiner.combine(
                        plan, plan.source(Event.class), sliceMs, (event, slices) -> slices.add(event.eventTime, event.key, event.value))
                .keyBy(part -> part.key, Types.LONG)
                .window(windows)
                .aggregate(new AddUp(), new NameWindow(), type, type);
    }
}
