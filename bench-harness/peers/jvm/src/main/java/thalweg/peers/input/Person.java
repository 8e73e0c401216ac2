package thalweg.peers.input;

/** A person of Nexmark: those of its columns that the queries of this program read. Texts are UTF-8, and never written to. */
public class Person {
    public long id;
    public byte[] name;
    public byte[] city;
    public byte[] state;
    /** When it registered, in ms since the epoch. */
    public long dateTime;

    public Person() {}
}
