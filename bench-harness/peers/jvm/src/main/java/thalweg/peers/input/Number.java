package thalweg.peers.input;

/** The record of {@code hop}: 64 bits, in an object that can be used again. */
public class Number {
    public long value;

    public Number() {}
}
