package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;

/** Flink's own form of the text, and the count. */
public final class WordSerializer extends TypeSerializerSingleton<Word> {
    static final WordSerializer INSTANCE = new WordSerializer();

    private WordSerializer() {}

    @Override
    public boolean isImmutableType() {
        return false;
    }

    @Override
    public Word createInstance() {
        return new Word();
    }

    @Override
    public Word copy(Word from) {
        return new Word(from.text, from.count);
    }

    @Override
    public Word copy(Word from, Word reuse) {
        reuse.text = from.text;
        reuse.count = from.count;
        return reuse;
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public void serialize(Word word, DataOutputView target) throws IOException {
        StringValue.writeString(word.text, target);
        target.writeLong(word.count);
    }

    @Override
    public Word deserialize(DataInputView source) throws IOException {
        return deserialize(new Word(), source);
    }

    @Override
    public Word deserialize(Word reuse, DataInputView source) throws IOException {
        reuse.text = StringValue.readString(source);
        reuse.count = source.readLong();
        return reuse;
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        StringValue.copyString(source, target);
        target.writeLong(source.readLong());
    }

    @Override
    public TypeSerializerSnapshot<Word> snapshotConfiguration() {
        return new Snapshot();
    }

    /** For checkpoints: Flink makes it by its constructor. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Word> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
