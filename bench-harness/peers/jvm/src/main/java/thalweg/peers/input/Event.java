package thalweg.peers.input;

/** The record of {@code stateless}, {@code tumbling}, {@code sliding}, {@code join} and {@code disorder}: 32 bytes. */
public class Event {
    /** In a range, or any 64 bits. */
    public long key;
    /** Small and signed, or any 64 bits. */
    public long value;
    /** In ms since the epoch. */
    public long eventTime;
    /** Place in the sequence. */
    public long seq;

    public Event() {}
}
