package thalweg.peers.input;

/** The record of {@code wordcount}: a line of ten words, as a text and as what stands in a file or comes from a socket. A job reads one of the two. */
public class Line {
    public String text;
    public byte[] utf8;

    public Line() {}
}
