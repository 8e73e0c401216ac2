package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** What the hand-written serialisers of records of a fixed size have in common: fields one behind the other, no tags, no nulls. */
public abstract class FlatSerializer<T> extends TypeSerializerSingleton<T> {
    private final int bytes;

    protected FlatSerializer(int bytes) {
        this.bytes = bytes;
    }

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
        return bytes;
    }

    @Override
    public T deserialize(DataInputView source) throws IOException {
        return deserialize(createInstance(), source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        target.write(source, bytes);
    }
}
