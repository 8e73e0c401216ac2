package thalweg.peers.input;

/** The record of {@code wordcount}: a line of ten words. */
public class Line {
    public String text;

    public Line() {}
}
