package thalweg.peers.flink.job;

import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Visit;

/** The number of records. */
final class Count extends Adding<Visit> {
    @Override
    public Totals add(Visit visit, Totals totals) {
        totals.count++;
        return totals;
    }
}
