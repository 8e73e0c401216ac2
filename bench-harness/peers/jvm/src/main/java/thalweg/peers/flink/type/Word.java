package thalweg.peers.flink.type;

/** A word and how often it occurred. */
public class Word {
    public String text;
    public long count;

    public Word() {}

    public Word(String text, long count) {
        this.text = text;
        this.count = count;
    }
}
