package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** What the hand-written serialisers of records with texts have in common: a text is its length and its bytes, which nobody writes to. */
public abstract class TextSerializer<T> extends TypeSerializerSingleton<T> {
    @Override
    public boolean isImmutableType() {
        return false;
    }

    @Override
    public T copy(T from) {
        return copy(from, createInstance());
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public T deserialize(DataInputView source) throws IOException {
        return deserialize(createInstance(), source);
    }

    static void write(byte[] text, DataOutputView target) throws IOException {
        target.writeInt(text.length);
        target.write(text);
    }

    static byte[] read(DataInputView source) throws IOException {
        byte[] text = new byte[source.readInt()];
        source.readFully(text);
        return text;
    }

    static void copyText(DataInputView source, DataOutputView target) throws IOException {
        int length = source.readInt();
        target.writeInt(length);
        target.write(source, length);
    }
}
