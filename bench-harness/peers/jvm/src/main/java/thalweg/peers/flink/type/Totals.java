package thalweg.peers.flink.type;

/** A sum and a count of a key and a window: what windowed jobs accumulate, and the rows that they give. */
public class Totals {
    public long key;
    /** Start of the window, in ms since the epoch. */
    public long start;
    /** End of the window, in ms since the epoch. */
    public long end;
    public long sum;
    public long count;

    public Totals() {}
}
