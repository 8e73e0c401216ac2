package thalweg.peers.input;

/** The record of {@code hop64}: 64 bytes. */
public class Wide {
    /** Any 64 bits. */
    public long key;
    /** Any 64 bits. */
    public long value;
    /** In ms since the epoch. */
    public long eventTime;
    /** Place in the sequence. */
    public long seq;
    /** Carried along. */
    public long payload0;
    public long payload1;
    public long payload2;
    public long payload3;

    public Wide() {}

    /** What a receiver adds up. */
    public long digest() {
        return value + seq;
    }
}
