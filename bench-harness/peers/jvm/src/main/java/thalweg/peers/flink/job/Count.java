package thalweg.peers.flink.job;

import org.apache.flink.api.common.functions.AggregateFunction;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Visit;

/** The number of records. */
final class Count implements AggregateFunction<Visit, Totals, Totals> {
    @Override
    public Totals createAccumulator() {
        return new Totals();
    }

    @Override
    public Totals add(Visit visit, Totals totals) {
        totals.count++;
        return totals;
    }

    @Override
    public Totals getResult(Totals totals) {
        return totals;
    }

    @Override
    public Totals merge(Totals a, Totals b) {
        a.count += b.count;
        return a;
    }
}
