package thalweg.peers.input;

/** An auction of Nexmark: those of its columns that the queries of this program read. */
public class Auction {
    public long id;
    public long seller;
    public long category;
    /** When it opens, in ms since the epoch. */
    public long dateTime;
    /** When it closes. */
    public long expires;

    public Auction() {}
}
