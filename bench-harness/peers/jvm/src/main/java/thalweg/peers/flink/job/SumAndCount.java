package thalweg.peers.flink.job;

import org.apache.flink.api.common.functions.AggregateFunction;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Event;

/** Sum and count of values, as they come. */
final class SumAndCount implements AggregateFunction<Event, Totals, Totals> {
    @Override
    public Totals createAccumulator() {
        return new Totals();
    }

    @Override
    public Totals add(Event event, Totals totals) {
        totals.sum += event.value;
        totals.count++;
        return totals;
    }

    @Override
    public Totals getResult(Totals totals) {
        return totals;
    }

    @Override
    public Totals merge(Totals a, Totals b) {
        a.sum += b.sum;
        a.count += b.count;
        return a;
    }
}
