package thalweg.peers.input;

/** An ad event of the Yahoo Streaming Benchmark: 64 bytes. */
public class Ad {
    /** The only type of event that is counted. */
    public static final int VIEW = 0;

    public long userHigh;
    public long userLow;
    public long pageHigh;
    public long pageLow;
    /** In {@code 0..AdBlock.ADS}. */
    public int ad;
    public int adType;
    /** View, click or purchase. */
    public int eventType;
    public int ip;
    /** In ms since the epoch. */
    public long eventTime;
    /** Place in the sequence. */
    public long seq;

    public Ad() {}
}
