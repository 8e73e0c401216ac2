package thalweg.peers.flink.type;

/** Two records of a key that a join put together: their places in the sequence. */
public class Pair {
    public long key;
    public long left;
    public long right;

    public Pair() {}
}
