package thalweg.peers;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;
import thalweg.peers.flink.type.Records;
import thalweg.peers.flink.type.Totals;
import thalweg.peers.flink.type.Word;
import thalweg.peers.input.Ad;
import thalweg.peers.input.Auction;
import thalweg.peers.input.Bid;
import thalweg.peers.input.Event;
import thalweg.peers.input.Number;
import thalweg.peers.input.Person;
import thalweg.peers.input.Visit;
import thalweg.peers.input.Wide;

class SerializerTest {
    @Test
    void whatIsWrittenIsReadAsItWas() throws Exception {
        for (Class<?> record : new Class<?>[] {
            Ad.class, Auction.class, Bid.class, Event.class, Number.class, Person.class, Totals.class, Visit.class, Wide.class, Word.class
        }) {
            check(record);
        }
    }

    private static <T> void check(Class<T> type) throws Exception {
        TypeSerializer<T> serializer = Records.type(type, true).createSerializer(new SerializerConfigImpl());
        assertTrue(serializer.getClass().getName().contains(type.getSimpleName()), "written by hand");
        T record = serializer.createInstance();
        long next = 1L << 60;
        for (Field field : fields(type)) {
            next += 0x1234567;
            if (field.getType() == long.class) {
                field.setLong(record, next);
            } else if (field.getType() == int.class) {
                field.setInt(record, (int) next);
            } else if (field.getType() == byte[].class) {
                field.set(record, ("wört" + next).getBytes(StandardCharsets.UTF_8));
            } else {
                field.set(record, "wört" + next);
            }
        }
        DataOutputSerializer out = new DataOutputSerializer(256);
        serializer.serialize(record, out);
        assertTrue(serializer.getLength() < 0 || serializer.getLength() == out.length(), "length");
        DataOutputSerializer copied = new DataOutputSerializer(256);
        serializer.copy(new DataInputDeserializer(out.getCopyOfBuffer()), copied);
        equal(record, serializer.deserialize(new DataInputDeserializer(copied.getCopyOfBuffer())));
        equal(record, serializer.copy(record));
        equal(record, serializer.copy(record, serializer.createInstance()));
        TypeSerializer<T> restored = serializer.snapshotConfiguration().restoreSerializer();
        assertEquals(serializer.getClass(), restored.getClass());
    }

    private static List<Field> fields(Class<?> type) {
        return Arrays.stream(type.getFields()).filter(field -> !Modifier.isStatic(field.getModifiers())).toList();
    }

    private static void equal(Object a, Object b) throws Exception {
        for (Field field : fields(a.getClass())) {
            if (field.getType() == byte[].class) {
                assertArrayEquals((byte[]) field.get(a), (byte[]) field.get(b), field.getName());
            } else {
                assertEquals(field.get(a), field.get(b), field.getName());
            }
        }
    }
}
