package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import thalweg.peers.input.Person;

/** Two numbers and three texts. */
public final class PersonSerializer extends TextSerializer<Person> {
    static final PersonSerializer INSTANCE = new PersonSerializer();

    private PersonSerializer() {}

    @Override
    public Person createInstance() {
        return new Person();
    }

    @Override
    public Person copy(Person from, Person reuse) {
        reuse.id = from.id;
        reuse.dateTime = from.dateTime;
        reuse.name = from.name;
        reuse.city = from.city;
        reuse.state = from.state;
        return reuse;
    }

    @Override
    public void serialize(Person record, DataOutputView target) throws IOException {
        target.writeLong(record.id);
        target.writeLong(record.dateTime);
        write(record.name, target);
        write(record.city, target);
        write(record.state, target);
    }

    @Override
    public Person deserialize(Person reuse, DataInputView source) throws IOException {
        reuse.id = source.readLong();
        reuse.dateTime = source.readLong();
        reuse.name = read(source);
        reuse.city = read(source);
        reuse.state = read(source);
        return reuse;
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        target.write(source, 16);
        copyText(source, target);
        copyText(source, target);
        copyText(source, target);
    }

    @Override
    public TypeSerializerSnapshot<Person> snapshotConfiguration() {
        return new Snapshot();
    }

    /** For checkpoints: Flink makes it by its constructor. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Person> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
