package thalweg.peers.flink.job;

import org.apache.flink.api.common.functions.AggregateFunction;
import thalweg.peers.flink.type.Totals;

/** Sums and counts; what a record adds is the aggregate's own. */
abstract class Adding<T> implements AggregateFunction<T, Totals, Totals> {
    @Override
    public final Totals createAccumulator() {
        return new Totals();
    }

    @Override
    public final Totals getResult(Totals totals) {
        return totals;
    }

    @Override
    public final Totals merge(Totals a, Totals b) {
        a.sum += b.sum;
        a.count += b.count;
        return a;
    }
}
