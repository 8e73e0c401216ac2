package thalweg.peers.flink.job;

import org.apache.flink.api.common.functions.AggregateFunction;
import thalweg.peers.flink.type.Totals;

/** Adds up sums and counts that were aggregated before. */
final class AddUp implements AggregateFunction<Totals, Totals, Totals> {
    @Override
    public Totals createAccumulator() {
        return new Totals();
    }

    @Override
    public Totals add(Totals part, Totals totals) {
        totals.sum += part.sum;
        totals.count += part.count;
        return totals;
    }

    @Override
    public Totals getResult(Totals totals) {
        return totals;
    }

    @Override
    public Totals merge(Totals a, Totals b) {
        return add(b, a);
    }
}
