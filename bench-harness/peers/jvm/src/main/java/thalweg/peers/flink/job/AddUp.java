package thalweg.peers.flink.job;

import thalweg.peers.flink.type.Totals;

/** Adds up sums and counts that were aggregated before. */
final class AddUp extends Adding<Totals> {
    @Override
    public Totals add(Totals part, Totals totals) {
        return merge(totals, part);
    }
}
