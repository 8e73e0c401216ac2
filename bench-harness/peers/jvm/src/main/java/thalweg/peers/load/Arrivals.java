package thalweg.peers.load;

import thalweg.peers.input.Mix;
import thalweg.peers.protocol.Refused;
import thalweg.peers.protocol.Run;

/** When each record is due, in ns after the run's start: fixed before the run, and the same as in the harness. */
public final class Arrivals {
    /** 512 MiB of moments. */
    private static final long TABLE_RECORDS_MAX = 1 << 26;

    public final long events;
    private final double gapNs;
    /** Null if the gaps are all the same. */
    private final long[] table;

    public Arrivals(Run.Schedule schedule, long events) throws Refused {
        this.events = events;
        this.gapNs = 1e9 / schedule.ratePerS();
        this.table = switch (schedule.shape()) {
            case "constant" -> null;
            case "poisson" -> poisson(schedule.seed(), events, gapNs);
            default -> throw new Refused("the JVM peers keep constant and poisson schedules; " + schedule.shape() + " is not written");
        };
    }

    private static long[] poisson(long seed, long events, double gapNs) throws Refused {
        if (events > TABLE_RECORDS_MAX) {
            throw new Refused("poisson of " + events + " records needs a table; the longest has " + TABLE_RECORDS_MAX + ": shorten the run");
        }
        long[] table = new long[(int) events];
        double at = 0;
        for (int i = 0; i < table.length; i++) {
            table[i] = (long) at;
            at += gapNs * exponential(seed, i);
        }
        return table;
    }

    /** The {@code i}-th draw of an exponential distribution of mean one. */
    private static double exponential(long seed, long i) {
        double uniform = (Mix.mix(Mix.mix(seed) ^ i) >>> 11) * 0x1p-53;
        return -Math.log(1.0 - uniform);
    }

    /** When record {@code index} is due. */
    public long at(long index) {
        return table == null ? (long) (index * gapNs) : table[(int) index];
    }

    /** How many are due by a time that only grows, given how many were. */
    public long dueBy(long ns, long before) {
        long due = before;
        if (table == null && ns > 0) {
            // A division in place of a search; rounding may be off by one.
            due = Math.max(before, Math.min(events, (long) (ns / gapNs) - 1));
        }
        while (due < events && at(due) <= ns) {
            due++;
        }
        return due;
    }

    public double meanPerS() {
        return 1e9 / gapNs;
    }
}
