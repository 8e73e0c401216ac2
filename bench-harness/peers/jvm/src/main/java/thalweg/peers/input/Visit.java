package thalweg.peers.input;

/** The record of {@code session}: 16 bytes. */
public class Visit {
    /** In {@code 0..VisitBlock.KEYS}. */
    public long key;
    /** In ms since the epoch. */
    public long eventTime;

    public Visit() {}
}
