package thalweg.peers.flink.job;

import thalweg.peers.flink.type.Totals;
import thalweg.peers.input.Event;

/** Sum and count of values, as they come. */
final class SumAndCount extends Adding<Event> {
    @Override
    public Totals add(Event event, Totals totals) {
        totals.sum += event.value;
        totals.count++;
        return totals;
    }
}
