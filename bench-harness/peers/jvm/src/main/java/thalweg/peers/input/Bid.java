package thalweg.peers.input;

/** A bid of Nexmark. Texts are UTF-8, and never written to. */
public class Bid {
    public long auction;
    public long bidder;
    public long price;
    public byte[] channel;
    public byte[] url;
    /** In ms since the epoch. */
    public long dateTime;
    public byte[] extra;

    public Bid() {}
}
